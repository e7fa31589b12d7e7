//! The command line: names, flags and help.

#[cfg(test)]
mod compose;
mod flow;
mod keep;
mod look;
mod shared;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};
use clap_complete::Shell;

pub use flow::{Archive, Batch, Demo, Import, Run, Serve, Ship};
pub use keep::{ConfigCommand, DeadLetters, DeadLettersCommand, Generate, Health, Prune, Setup};
pub use look::{Audit, Detect, Export, Lines, Report, Shown, Spikes};
pub use shared::{Data, Form, Input, Kafka, Listen, Range};

/// Live numbers from web access logs, and the exact history behind them.
#[derive(Debug, Parser)]
#[command(name = "twofold", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// Configuration file (default: ./twofold.toml, if it is there).
    #[arg(long, global = true, env = "TWOFOLD_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Set any configuration key, such as `--set speed.lateness=5m`; may be repeated.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// The time zone that decides days and hours, such as Europe/Berlin [default: UTC].
    #[arg(long, global = true, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Try:
  twofold demo                                   the tour: a day of traffic through all layers
  twofold report access.log                      what is in a log
  twofold report access.log --html out.html      the same as a page to keep
  twofold run --source /var/log/nginx/access.log watch it: http://127.0.0.1:8080
  twofold audit --data twofold-data              prove that nothing is missing or double";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take the tour: a day of realistic traffic through all layers, served, then kept live.
    Demo(Demo),
    /// Say what is in log files, or in what is stored: exact, like GoAccess.
    Report(Report),
    /// Speed layer, archiver, periodic batch and serving in one process.
    Run(Run),
    /// The speed layer alone.
    Speed(Input),
    /// The archiver alone.
    Archive(Archive),
    /// Ship files into a Kafka topic, each line once, whatever happens in between.
    Ship(Ship),
    /// Archive old logs beside a live source, for the batch layer alone.
    Import(Import),
    /// One run of the batch layer, for cron; or one every so often.
    Batch(Batch),
    /// The HTTP API and the page alone.
    Serve(Serve),
    /// Write the original log, byte for byte, to standard output.
    Export(Export),
    /// Account for every offset; exit status 1 if any is missing or double.
    Audit(Audit),
    /// How far the estimates were off, per view.
    Accuracy(Shown),
    /// Spikes in anyone's series, or those that were found in what is stored.
    Spikes(Spikes),
    /// The raw lines behind a number.
    Lines(Lines),
    /// Apply the retention: fade old rows, retire old files of the archive.
    Prune(Prune),
    /// Prepare Elasticsearch or OpenSearch, the archive's bucket and the dashboards; safe to repeat.
    Setup(Setup),
    /// What the index refused: list it, look at it, put it again.
    DeadLetters(DeadLetters),
    /// Make realistic traffic, and its exact answers.
    Generate(Generate),
    /// Say which log format a file has.
    Detect(Detect),
    /// Check or show the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Whether a running server is healthy; exit status 1 if not.
    Health(Health),
    /// Completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}
