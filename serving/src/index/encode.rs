//! How a set's body is written. By hand, since an emission has thousands of rows: what serde would
//! write, in a fraction of the time. [`super::body`] reads it.

use twofold_data::view::{Row, RowSet, Summary};

use super::body::to_json;
use super::{IndexError, body};

/// A set without its key, taken apart so that a read without sketches is small.
#[derive(Debug)]
pub(super) struct Body {
    /// Its rows, as JSON.
    pub(super) rows: Vec<u8>,
    /// Its sketches, as [`body::sketches`] reads them.
    pub(super) sketches: Option<Vec<u8>>,
}

/// Writes a set's body.
pub(super) fn encode(set: &RowSet) -> Result<Body, IndexError> {
    let mut text = Vec::new();
    rows(&mut text, set)?;
    Ok(Body { rows: text, sketches: set.summary.as_deref().map(sketches) })
}

/// About how many bytes a row has.
const ROW: usize = 96;

/// What a set holds beside its key and its sketches, as JSON: [`body::Rows`].
pub(super) fn rows(out: &mut Vec<u8>, set: &RowSet) -> Result<(), IndexError> {
    let summary = set.summary.as_deref();
    out.reserve(ROW * (set.rows.len() + 1));
    out.extend_from_slice(br#"{"rows":["#);
    for (at, each) in set.rows.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        row(out, each);
    }
    out.extend_from_slice(br#"],"floor":"#);
    number(out, set.floor);
    out.extend_from_slice(br#","keys":"#);
    out.extend_from_slice(&to_json(&set.keys)?);
    out.extend_from_slice(br#","tally":"#);
    out.extend_from_slice(&to_json(&summary.map(|summary| summary.tally))?);
    out.extend_from_slice(br#","exact":"#);
    out.extend_from_slice(&to_json(&summary.and_then(|summary| summary.exact))?);
    out.push(b'}');
    Ok(())
}

fn row(out: &mut Vec<u8>, row: &Row) {
    out.extend_from_slice(br#"{"key":"#);
    string(out, &row.key);
    out.extend_from_slice(br#","counts":["#);
    for (at, count) in row.counts.0.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        number(out, count);
    }
    out.push(b']');
    if row.missed > 0 {
        out.extend_from_slice(br#","missed":"#);
        number(out, row.missed);
    }
    out.push(b'}');
}

/// Each sketch with its length before it.
fn sketches(summary: &Summary) -> Vec<u8> {
    let Summary { clients, human_clients, sizes, durations, .. } = summary;
    let all =
        [clients.to_bytes(), human_clients.to_bytes(), sizes.to_bytes(), durations.to_bytes()];
    let mut out = Vec::with_capacity(1 + all.iter().map(|each| 4 + each.len()).sum::<usize>());
    out.push(body::BINARY);
    for each in &all {
        out.extend_from_slice(&(each.len() as u32).to_le_bytes());
        out.extend_from_slice(each);
    }
    out
}

/// Writes a text as JSON.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        let _ = serde_json::to_writer(out, text);
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes a number; most counts have one digit.
pub(super) fn number(out: &mut Vec<u8>, mut number: u64) {
    const MOST_DIGITS: usize = 20;
    let mut digits = [b'0'; MOST_DIGITS];
    let mut first = MOST_DIGITS - 1;
    while number >= 10 {
        digits[first] += (number % 10) as u8;
        number /= 10;
        first -= 1;
    }
    digits[first] += number as u8;
    out.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use twofold_data::minute::{Grain, Minute};
    use twofold_data::partition::Partition;
    use twofold_data::view::{Counts, State};

    use super::*;
    use crate::index::body::{Head, Rows, decode, parse};

    fn set(rows: Vec<Row>, floor: u64, summary: Option<Summary>) -> RowSet {
        let keys = (floor == 0).then_some(rows.len() as u64);
        RowSet {
            view: "pages".into(),
            grain: Grain::Minute,
            start: Minute(7),
            partition: Some(Partition::new("access", 3)),
            version: 9,
            state: State::Closed,
            rows,
            floor,
            keys,
            summary: summary.map(Box::new),
        }
    }

    fn read(set: &RowSet) -> RowSet {
        let head = Head {
            view: set.view.clone(),
            grain: set.grain,
            start: set.start,
            partition: set.partition.clone(),
            version: set.version,
            state: set.state,
        };
        let Body { rows, sketches } = encode(set).unwrap();
        let sketches = sketches.map(|bytes| body::sketches(&bytes).unwrap());
        decode(head, parse::<Rows>(&rows).unwrap(), sketches)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            rows in prop::collection::vec((any::<String>(), any::<[u64; 8]>(), 0..3u64), 0..20),
            floor in 0..3u64,
        ) {
            let row = |(key, counts, missed)| Row { key, counts: Counts(counts), missed };
            let set = set(rows.into_iter().map(row).collect(), floor, None);
            prop_assert_eq!(read(&set), set);
        }

        #[test]
        fn sketches_are_read_as_they_were(values in prop::collection::vec(any::<u64>(), 0..100)) {
            let mut summary = Summary::default();
            for value in values {
                summary.clients.update(value);
                summary.sizes.update(value);
            }
            let set = set(Vec::new(), 0, Some(summary));
            prop_assert_eq!(read(&set), set);
        }

        #[test]
        fn damaged_sketches_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = body::sketches(&bytes);
            let binary: Vec<u8> = [body::BINARY].into_iter().chain(bytes).collect();
            let _ = body::sketches(&binary);
        }
    }
}
