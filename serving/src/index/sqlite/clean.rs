//! What goes again: superseded exact rows, abandoned runs, rows past their retention.
//!
//! All of it happens in small transactions, and none of it changes an answer, so a
//! process may be killed in between: the next publication goes on where it stopped.

use rusqlite::{OptionalExtension, params};
use twofold_data::minute::{Grain, Minute};

use super::{CHUNK, SqliteIndex};
use crate::index::body::{LEFTOVER_MS, now};
use crate::index::{IndexError, Layer};

/// The next rows of a published run, by number, so that each is looked at once.
const NEXT_ROWS: &str = "SELECT max(id) FROM (SELECT id FROM exact_rows WHERE run = ?1 AND id > ?2 ORDER BY id LIMIT ?3)";

const DELETE_OLDER_ROWS: &str = "
DELETE FROM exact_rows WHERE id IN (
    SELECT old.id FROM exact_rows new
    JOIN exact_rows old USING (grain, view, start)
    JOIN runs ON runs.id = old.run
    WHERE new.run = ?1 AND new.id > ?2 AND new.id <= ?3 AND runs.generation < ?4)";

/// Documents are few: all of a run at once.
const DELETE_OLDER_DOCUMENTS: &str = "
DELETE FROM documents WHERE id IN (
    SELECT old.id FROM documents new
    JOIN documents old USING (kind, name)
    JOIN runs ON runs.id = old.run
    WHERE new.run = ?1 AND runs.generation < ?2)";

/// Removes the exact rows and documents that later generations replaced.
pub(super) fn superseded(index: &SqliteIndex) -> Result<(), IndexError> {
    loop {
        let next: Option<(i64, i64)> = index
            .writer()
            .prepare_cached(
                "SELECT id, generation FROM runs
                 WHERE generation IS NOT NULL AND NOT cleaned ORDER BY generation LIMIT 1",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((run, generation)) = next else { return Ok(()) };
        superseded_by(index, run, generation)?;
    }
}

fn superseded_by(index: &SqliteIndex, run: i64, generation: i64) -> Result<(), IndexError> {
    let mut done = i64::MIN;
    loop {
        let next: Option<i64> = index.write(|transaction| {
            let next = transaction
                .prepare_cached(NEXT_ROWS)?
                .query_row(params![run, done, CHUNK as i64], |row| row.get(0))?;
            if let Some(next) = next {
                let mut delete = transaction.prepare_cached(DELETE_OLDER_ROWS)?;
                delete.execute(params![run, done, next, generation])?;
            }
            Ok(next)
        })?;
        match next {
            Some(next) => done = next,
            None => break,
        }
    }
    index.write(|transaction| {
        transaction.execute(DELETE_OLDER_DOCUMENTS, params![run, generation])?;
        transaction.execute("UPDATE runs SET cleaned = 1 WHERE id = ?1", [run])?;
        Ok(())
    })
}

/// Throws away what a run staged, and what runs staged that died long ago.
pub(super) fn abandon(index: &SqliteIndex, run: &str) -> Result<(), IndexError> {
    let dead: Vec<i64> = {
        let writer = index.writer();
        let mut statement = writer.prepare_cached(
            "SELECT id FROM runs WHERE generation IS NULL AND (name = ?1 OR touched_at < ?2)",
        )?;
        let ids = statement.query_map(params![run, now() - LEFTOVER_MS], |row| row.get(0))?;
        ids.collect::<Result<_, _>>()?
    };
    dead.into_iter().try_for_each(|run| remove_run(index, run))
}

/// The run's name goes first, so that nobody can publish the half of it that is left.
fn remove_run(index: &SqliteIndex, run: i64) -> Result<(), IndexError> {
    let removed = index.write(|transaction| {
        Ok(transaction.execute(
            "UPDATE runs SET name = 'abandoned run ' || id WHERE id = ?1 AND generation IS NULL",
            [run],
        )?)
    })?;
    if removed == 0 {
        return Ok(());
    }
    delete_in_chunks(index, "exact_rows", "run = ?1", &[run])?;
    delete_in_chunks(index, "documents", "run = ?1", &[run])?;
    index.write(|transaction| {
        transaction.execute("DELETE FROM runs WHERE id = ?1 AND generation IS NULL", [run])?;
        Ok(())
    })
}

/// Deletes the rows of a layer and grain that start before `before`.
pub(super) fn delete_before(
    index: &SqliteIndex,
    layer: Layer,
    grain: Grain,
    before: Minute,
) -> Result<u64, IndexError> {
    let table = match layer {
        Layer::Speed => "speed_rows",
        Layer::Batch => "exact_rows",
    };
    delete_in_chunks(index, table, "grain = ?1 AND start < ?2", &[grain.minutes(), before.0])
}

fn delete_in_chunks(
    index: &SqliteIndex,
    table: &str,
    which: &str,
    values: &[i64],
) -> Result<u64, IndexError> {
    let delete = format!(
        "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {which} LIMIT {CHUNK})"
    );
    let mut total = 0;
    loop {
        let deleted = index.write(|transaction| {
            let values = rusqlite::params_from_iter(values);
            Ok(transaction.prepare_cached(&delete)?.execute(values)?)
        })?;
        total += deleted as u64;
        if deleted < CHUNK {
            return Ok(total);
        }
    }
}
