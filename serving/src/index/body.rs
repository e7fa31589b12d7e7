//! How backends store a set beside its key: rows and sketches, as JSON.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Distincts, Row, RowSet, State, Summary, Tally};
use twofold_data::window::sketch::{Distinct, Quantiles};

use super::IndexError;

/// After how long a run that was neither published nor abandoned counts as dead.
pub(super) const LEFTOVER_MS: i64 = 24 * 60 * 60 * 1000;

/// A set without its key, taken apart so that a read without sketches is small.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) rows: Vec<u8>,
    pub(super) sketches: Option<Vec<u8>>,
}

/// What a set holds beside its key and its sketches.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rows<R = Vec<Row>> {
    rows: R,
    floor: u64,
    keys: Option<u64>,
    tally: Option<Tally>,
    exact: Option<Distincts>,
}

#[derive(Serialize)]
struct SketchesOut<'a>(&'a Distinct, &'a Distinct, &'a Quantiles, &'a Quantiles);

/// The sketches of a summary: clients, human clients, sizes, durations.
#[derive(Debug, Deserialize)]
pub(super) struct Sketches(Distinct, Distinct, Quantiles, Quantiles);

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
pub(super) fn decode(head: Head, rows: Rows, sketches: Option<Sketches>) -> RowSet {
    let Rows { rows, floor, keys, tally, exact } = rows;
    RowSet {
        view: head.view,
        grain: head.grain,
        start: head.start,
        partition: head.partition,
        version: head.version,
        state: head.state,
        rows,
        floor,
        keys,
        summary: tally.map(|tally| Box::new(summary(tally, exact, sketches))),
    }
}

fn summary(tally: Tally, exact: Option<Distincts>, sketches: Option<Sketches>) -> Summary {
    let Some(Sketches(clients, human_clients, sizes, durations)) = sketches else {
        return Summary { tally, exact, ..Summary::default() };
    };
    Summary { tally, exact, clients, human_clients, sizes, durations }
}

/// Reads what [`to_json`] or [`encode`] wrote.
pub(super) fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, IndexError> {
    serde_json::from_slice(bytes).map_err(damaged)
}

fn damaged(error: serde_json::Error) -> IndexError {
    IndexError::Failed(format!("a stored value is damaged: {error}"))
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

/// Writes a small value as JSON.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, IndexError> {
    serde_json::to_vec(value).map_err(|error| IndexError::Failed(error.to_string()))
}

/// The wall clock: milliseconds since the Unix epoch.
pub(super) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// The wall clock as a text; `None` beyond the years that have one.
pub(super) fn timestamp() -> Option<String> {
    jiff::Timestamp::from_millisecond(now()).map(|now| now.to_string()).ok()
}
