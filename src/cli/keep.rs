//! Commands that keep things in order, and make some to try them on.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::shared::Data;

/// `prune`
#[derive(Debug, Args)]
pub struct Prune {
    /// Say what would go; remove nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// For scripts.
    #[arg(long)]
    pub json: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `setup`
#[derive(Debug, Args)]
pub struct Setup {
    /// Also install the dashboards in this Kibana or OpenSearch Dashboards, such as http://HOST:5601.
    #[arg(long, value_name = "URL")]
    pub kibana: Option<String>,
    /// Where the index is.
    #[command(flatten)]
    pub data: Data,
}

/// `dead-letters`
#[derive(Debug, Args)]
pub struct DeadLetters {
    /// Where the index is.
    #[command(flatten)]
    pub data: Data,
    /// What to do with them.
    #[command(subcommand)]
    pub command: DeadLettersCommand,
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// What was refused, and why.
    List {
        /// The records that no format read, instead.
        #[arg(long)]
        malformed: bool,
        /// Malformed records after this one, such as access-00000@1234.
        #[arg(long, value_name = "RECORD", requires = "malformed")]
        after: Option<String>,
        /// At most so many malformed records.
        #[arg(long, default_value_t = 100, requires = "malformed")]
        limit: usize,
        /// For scripts.
        #[arg(long)]
        json: bool,
    },
    /// One of them, as JSON: a refused one with its rows, a malformed record with what each format says of it.
    Show {
        /// Its name, as `list` shows it.
        id: String,
    },
    /// Put them again, once the reason is gone; exit status 1 if any is refused again.
    Replay {
        /// Their names.
        #[arg(required_unless_present_any = ["all", "malformed"])]
        ids: Vec<String>,
        /// All of them.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// The records that no format read, instead: read them again, and compute their hours again.
        #[arg(long, conflicts_with_all = ["ids", "all"])]
        malformed: bool,
        /// The format that reads them; may be repeated [default: the configured one, or the one they have].
        #[arg(long, requires = "malformed")]
        format: Vec<String>,
        /// Say how many are read now; change nothing.
        #[arg(long, requires = "malformed")]
        dry_run: bool,
        /// For scripts.
        #[arg(long, requires = "malformed")]
        json: bool,
    },
    /// Throw them away: the batch layer's exact rows will replace them.
    Drop {
        /// Their names.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// `generate`
#[derive(Debug, Args)]
pub struct Generate {
    /// How many lines.
    #[arg(long)]
    pub lines: Option<u64>,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Over how many days [default: 1; 14 for the profile spikes]; with --live, how many before now.
    #[arg(long)]
    pub days: Option<u32>,
    /// Lines a second on average; with --days it sets the number of lines.
    #[arg(long, conflicts_with = "lines")]
    pub rate: Option<f64>,
    /// Up to now at once, and then as time goes by, without an end.
    #[arg(long, requires = "rate", conflicts_with_all = ["start", "answers"])]
    pub live: bool,
    /// The kind of traffic: demo, bench, cardinality or spikes.
    #[arg(long, default_value = "demo")]
    pub profile: String,
    /// The first day, such as 2026-11-23.
    #[arg(long)]
    pub start: Option<String>,
    /// The file to write, or `-`.
    #[arg(long, value_name = "FILE")]
    pub out: String,
    /// Also write the exact answers, as JSON.
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Exit status 1 and a message if anything is wrong.
    Check,
    /// Every key, its value and where that comes from; secrets hidden.
    Show {
        /// For scripts.
        #[arg(long)]
        json: bool,
    },
}

/// `health`
#[derive(Debug, Args)]
pub struct Health {
    /// The server to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
}
