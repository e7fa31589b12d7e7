//! Commands that show what is stored, or what is in a file.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::shared::{Data, Form, Kafka, Range};

/// `report`
#[derive(Debug, Args)]
pub struct Report {
    /// Log files, globs, .gz or .zst, or `-`; without any, what is stored under --data.
    pub files: Vec<String>,
    /// How lines are read.
    #[command(flatten)]
    pub form: Form,
    /// How long the lists are.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub top: u16,
    /// The range.
    #[command(flatten)]
    pub range: Range,
    /// For scripts.
    #[arg(long)]
    pub json: bool,
    /// Write the page as one file that needs no server and nothing from outside.
    #[arg(long, value_name = "FILE", conflicts_with = "json", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `export`
#[derive(Debug, Args)]
pub struct Export {
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `audit`
#[derive(Debug, Args)]
pub struct Audit {
    /// Ask the brokers, too: kafka://HOST:9092/TOPIC, as it was archived.
    #[arg(long, value_name = "URL")]
    pub source: Vec<String>,
    /// How to talk to Kafka.
    #[command(flatten)]
    pub kafka: Kafka,
    /// For scripts.
    #[arg(long)]
    pub json: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// A stored thing to show.
#[derive(Debug, Args)]
pub struct Shown {
    /// For scripts.
    #[arg(long)]
    pub json: bool,
    /// The range.
    #[command(flatten)]
    pub range: Range,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `spikes`
#[derive(Debug, Args)]
pub struct Spikes {
    /// A table with one row a step (CSV, TSV, …), or `-`; without one, what is stored under --data.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: Option<String>,
    /// The column of times, by name or by number from 1 [default: found].
    #[arg(long, value_name = "COL", requires = "file")]
    pub time: Option<String>,
    /// The column of values, by name or by number from 1 [default: found].
    #[arg(long, value_name = "COL", requires = "file")]
    pub value: Option<String>,
    /// The range of what is stored.
    #[command(flatten)]
    pub range: Range,
    /// For scripts: every point with its score, and the spikes.
    #[arg(long)]
    pub json: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `lines`
#[derive(Debug, Args)]
pub struct Lines {
    /// Files that are being archived: what of them is not yet is searched, too.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub source: Vec<String>,
    /// The range.
    #[command(flatten)]
    pub range: Range,
    /// Only this client.
    #[arg(long)]
    pub client: Option<String>,
    /// Only this path.
    #[arg(long)]
    pub path: Option<String>,
    /// Only this status.
    #[arg(long)]
    pub status: Option<u16>,
    /// Only lines with this text in them.
    #[arg(long)]
    pub contains: Option<String>,
    /// Only lines that no format matched.
    #[arg(long)]
    pub malformed: bool,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `detect`
#[derive(Debug, Args)]
pub struct Detect {
    /// The log file.
    pub file: String,
    /// For scripts.
    #[arg(long)]
    pub json: bool,
}
