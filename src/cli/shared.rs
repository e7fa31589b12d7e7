//! What several commands share: where the state is, what is read, where it is served.

use std::path::PathBuf;

use clap::{Args, ValueHint};

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
    /// How lines are read.
    #[command(flatten)]
    pub form: Form,
    /// Where the state is kept.
    #[command(flatten)]
    pub data: Data,
}

/// How lines are read.
#[derive(Debug, Args, Clone)]
pub struct Form {
    /// The format; see `twofold detect` [default: auto].
    #[arg(long)]
    pub format: Option<String>,
    /// What a trailing number means: seconds, microseconds or ignored.
    #[arg(long)]
    pub trailing: Option<String>,
}

/// How to talk to Kafka.
#[derive(Debug, Args, Clone)]
pub struct Kafka {
    /// A property of librdkafka, such as `--kafka security.protocol=SSL`; may be repeated.
    /// Passwords belong into the environment: TWOFOLD_KAFKA__SASL_PASSWORD.
    #[arg(long = "kafka", value_name = "KEY=VALUE")]
    pub properties: Vec<String>,
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
