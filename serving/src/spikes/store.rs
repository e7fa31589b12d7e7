//! Spikes in the index: written, read back, and counted.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use twofold_data::minute::Minute;
use twofold_data::spike::{History, Quantity};

use super::row::{Review, SpikeRow, Standing};
use crate::index::{Document, Index, IndexError, LiveDocument, Put};

/// The kind of live documents that are spikes; the version is how far the judge had come.
pub(super) const SPIKE: &str = "spike";

/// The kind of live documents that are reviews of spikes; the version is the generation.
pub(super) const REVIEW: &str = "spike-review";

/// The kind of documents that say what is usual of each quantity by weekday and time of day.
pub const EXPECTATION: &str = "expectation";

/// How long (minutes) a spike can have begun before a range that it reaches into.
const LONG: i64 = 1440;

/// A spike with what the batch layer says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// The spike.
    #[serde(flatten)]
    pub row: SpikeRow,
    /// What the exact minutes say; `None` until the batch run has come to it.
    pub review: Option<Review>,
}

/// How good the live verdicts were.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Precision {
    /// Live spikes that the exact minutes confirmed.
    pub confirmed: u64,
    /// Live spikes that they did not.
    pub withdrawn: u64,
    /// Spikes that only the exact minutes show.
    pub missed: u64,
    /// Live spikes that are not reviewed yet.
    pub pending: u64,
    /// `confirmed` of `confirmed + withdrawn`, 0 to 1; `None` before the first review.
    pub precision: Option<f64>,
}

/// The spikes that have a minute in `from..to`, in order of their start.
pub fn list(index: &dyn Index, from: Minute, to: Minute) -> Result<Vec<Listed>, IndexError> {
    let early = Minute(from.0.saturating_sub(LONG));
    let mut reviews: BTreeMap<String, Review> =
        reviews(index, early, to)?.into_iter().map(|review| (review.id.clone(), review)).collect();
    let rows = rows(index, early, to)?.into_iter();
    let listed = rows.map(|(row, _)| Listed { review: reviews.remove(&row.id), row });
    Ok(listed.filter(|listed| listed.row.end > from).collect())
}

/// How good the live verdicts of a list were.
pub fn precision(listed: &[Listed]) -> Precision {
    let mut sums = Precision::default();
    for Listed { row, review } in listed {
        match (row.found, review.as_ref().map(|review| review.standing)) {
            (super::Found::Batch, _) => sums.missed += 1,
            (_, Some(Standing::Confirmed)) => sums.confirmed += 1,
            (_, Some(Standing::Withdrawn)) => sums.withdrawn += 1,
            (_, None) => sums.pending += 1,
        }
    }
    let reviewed = sums.confirmed + sums.withdrawn;
    sums.precision = (reviewed > 0).then(|| sums.confirmed as f64 / reviewed as f64);
    sums
}

/// Spikes that begin in `from..to`, with their versions.
pub(super) fn rows(
    index: &dyn Index,
    from: Minute,
    to: Minute,
) -> Result<Vec<(SpikeRow, u64)>, IndexError> {
    read(index, SPIKE, from, to)
}

/// Reviews of spikes that begin in `from..to`.
pub fn reviews(index: &dyn Index, from: Minute, to: Minute) -> Result<Vec<Review>, IndexError> {
    Ok(read(index, REVIEW, from, to)?.into_iter().map(|(review, _)| review).collect())
}

/// Puts spikes, each under this version.
pub fn put_rows(
    index: &dyn Index,
    rows: &[SpikeRow],
    version: u64,
) -> Result<Vec<Put>, IndexError> {
    let documents: Vec<_> =
        rows.iter().map(|row| live(SPIKE, &row.id, row.start, json!(row), version)).collect();
    index.put_documents(&documents)
}

/// Puts reviews.
pub fn put_reviews(index: &dyn Index, reviews: &[Review]) -> Result<(), IndexError> {
    let document =
        |review: &Review| live(REVIEW, &review.id, review.start, json!(review), review.generation);
    index.put_documents(&reviews.iter().map(document).collect::<Vec<_>>())?;
    Ok(())
}

/// What is usual of each quantity, as the current generation has it.
pub fn expectation(index: &dyn Index) -> Result<BTreeMap<Quantity, History>, IndexError> {
    let documents = index.documents(EXPECTATION, Minute(i64::MIN / 2), Minute(i64::MAX / 2))?;
    let named = |id: &str| Quantity::ALL.into_iter().find(|quantity| quantity.name() == id);
    let read = |document: Document| {
        let history = serde_json::from_value(document.body).map_err(damaged)?;
        Ok(named(&document.id).map(|quantity| (quantity, history)))
    };
    documents.into_iter().filter_map(|document| read(document).transpose()).collect()
}

pub(super) fn live(
    kind: &str,
    id: &str,
    start: Minute,
    body: serde_json::Value,
    version: u64,
) -> LiveDocument {
    let document = Document { kind: kind.to_owned(), id: id.to_owned(), start, body };
    LiveDocument { document, version }
}

fn read<T: DeserializeOwned>(
    index: &dyn Index,
    kind: &str,
    from: Minute,
    to: Minute,
) -> Result<Vec<(T, u64)>, IndexError> {
    let read = |live: LiveDocument| {
        Ok((serde_json::from_value(live.document.body).map_err(damaged)?, live.version))
    };
    index.live_documents(kind, from, to)?.into_iter().map(read).collect()
}

fn damaged(error: serde_json::Error) -> IndexError {
    IndexError::Failed(format!("a stored spike is damaged: {error}"))
}
