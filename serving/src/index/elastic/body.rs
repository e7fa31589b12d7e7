//! What the engine answers: documents, and the sets that they hold. [`super::documents`] writes them.

use serde::Deserialize;
use serde_json::{Value, json};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State};

use crate::index::body::{Head, Rows, Sketches, decode};
use crate::index::{IndexError, Layer};

/// A query's range of starts.
pub(super) fn range(from: Minute, to: Minute) -> Value {
    let time = |minute| super::names::clamp(minute).to_string();
    json!({ "range": { "@timestamp": { "gte": time(from), "lt": time(to) } } })
}

/// What a search or a get finds.
#[derive(Debug, Deserialize)]
pub(super) struct Hit {
    #[serde(rename = "_id")]
    pub(super) id: String,
    #[serde(rename = "_index")]
    pub(super) index: String,
    #[serde(rename = "_source")]
    pub(super) source: Option<Source>,
    pub(super) sort: Option<Vec<Value>>,
}

/// A document.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    #[serde(rename = "@timestamp")]
    pub(super) timestamp: Option<String>,
    #[serde(default)]
    pub(super) twofold: Fields,
}

/// The part of a document that twofold reads.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Fields {
    pub(super) view: Option<String>,
    pub(super) layer: Option<Layer>,
    grain: Option<Grain>,
    topic: Option<String>,
    partition: Option<u32>,
    state: Option<State>,
    pub(super) version: Option<u64>,
    pub(super) count: Option<usize>,
    rows: Option<Rows>,
    sketches: Option<Sketches>,
    pub(super) document: Option<Named>,
    pub(super) body: Option<Value>,
    pub(super) run: Option<String>,
    pub(super) letter: Option<Letter>,
}

/// What a document of the batch layer is called.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) kind: String,
    pub(super) id: String,
}

/// What a dead letter says.
#[derive(Debug, Deserialize)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) source: String,
}

impl Hit {
    /// The set that a document holds.
    pub(super) fn set(self) -> Result<RowSet, IndexError> {
        let id = self.id;
        let read = || {
            let source = self.source?;
            let fields = source.twofold;
            let partition = match fields.topic {
                Some(topic) => Some(Partition::new(&topic, fields.partition?)),
                None => None,
            };
            let head = Head {
                view: fields.view?,
                grain: fields.grain?,
                start: Minute::parse(&source.timestamp?)?,
                partition,
                version: fields.version?,
                state: fields.state?,
            };
            Some(decode(head, fields.rows?, fields.sketches))
        };
        read().ok_or_else(|| IndexError::Failed(format!("the stored set {id} lacks a field")))
    }
}
