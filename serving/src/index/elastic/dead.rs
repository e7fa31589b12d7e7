//! Dead letters: what the engine refused, kept beside it with the reason.
//!
//! A letter holds the whole set, so that it can be put again once the reason is gone.

use serde_json::{Value, json};
use twofold_data::view::RowSet;

use super::ElasticIndex;
use super::body::Hit;
use super::bulk::{Outcome, Version, Writes, send};
use super::documents::{Kind, external_version, set_id};
use super::search::{Search, doc};
use crate::index::body::timestamp;
use crate::index::{DeadLetter, IndexError};

/// A set that was refused, or of which a row was.
pub(super) struct Refusal<'a> {
    pub set: &'a RowSet,
    pub status: u16,
    pub reason: String,
}

/// Keeps sets that the index of this name has refused.
pub(super) fn keep(
    index: &ElasticIndex,
    name: &str,
    refusals: &[Refusal<'_>],
) -> Result<(), IndexError> {
    let mut writes = Writes::default();
    for refusal in refusals {
        let Refusal { set, status, reason } = refusal;
        tracing::warn!(view = set.view, start = %set.start, status, reason, "the index refused a set");
        metrics::counter!("twofold_index_dead_letters_total").increment(1);
        let id = set_id(Kind::Speed, set);
        let letter = body(name, &id, refusal)?;
        writes.value(&id, Version::AtLeast(external_version(set)), &letter)?;
    }
    let outcomes = send(&index.connection, &index.names.dead_letters(), writes)?;
    for (refusal, outcome) in refusals.iter().zip(outcomes) {
        if let Outcome::Refused { status, reason } = outcome {
            let before = &refusal.reason;
            return Err(IndexError::Failed(format!(
                "it refused a set ({before}), and the dead letter of it, too: {status}: {reason}"
            )));
        }
    }
    Ok(())
}

fn body(name: &str, id: &str, refusal: &Refusal<'_>) -> Result<Value, IndexError> {
    let Refusal { set, status, reason } = refusal;
    let source =
        serde_json::to_string(set).map_err(|error| IndexError::Failed(error.to_string()))?;
    let partition = set.partition.as_ref();
    Ok(json!({
        "@timestamp": timestamp(),
        "twofold": {
            "doc": "letter",
            "view": set.view,
            "grain": set.grain.name(),
            "topic": partition.map(|partition| partition.topic.to_string()),
            "partition": partition.map(|partition| partition.number),
            "version": set.version,
            "letter": { "index": name, "id": id, "status": status, "reason": reason, "source": source },
        }
    }))
}

/// Every letter, the oldest first.
pub(super) fn all(index: &ElasticIndex) -> Result<Vec<DeadLetter>, IndexError> {
    let target = index.names.dead_letters();
    index.refresh(&target)?;
    let filter = doc("letter");
    let found = Search { target: &target, filter: &filter, without: &[] }.all(index)?;
    found.unwrap_or_default().hits.into_iter().map(letter).collect()
}

fn letter(hit: Hit) -> Result<DeadLetter, IndexError> {
    let damaged = |what: &str| IndexError::Failed(format!("the dead letter {} {what}", hit.id));
    let source = hit.source.as_ref().ok_or_else(|| damaged("is empty"))?;
    let letter = source.twofold.letter.as_ref().ok_or_else(|| damaged("is none"))?;
    let set: RowSet =
        serde_json::from_str(&letter.source).map_err(|error| damaged(&error.to_string()))?;
    Ok(DeadLetter {
        id: letter.id.clone(),
        refused_at: source.timestamp.clone().unwrap_or_default(),
        status: letter.status,
        reason: letter.reason.clone(),
        set,
    })
}

/// Removes a letter.
pub(super) fn forget(index: &ElasticIndex, id: &str) -> Result<(), IndexError> {
    let mut writes = Writes::default();
    writes.delete(id, Version::Any);
    super::generations::check(&send(&index.connection, &index.names.dead_letters(), writes)?)
}
