//! Documents outside of generations: versioned, and seen as soon as they are put.

use serde_json::{Value, json};
use twofold_data::minute::Minute;

use super::ElasticIndex;
use super::body::{Hit, range};
use super::bulk::{Outcome, Version, Writes, send};
use super::clean::delete_matching;
use super::mapping::has_field;
use super::names::clamp;
use super::search::{Search, all_of, doc};
use crate::index::{Document, IndexError, LiveDocument, Put};

pub(super) fn put(
    index: &ElasticIndex,
    documents: &[LiveDocument],
) -> Result<Vec<Put>, IndexError> {
    let mut writes = Writes::default();
    for LiveDocument { document, version } in documents {
        let Document { kind, id, start, body } = document;
        let name = format!("{kind}.{id}");
        let mut twofold = json!({
            "doc": "live",
            "set": name,
            "version": version,
            "document": { "kind": kind, "id": id },
            "body": body,
        });
        if kind == "spike" {
            twofold["spike"] = spike(body);
        }
        let timestamp = clamp(*start).to_string();
        let source = json!({ "@timestamp": timestamp, "twofold": twofold });
        let version = Version::Above(i64::try_from(*version).unwrap_or(i64::MAX));
        writes.value(&name, version, &source)?;
    }
    send(&index.connection, &index.names.live(), writes)?.into_iter().map(conclude).collect()
}

/// What Kibana reads of a spike: the fields that the mapping has.
fn spike(body: &Value) -> Value {
    let known =
        body.as_object().into_iter().flatten().filter(|(name, value)| {
            !value.is_null() && has_field(&format!("twofold.spike.{name}"))
        });
    Value::Object(known.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn conclude(outcome: Outcome) -> Result<Put, IndexError> {
    match outcome {
        Outcome::Done => Ok(Put::Stored),
        Outcome::Stale => Ok(Put::Stale),
        Outcome::Refused { status, reason } => {
            Err(IndexError::Failed(format!("a document was refused ({status}): {reason}")))
        }
    }
}

fn filter(kind: &str, from: Minute, to: Minute) -> Value {
    let kind = json!({ "term": { "twofold.document.kind": kind } });
    all_of(vec![doc("live"), kind, range(from, to)])
}

pub(super) fn read(
    index: &ElasticIndex,
    kind: &str,
    from: Minute,
    to: Minute,
) -> Result<Vec<LiveDocument>, IndexError> {
    let target = index.names.live();
    index.refresh(&target)?;
    let filter = filter(kind, from, to);
    let found = Search { target: &target, filter: &filter, without: &[] }.all(index)?;
    let mut documents: Vec<LiveDocument> =
        found.unwrap_or_default().hits.into_iter().filter_map(live).collect();
    documents.sort_by(|a, b| {
        let key = |live: &LiveDocument| (live.document.start, live.document.id.clone());
        key(a).cmp(&key(b))
    });
    Ok(documents)
}

fn live(hit: Hit) -> Option<LiveDocument> {
    let version = hit.source.as_ref()?.twofold.version?;
    Some(LiveDocument { document: super::read::document(hit)?, version })
}

pub(super) fn delete_before(
    index: &ElasticIndex,
    kind: &str,
    before: Minute,
) -> Result<u64, IndexError> {
    let target = index.names.live();
    index.refresh(&target)?;
    delete_matching(index, &target, &filter(kind, Minute(i64::MIN), before))
}
