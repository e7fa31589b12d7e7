//! What the batch layer writes: staged rows, and generations that make them visible.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use twofold_data::view::RowSet;

use crate::index::{Document, IndexError, Publication};

/// Rows of one short transaction, so that the speed layer never waits long.
const CHUNK: usize = 500;

const INSERT_ROWS: &str =
    "INSERT OR REPLACE INTO exact (view, grain, start, run, body) VALUES (?, ?, ?, ?, ?)";

const INSERT_DOCUMENT: &str =
    "INSERT OR REPLACE INTO documents (kind, id, start, run, body) VALUES (?, ?, ?, ?, ?)";

/// Adds rows and documents to what `run` has staged.
pub fn stage(
    writer: &mut Connection,
    run: &str,
    rows: &[RowSet],
    documents: &[Document],
) -> Result<(), IndexError> {
    let number = begin(writer, run)?;
    in_chunks(writer, rows, |transaction, set| {
        let body = serde_json::to_string(set)?;
        let mut insert = transaction.prepare_cached(INSERT_ROWS)?;
        insert.execute((&set.view, set.grain.name(), set.start.0, number, body))?;
        Ok(())
    })?;
    in_chunks(writer, documents, |transaction, document| {
        let body = serde_json::to_string(document)?;
        let mut insert = transaction.prepare_cached(INSERT_DOCUMENT)?;
        insert.execute((&document.kind, &document.id, document.start.0, number, body))?;
        Ok(())
    })
}

fn in_chunks<T>(
    writer: &mut Connection,
    items: &[T],
    insert: impl Fn(&Transaction<'_>, &T) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    for chunk in items.chunks(CHUNK) {
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        chunk.iter().try_for_each(|item| insert(&transaction, item))?;
        transaction.commit()?;
    }
    Ok(())
}

fn begin(writer: &Connection, run: &str) -> Result<i64, IndexError> {
    writer.execute("INSERT OR IGNORE INTO runs (name) VALUES (?1)", [run])?;
    Ok(writer.query_row("SELECT run FROM runs WHERE name = ?1", [run], |row| row.get(0))?)
}

/// How many row sets and documents `run` has staged.
pub fn staged(reader: &Transaction<'_>, run: &str) -> Result<u64, IndexError> {
    let count: i64 = reader.query_row(
        "SELECT (SELECT count(*) FROM exact JOIN runs USING (run) WHERE name = ?1)
              + (SELECT count(*) FROM documents JOIN runs USING (run) WHERE name = ?1)",
        [run],
        |row| row.get(0),
    )?;
    Ok(count as u64)
}

/// One small transaction: compare the current generation, and set the next.
pub fn publish(
    writer: &mut Connection,
    run: &str,
    publication: &Publication,
) -> Result<(), IndexError> {
    begin(writer, run)?;
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let wanted = publication.generation as i64;
    match current(&transaction)? {
        Some((generation, winner)) if generation == wanted && winner == run => return Ok(()),
        Some((generation, _)) if generation + 1 != wanted => {
            return Err(IndexError::Lost { current: generation as u64 });
        }
        // An empty index takes any generation: it was lost, and is filled again from the history.
        _ => {}
    }
    transaction.execute(
        "INSERT INTO generations (generation, run, body) VALUES (?1, ?2, ?3)",
        (wanted, run, serde_json::to_string(publication)?),
    )?;
    transaction.execute("UPDATE runs SET generation = ?1 WHERE name = ?2", (wanted, run))?;
    Ok(transaction.commit()?)
}

fn current(reader: &Transaction<'_>) -> Result<Option<(i64, String)>, IndexError> {
    let newest = "SELECT generation, run FROM generations ORDER BY generation DESC LIMIT 1";
    Ok(reader.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Deletes what the run's generation has replaced, in short transactions. What a
/// crash leaves behind stays hidden behind the newer rows.
pub fn remove_superseded(writer: &Connection, run: &str) -> Result<(), IndexError> {
    for (table, key) in [("exact", "view, grain, start"), ("documents", "kind, id")] {
        let delete = format!(
            "DELETE FROM {table} WHERE rowid IN (
                SELECT old.rowid FROM {table} new JOIN {table} old USING ({key})
                JOIN runs newer ON newer.run = new.run JOIN runs older ON older.run = old.run
                WHERE newer.name = ?1 AND older.generation < newer.generation LIMIT {CHUNK})"
        );
        while writer.execute(&delete, [run])? == CHUNK {}
    }
    Ok(())
}

/// Throws away what `run` staged, and the leftovers of runs that died.
pub fn abandon(writer: &mut Connection, run: &str) -> Result<(), IndexError> {
    const DEAD: &str = "SELECT run FROM runs WHERE generation IS NULL
        AND (name = ?1 OR begun_at < unixepoch() - 86400)";
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in ["exact", "documents", "runs"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE run IN ({DEAD})"), [run])?;
    }
    Ok(transaction.commit()?)
}

/// The current generation.
pub fn published(reader: &Transaction<'_>) -> Result<Option<Publication>, IndexError> {
    let newest = "SELECT body FROM generations ORDER BY generation DESC LIMIT 1";
    let body: Option<String> = reader.query_row(newest, [], |row| row.get(0)).optional()?;
    body.map(|body| Ok(serde_json::from_str(&body)?)).transpose()
}
