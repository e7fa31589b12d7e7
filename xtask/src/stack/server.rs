//! Which servers there are.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::record::Record;
use super::{elasticsearch, kafka, opensearch, s3};

/// A server that the stack can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// Apache Kafka, KRaft.
    Kafka,
    /// Elasticsearch 8.
    Elasticsearch,
    /// Elasticsearch 7.17.
    Elasticsearch7,
    /// OpenSearch 2.
    OpenSearch,
    /// SeaweedFS, which speaks S3.
    S3,
}

impl Server {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::Kafka, Self::Elasticsearch, Self::Elasticsearch7, Self::OpenSearch, Self::S3];

    /// What twofold runs with.
    pub const USUAL: &[Self] = &[Self::Kafka, Self::Elasticsearch, Self::S3];

    /// As in the command line and in folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Elasticsearch => "elasticsearch",
            Self::Elasticsearch7 => "elasticsearch7",
            Self::OpenSearch => "opensearch",
            Self::S3 => "s3",
        }
    }

    /// The server of that name.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|server| server.name() == name);
        found.copied().ok_or_else(|| {
            format!("there is no server `{name}` in the stack; it has {}", list(Self::ALL))
        })
    }

    /// Fetches its packages and writes its configuration into `folder`.
    pub fn prepare(self, folder: &Path) -> Result<Record, String> {
        match self {
            Self::Kafka => kafka::prepare(folder),
            Self::Elasticsearch => elasticsearch::prepare8(folder),
            Self::Elasticsearch7 => elasticsearch::prepare7(folder),
            Self::OpenSearch => opensearch::prepare(folder),
            Self::S3 => s3::prepare(folder),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The names, for a sentence.
pub fn list(servers: &[Server]) -> String {
    servers.iter().map(|server| server.name()).collect::<Vec<_>>().join(", ")
}
