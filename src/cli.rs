//! The command line: names, flags and help.

#[cfg(test)]
mod compose;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

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

/// Where the state is kept.
#[derive(Debug, Args, Clone)]
pub struct Data {
    /// The directory with archive, history and index [default: twofold-data].
    #[arg(long = "data", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Where the index is: http://HOST:9200 (Elasticsearch, OpenSearch) or file:PATH
    /// [default: twofold.db in the data directory].
    #[arg(long = "index", value_name = "URL")]
    pub index: Option<String>,
    /// Archive and history somewhere else: s3://BUCKET/PREFIX, or a folder.
    #[arg(long = "archive", value_name = "LOCATION")]
    pub archive: Option<String>,
}

/// What is read, and how.
#[derive(Debug, Args, Clone)]
pub struct Input {
    /// Files, globs, directories, .gz or .zst, or `-`; may be repeated. Or kafka://HOST:9092/TOPIC.
    #[arg(long = "source", value_name = "FILE", num_args = 1..)]
    pub source: Vec<String>,
    /// How to talk to Kafka.
    #[command(flatten)]
    pub kafka: Kafka,
    /// Stop at the end of what is there, instead of following it.
    #[arg(long)]
    pub to_end: bool,
    /// The format; see `twofold detect` [default: auto].
    #[arg(long)]
    pub format: Option<String>,
    /// What a trailing number means: seconds, microseconds or ignored.
    #[arg(long)]
    pub trailing: Option<String>,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// How to talk to Kafka.
#[derive(Debug, Args, Clone)]
pub struct Kafka {
    /// A property of librdkafka, such as `--kafka security.protocol=SSL`; may be repeated.
    /// Passwords belong into the environment: TWOFOLD_KAFKA__SASL_PASSWORD.
    #[arg(long = "kafka", value_name = "KEY=VALUE")]
    pub properties: Vec<String>,
}

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

/// Where the API and the page are served, and to whom.
#[derive(Debug, Args)]
pub struct Listen {
    /// Address and port of the API and the page [default: 127.0.0.1:8080].
    #[arg(long = "listen", value_name = "ADDRESS:PORT")]
    pub address: Option<String>,
    /// The file with the token that clients have to show; needed anywhere but on loopback
    /// (or TWOFOLD_SERVE_TOKEN).
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: Option<String>,
    /// The certificate for TLS (PEM); needed anywhere but on loopback.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub certificate: Option<String>,
    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<String>,
    /// A proxy before the server encrypts and asks who is there: ask for neither token nor TLS.
    #[arg(long)]
    pub behind_proxy: bool,
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

/// A range of event time.
#[derive(Debug, Args, Clone)]
pub struct Range {
    /// From this minute on, such as 2026-11-23 or 2026-11-23T18:04Z.
    #[arg(long)]
    pub from: Option<String>,
    /// Up to this minute, itself left out.
    #[arg(long)]
    pub to: Option<String>,
}

/// `report`
#[derive(Debug, Args)]
pub struct Report {
    /// Log files, globs, .gz or .zst, or `-`; without any, what is stored under --data.
    pub files: Vec<String>,
    /// The format [default: auto].
    #[arg(long)]
    pub format: Option<String>,
    /// What a trailing number means: seconds, microseconds or ignored.
    #[arg(long)]
    pub trailing: Option<String>,
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
    /// The format, which tells the client, the records' key [default: auto].
    #[arg(long)]
    pub format: Option<String>,
    /// What a trailing number means: seconds, microseconds or ignored.
    #[arg(long)]
    pub trailing: Option<String>,
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
    /// The format; see `twofold detect` [default: auto].
    #[arg(long)]
    pub format: Option<String>,
    /// What a trailing number means: seconds, microseconds or ignored.
    #[arg(long)]
    pub trailing: Option<String>,
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
        /// For scripts.
        #[arg(long)]
        json: bool,
    },
    /// One of them with its rows, as JSON.
    Show {
        /// Its name, as `list` shows it.
        id: String,
    },
    /// Put them again, once the reason is gone; exit status 1 if any is refused again.
    Replay {
        /// Their names.
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// All of them.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
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

/// `detect`
#[derive(Debug, Args)]
pub struct Detect {
    /// The log file.
    pub file: String,
    /// For scripts.
    #[arg(long)]
    pub json: bool,
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
