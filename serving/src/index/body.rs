//! How backends store a set beside its key: rows as JSON, sketches as their bytes or, in JSON, as
//! the base64 of them. [`super::encode`] writes it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Distincts, Row, RowSet, State, Summary, Tally};
use twofold_data::window::sketch::{Distinct, Quantiles};

use super::IndexError;

/// After how long a run that was neither published nor abandoned counts as dead.
pub(super) const LEFTOVER_MS: i64 = 24 * 60 * 60 * 1000;

/// What a set holds beside its key and its sketches.
#[derive(Debug, Deserialize)]
pub(super) struct Rows {
    rows: Vec<Row>,
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

/// The sketches of a summary as JSON, for an index that has documents.
pub(super) fn sketches_json(summary: &Summary) -> Result<Vec<u8>, IndexError> {
    let Summary { clients, human_clients, sizes, durations, .. } = summary;
    to_json(&SketchesOut(clients, human_clients, sizes, durations))
}

/// What sketches that are no JSON begin with.
pub(super) const BINARY: u8 = 1;

/// Reads sketches: bytes of [`super::encode::sketches`], or JSON, as older versions wrote them.
pub(super) fn sketches(bytes: &[u8]) -> Result<Sketches, IndexError> {
    let Some((&BINARY, mut rest)) = bytes.split_first() else { return parse(bytes) };
    let mut next = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (sketch, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = after;
        Some(sketch)
    };
    let mut sketch = || next().ok_or_else(|| "it ends too early".to_owned());
    let mut read = || {
        Ok::<_, String>(Sketches(
            Distinct::from_bytes(sketch()?)?,
            Distinct::from_bytes(sketch()?)?,
            Quantiles::from_bytes(sketch()?)?,
            Quantiles::from_bytes(sketch()?)?,
        ))
    };
    read().map_err(|error| IndexError::Failed(format!("stored sketches are damaged: {error}")))
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

/// Reads JSON that is stored.
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
