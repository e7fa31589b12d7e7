//! What the speed layer writes: versioned sets, and the states of its partitions.

use rusqlite::{OptionalExtension, Transaction, params};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;

use super::{CHUNK, SqliteIndex};
use crate::index::body::{finality, parse, signed, to_json};
use crate::index::encode::{Body, encode};
use crate::index::{IndexError, PartitionState, Put};

/// An older state never replaces a newer one; of two equal versions the more final stays.
const PUT: &str = "
INSERT INTO speed_rows (grain, view, start, topic, number, version, finality, body, sketches)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (grain, view, start, topic, number) DO UPDATE SET
    version = excluded.version, finality = excluded.finality,
    body = excluded.body, sketches = excluded.sketches
WHERE (excluded.version, excluded.finality) >= (version, finality)";

const PUT_STATE: &str = "
INSERT INTO partitions (topic, number, processed_through, body) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (topic, number) DO UPDATE SET
    processed_through = excluded.processed_through, body = excluded.body
WHERE excluded.processed_through >= processed_through";

pub(super) fn put(index: &SqliteIndex, sets: &[RowSet]) -> Result<Vec<Put>, IndexError> {
    let mut puts = Vec::with_capacity(sets.len());
    for chunk in sets.chunks(CHUNK) {
        // Encoded before the transaction begins, so that other writers don't wait for it.
        let bodies = chunk.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        index.write(|transaction| {
            for (set, body) in chunk.iter().zip(&bodies) {
                puts.push(put_one(transaction, set, body)?);
            }
            Ok(())
        })?;
    }
    Ok(puts)
}

fn put_one(transaction: &Transaction<'_>, set: &RowSet, body: &Body) -> Result<Put, IndexError> {
    let Some(partition) = &set.partition else {
        return Err(IndexError::Failed(format!("rows of {} name no partition", set.view)));
    };
    let changed = transaction.prepare_cached(PUT)?.execute(params![
        set.grain.minutes(),
        set.view,
        set.start.0,
        &*partition.topic,
        partition.number,
        signed(set.version),
        finality(set.state),
        body.rows,
        body.sketches,
    ])?;
    Ok(stored(changed))
}

/// What an upsert that changed so many rows has done.
pub(super) fn stored(changed: usize) -> Put {
    if changed == 0 { Put::Stale } else { Put::Stored }
}

pub(super) fn put_state(
    transaction: &Transaction<'_>,
    state: &PartitionState,
) -> Result<Put, IndexError> {
    let changed = transaction.prepare_cached(PUT_STATE)?.execute(params![
        &*state.partition.topic,
        state.partition.number,
        signed(state.processed_through),
        to_json(state)?,
    ])?;
    Ok(stored(changed))
}

pub(super) fn state(
    transaction: &Transaction<'_>,
    partition: &Partition,
) -> Result<Option<PartitionState>, IndexError> {
    let body: Option<Vec<u8>> = transaction
        .prepare_cached("SELECT body FROM partitions WHERE topic = ?1 AND number = ?2")?
        .query_row(params![&*partition.topic, partition.number], |row| row.get(0))
        .optional()?;
    body.map(|body| parse(&body)).transpose()
}

pub(super) fn states(transaction: &Transaction<'_>) -> Result<Vec<PartitionState>, IndexError> {
    let mut statement =
        transaction.prepare_cached("SELECT body FROM partitions ORDER BY topic, number")?;
    let bodies = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    bodies.map(|body| parse(&body?)).collect()
}
