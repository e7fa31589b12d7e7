//! What a row of the tables holds beside its key: rows and sketches of a set, as JSON.

use serde::{Deserialize, Serialize};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Distincts, Row, RowSet, State, Summary, Tally};
use twofold_data::window::sketch::{Distinct, Quantiles};

use crate::index::IndexError;

/// A set without its key, taken apart so that a read without sketches is small.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) rows: Vec<u8>,
    pub(super) sketches: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Rows<R> {
    rows: R,
    floor: u64,
    keys: Option<u64>,
    tally: Option<Tally>,
    exact: Option<Distincts>,
}

#[derive(Serialize)]
struct SketchesOut<'a>(&'a Distinct, &'a Distinct, &'a Quantiles, &'a Quantiles);

#[derive(Deserialize)]
struct SketchesIn(Distinct, Distinct, Quantiles, Quantiles);

/// The key of a set, as the columns of its row tell it.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) view: String,
    pub(super) grain: Grain,
    pub(super) start: Minute,
    pub(super) partition: Option<Partition>,
    pub(super) version: u64,
    pub(super) state: State,
}

/// Writes a set's body.
pub(super) fn encode(set: &RowSet) -> Result<Body, IndexError> {
    let summary = set.summary.as_deref();
    let rows = serde_json::to_vec(&Rows {
        rows: &set.rows,
        floor: set.floor,
        keys: set.keys,
        tally: summary.map(|summary| summary.tally),
        exact: summary.and_then(|summary| summary.exact),
    });
    let sketches = summary.map(|summary| {
        serde_json::to_vec(&SketchesOut(
            &summary.clients,
            &summary.human_clients,
            &summary.sizes,
            &summary.durations,
        ))
    });
    Ok(Body { rows: rows.map_err(damaged)?, sketches: sketches.transpose().map_err(damaged)? })
}

/// Reads a set back; without `sketches` those of its summary are empty.
pub(super) fn decode(
    head: Head,
    rows: &[u8],
    sketches: Option<&[u8]>,
) -> Result<RowSet, IndexError> {
    let body: Rows<Vec<Row>> = serde_json::from_slice(rows).map_err(damaged)?;
    let summary = match body.tally {
        Some(tally) => Some(Box::new(summary(tally, body.exact, sketches)?)),
        None => None,
    };
    Ok(RowSet {
        view: head.view,
        grain: head.grain,
        start: head.start,
        partition: head.partition,
        version: head.version,
        state: head.state,
        rows: body.rows,
        floor: body.floor,
        keys: body.keys,
        summary,
    })
}

fn summary(
    tally: Tally,
    exact: Option<Distincts>,
    sketches: Option<&[u8]>,
) -> Result<Summary, IndexError> {
    let Some(bytes) = sketches else {
        return Ok(Summary { tally, exact, ..Summary::default() });
    };
    let SketchesIn(clients, human_clients, sizes, durations) =
        serde_json::from_slice(bytes).map_err(damaged)?;
    Ok(Summary { tally, exact, clients, human_clients, sizes, durations })
}

fn damaged(error: serde_json::Error) -> IndexError {
    IndexError::Failed(format!("a stored row is damaged: {error}"))
}

/// A state as a number: the larger, the more final.
pub(super) fn finality(state: State) -> i64 {
    match state {
        State::Open => 0,
        State::Partial => 1,
        State::Closed => 2,
        State::Exact => 3,
    }
}

/// The state of that [`finality`].
pub(super) fn state_of(finality: i64) -> State {
    match finality {
        0 => State::Open,
        1 => State::Partial,
        2 => State::Closed,
        _ => State::Exact,
    }
}

/// An unsigned number as SQLite stores it. Offsets and versions stay far below 2^63.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that [`signed`] wrote.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
