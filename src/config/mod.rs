//! The configuration: one file, the environment, flags; later wins.
//!
//! Every key has a default, so the serialised default *is* the list of known
//! keys, from which environment names and the error for an unknown key follow.

mod index;
mod layers;
mod span;
mod timezone;

pub use index::{Index, Target};
pub use layers::{Layers, Origin};
pub use span::Span;
pub use timezone::TimeZone;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use twofold_data::format::Options;
use twofold_data::spike::Severity;
use twofold_serving::secret::Secret;
use twofold_serving::store::s3;

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The directory that holds archive, history and index.
    pub data: String,
    /// The index.
    pub index: Index,
    /// The time zone that decides days and hours in reports and access patterns.
    pub timezone: TimeZone,
    /// Where records come from.
    pub source: Source,
    /// Properties of librdkafka, such as `security.protocol`; they go before our own defaults.
    pub kafka: BTreeMap<String, String>,
    /// What a record looks like.
    pub format: Options,
    /// The speed layer.
    pub speed: Speed,
    /// The archiver.
    pub archive: Archive,
    /// The batch layer.
    pub batch: Batch,
    /// The HTTP server.
    pub serve: Serve,
    /// Health and metrics of the parts that serve nothing else.
    pub monitor: Monitor,
    /// Normalising rules for pages.
    pub page: Page,
    /// How long things are kept; `0s` keeps for ever.
    pub retention: Retention,
    /// Who is told of spikes.
    pub alerts: Alerts,
    /// How the server of an archive on S3 is spoken to.
    pub s3: s3::Options,
}

/// `[source]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// Files, globs, directories, `-`, or one `kafka://HOST:9092/TOPIC`.
    pub paths: Vec<String>,
    /// The name under which the source is archived; empty: the stem of the first file. Topics keep theirs.
    pub topic: String,
    /// What the names of the consumer groups start with: `-speed` and `-archive` follow.
    pub group: String,
}

/// `[speed]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Speed {
    /// How long after the largest event time seen a window still takes requests.
    pub lateness: Span,
    /// How far past the largest event time a request is not believed until others confirm it.
    pub ahead: Span,
    /// How often changed rows go to the index.
    pub emit_interval: Span,
    /// How many keys of a view one window counts exactly before it estimates.
    pub max_keys: usize,
}

/// `[archive]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// `s3://bucket/prefix` or a folder, with the history in `history/` below it; empty: both in
    /// the data directory.
    pub location: String,
    /// The most raw bytes that one file holds.
    pub max_bytes: u64,
    /// The longest that a record waits for its file.
    pub max_age: Span,
}

/// `[batch]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// How often `run` and `batch --every` recompute.
    pub every: Span,
    /// How long the boundary keeps behind the end of the archive.
    pub settle: Span,
}

/// `[serve]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// The address and port that the API and the page listen on.
    pub listen: String,
    /// What clients have to show; empty: nothing.
    pub token: Secret,
    /// The file that holds the token.
    pub token_file: String,
    /// The certificate (PEM).
    pub certificate: String,
    /// The certificate's key (PEM).
    pub key: String,
    /// Whether a proxy before the server encrypts and asks who is there.
    pub behind_proxy: bool,
}

/// `[monitor]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Monitor {
    /// Where `speed`, `archive` and `batch --every` answer `/health`, `/ready` and `/metrics`; empty: nowhere.
    pub listen: String,
}

/// `[page]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    /// Count `/item/123` and `/item/456` as one page, `/item/:n`.
    pub collapse_numbers: bool,
}

/// `[retention]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Minute rows in the index.
    pub minutes: Span,
    /// Hour rows in the index.
    pub hours: Span,
    /// The history's tables.
    pub history: Span,
    /// The archive's files.
    pub archive: Span,
    /// The most bytes that the archive's files take; `0` for any number.
    pub archive_bytes: u64,
}

/// `[alerts]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Gets each alert as JSON by POST. A secret.
    pub webhook: String,
    /// Gets each alert's text by POST, as Slack and Mattermost take it. A secret.
    pub slack: String,
    /// A shell command that gets each alert as JSON on its standard input.
    pub command: String,
    /// How long a spike has lasted before anybody is told.
    pub min_duration: Span,
    /// How long nobody is told of another spike of the same series.
    pub quiet: Span,
    /// How much a spike matters at least: `notice`, `warning` or `critical`.
    pub severity: Severity,
    /// Whether the end of a spike is told, too.
    pub resolve: bool,
    /// Whether spikes of single hosts and pages are told, too.
    pub keys: bool,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            webhook: String::new(),
            slack: String::new(),
            command: String::new(),
            min_duration: Span::minutes(1),
            quiet: Span::minutes(30),
            severity: Severity::Warning,
            resolve: true,
            keys: false,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "twofold-data".into(),
            index: Index::default(),
            timezone: TimeZone::default(),
            source: Source::default(),
            kafka: BTreeMap::new(),
            format: Options::default(),
            speed: Speed::default(),
            archive: Archive::default(),
            batch: Batch::default(),
            serve: Serve::default(),
            monitor: Monitor::default(),
            page: Page::default(),
            retention: Retention::default(),
            alerts: Alerts::default(),
            s3: s3::Options::default(),
        }
    }
}

impl Default for Source {
    fn default() -> Self {
        Self { paths: Vec::new(), topic: String::new(), group: "twofold".into() }
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self {
            lateness: Span::minutes(2),
            ahead: Span::minutes(60),
            emit_interval: Span::seconds(1),
            max_keys: 4096,
        }
    }
}

impl Default for Archive {
    fn default() -> Self {
        Self { location: String::new(), max_bytes: 256 * 1024 * 1024, max_age: Span::minutes(60) }
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self { every: Span::minutes(60), settle: Span::minutes(15) }
    }
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            token: Secret::default(),
            token_file: String::new(),
            certificate: String::new(),
            key: String::new(),
            behind_proxy: false,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        let for_ever = Span::seconds(0);
        Self {
            minutes: Span::minutes(90 * 1440),
            hours: for_ever,
            history: for_ever,
            archive: for_ever,
            archive_bytes: 0,
        }
    }
}
