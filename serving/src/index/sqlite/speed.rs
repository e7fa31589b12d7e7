//! What the speed layer writes: versioned rows and partitions' states.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State};

use crate::index::{IndexError, PartitionState, Put, Select};

const UPSERT: &str = "
INSERT INTO speed (view, grain, start, partition, version, state, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (view, grain, start, partition) DO UPDATE SET
    version = excluded.version, state = excluded.state, body = excluded.body
WHERE excluded.version > version OR (excluded.version = version AND excluded.state >= state)";

/// Upserts rows in one transaction.
pub fn put(writer: &mut Connection, sets: &[RowSet]) -> Result<Vec<Put>, IndexError> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let puts = sets.iter().map(|set| put_one(&transaction, set)).collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(puts)
}

fn put_one(transaction: &Transaction<'_>, set: &RowSet) -> Result<Put, IndexError> {
    let changed = transaction.prepare_cached(UPSERT)?.execute((
        &set.view,
        set.grain.name(),
        set.start.0,
        partition_key(set.partition.as_ref()),
        set.version as i64,
        finality(set.state),
        serde_json::to_string(set)?,
    ))?;
    Ok(outcome(changed))
}

/// Upserts a partition's state, unless the stored one has processed more.
pub fn put_state(writer: &Connection, state: &PartitionState) -> Result<Put, IndexError> {
    let changed = writer.execute(
        "INSERT INTO states (partition, processed, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (partition) DO UPDATE SET processed = excluded.processed, body = excluded.body
         WHERE excluded.processed >= processed",
        (
            partition_key(Some(&state.partition)),
            state.processed_through as i64,
            serde_json::to_string(state)?,
        ),
    )?;
    Ok(outcome(changed))
}

/// All states, in order of partition.
pub fn states(reader: &Transaction<'_>) -> Result<Vec<PartitionState>, IndexError> {
    let mut statement = reader.prepare_cached("SELECT body FROM states ORDER BY partition")?;
    let bodies = statement.query_map([], |row| row.get::<_, String>(0))?;
    bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
}

/// Rows by start, then partition.
pub fn rows(reader: &Transaction<'_>, select: &Select<'_>) -> Result<Vec<RowSet>, IndexError> {
    let mut statement = reader.prepare_cached(
        "SELECT body FROM speed
         WHERE (?1 IS NULL OR view = ?1) AND grain = ?2 AND start >= ?3 AND start < ?4
           AND (?5 IS NULL OR partition = ?5)
         ORDER BY start, partition, view",
    )?;
    let partition = select.partition.map(|partition| partition_key(Some(partition)));
    let bodies = statement.query_map(
        (select.view, select.grain.name(), select.from.0, select.to.0, partition),
        |row| row.get::<_, String>(0),
    )?;
    bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
}

/// How final a state is: of two sets with one version the more final one stays.
fn finality(state: State) -> u8 {
    match state {
        State::Open => 0,
        State::Partial => 1,
        State::Closed => 2,
        State::Exact => 3,
    }
}

fn partition_key(partition: Option<&Partition>) -> String {
    partition.map_or_else(String::new, Partition::to_string)
}

fn outcome(changed: usize) -> Put {
    if changed == 0 { Put::Stale } else { Put::Stored }
}
