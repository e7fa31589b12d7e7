//! Commands that data flow through.

use clap::Args;

use super::shared::{Data, Form, Input, Kafka, Listen, Range};

/// `archive`
#[derive(Debug, Args)]
pub struct Archive {
    /// What is read.
    #[command(flatten)]
    pub input: Input,
    /// Go on although the broker's retention has removed records that were not archived yet.
    #[arg(long)]
    pub accept_loss: bool,
}

/// `run`
#[derive(Debug, Args)]
pub struct Run {
    /// What is read.
    #[command(flatten)]
    pub input: Input,
    /// Where it is served.
    #[command(flatten)]
    pub listen: Listen,
    /// Serve nothing.
    #[arg(long)]
    pub no_serve: bool,
}

/// `demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// How many lines the day has.
    #[arg(long, default_value_t = 500_000)]
    pub lines: u64,
    /// Address and port of the API and the page [default: 127.0.0.1:8080].
    #[arg(long)]
    pub listen: Option<String>,
    /// End after the tour, instead of keeping live traffic flowing.
    #[arg(long)]
    pub once: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `ship`
#[derive(Debug, Args)]
pub struct Ship {
    /// Files, globs, directories, .gz or .zst, or `-`.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// The topic: kafka://HOST:9092/TOPIC [default: the configured source].
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Go on with what is written to the files, through rotation.
    #[arg(long)]
    pub follow: bool,
    /// How fast: full, log (as far apart as the lines' times), or lines a second.
    #[arg(long, value_name = "full|log|N", default_value = "full")]
    pub rate: String,
    /// Make the topic with so many partitions, if it is not there.
    #[arg(long, value_name = "PARTITIONS")]
    pub create: Option<u32>,
    /// The file's name in the records' headers [default: the hash of its first line].
    #[arg(long)]
    pub name: Option<String>,
    /// How lines are read.
    #[command(flatten)]
    pub form: Form,
    /// How to talk to Kafka.
    #[command(flatten)]
    pub kafka: Kafka,
}

/// `import`
#[derive(Debug, Args)]
pub struct Import {
    /// Files, globs, directories, .gz or .zst.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// The name under which they are archived [default: import- and the stem of the first].
    #[arg(long)]
    pub topic: Option<String>,
    /// How lines are read.
    #[command(flatten)]
    pub form: Form,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `batch`
#[derive(Debug, Args)]
pub struct Batch {
    /// Run again and again, this often.
    #[arg(long, value_name = "SPAN")]
    pub every: Option<String>,
    /// Say what would be recomputed and why; change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Recompute these hours, changed or not.
    #[command(flatten)]
    pub range: Range,
    /// For scripts.
    #[arg(long)]
    pub json: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Files that are being archived: what of them is not yet stands behind numbers, too.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub source: Vec<String>,
    /// Where it is served.
    #[command(flatten)]
    pub listen: Listen,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}
