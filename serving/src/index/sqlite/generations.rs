//! What the batch layer writes: staged in many small transactions, visible by one small one.

use rusqlite::{OptionalExtension, Transaction, params};
use twofold_data::view::RowSet;

use super::{CHUNK, SqliteIndex};
use crate::index::body::{finality, now, parse, signed, to_json, unsigned};
use crate::index::encode::{Body, encode};
use crate::index::{Document, IndexError, Publication};

const STAGE: &str = "
INSERT OR REPLACE INTO exact_rows (grain, view, start, run, version, finality, body, sketches)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const STAGE_DOCUMENT: &str = "
INSERT OR REPLACE INTO documents (kind, name, start, run, body) VALUES (?1, ?2, ?3, ?4, ?5)";

const STAGED: &str = "
SELECT (SELECT count(*) FROM exact_rows WHERE run = runs.id)
     + (SELECT count(*) FROM documents WHERE run = runs.id)
FROM runs WHERE name = ?1";

pub(super) fn stage(
    index: &SqliteIndex,
    run: &str,
    rows: &[RowSet],
    documents: &[Document],
) -> Result<(), IndexError> {
    index.write(|transaction| open_run(transaction, run))?;
    for chunk in rows.chunks(CHUNK) {
        let bodies = chunk.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        index.write(|transaction| {
            let run = open_run(transaction, run)?;
            let mut sets = chunk.iter().zip(&bodies);
            sets.try_for_each(|(set, body)| stage_set(transaction, run, set, body))
        })?;
    }
    for chunk in documents.chunks(CHUNK) {
        index.write(|transaction| {
            let run = open_run(transaction, run)?;
            chunk.iter().try_for_each(|document| stage_document(transaction, run, document))
        })?;
    }
    Ok(())
}

/// The number of a run, which is made where there is none. It may not be published yet.
fn open_run(transaction: &Transaction<'_>, name: &str) -> Result<i64, IndexError> {
    let (id, generation): (i64, Option<i64>) = transaction
        .prepare_cached(
            "INSERT INTO runs (name, touched_at) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET touched_at = excluded.touched_at
             RETURNING id, generation",
        )?
        .query_row(params![name, now()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match generation {
        None => Ok(id),
        Some(generation) => Err(IndexError::Failed(format!(
            "run {name} is already published as generation {generation}: start a new run"
        ))),
    }
}

fn stage_set(
    transaction: &Transaction<'_>,
    run: i64,
    set: &RowSet,
    body: &Body,
) -> Result<(), IndexError> {
    transaction.prepare_cached(STAGE)?.execute(params![
        set.grain.minutes(),
        set.view,
        set.start.0,
        run,
        signed(set.version),
        finality(set.state),
        body.rows,
        body.sketches,
    ])?;
    Ok(())
}

fn stage_document(
    transaction: &Transaction<'_>,
    run: i64,
    document: &Document,
) -> Result<(), IndexError> {
    let body = to_json(&document.body)?;
    transaction.prepare_cached(STAGE_DOCUMENT)?.execute(params![
        document.kind,
        document.id,
        document.start.0,
        run,
        body,
    ])?;
    Ok(())
}

pub(super) fn staged(transaction: &Transaction<'_>, run: &str) -> Result<u64, IndexError> {
    let count: Option<i64> =
        transaction.prepare_cached(STAGED)?.query_row([run], |row| row.get(0)).optional()?;
    Ok(unsigned(count.unwrap_or(0)))
}

/// Gives the run its number, if the number before it is the current one.
pub(super) fn publish(
    transaction: &Transaction<'_>,
    run: &str,
    publication: &Publication,
) -> Result<(), IndexError> {
    let current = published(transaction)?;
    let number = current.as_ref().map_or(0, |current| current.generation);
    match run_generation(transaction, run)? {
        // Published by an earlier call, of which the caller saw no answer.
        Some(Some(generation)) if generation == publication.generation => return Ok(()),
        _ if number + 1 != publication.generation => {
            return Err(IndexError::Lost { current: number });
        }
        Some(None) => {}
        Some(Some(generation)) => {
            return Err(IndexError::Failed(format!(
                "run {run} is generation {generation} already"
            )));
        }
        None => return Err(IndexError::Failed(format!("run {run} has staged nothing"))),
    }
    if let Some(current) = current.filter(|current| current.boundary > publication.boundary) {
        let (from, to) = (current.boundary, publication.boundary);
        return Err(IndexError::Failed(format!(
            "the boundary can't move back from {from} to {to}"
        )));
    }
    transaction.execute(
        "INSERT INTO generations (generation, body) VALUES (?1, ?2)",
        params![signed(publication.generation), to_json(publication)?],
    )?;
    transaction.execute(
        "UPDATE runs SET generation = ?2 WHERE name = ?1",
        params![run, signed(publication.generation)],
    )?;
    Ok(())
}

/// The generation of a run: `None` where there is no such run, `Some(None)` while it is staged.
fn run_generation(
    transaction: &Transaction<'_>,
    run: &str,
) -> Result<Option<Option<u64>>, IndexError> {
    let generation: Option<Option<i64>> = transaction
        .prepare_cached("SELECT generation FROM runs WHERE name = ?1")?
        .query_row([run], |row| row.get(0))
        .optional()?;
    Ok(generation.map(|generation| generation.map(unsigned)))
}

pub(super) fn published(transaction: &Transaction<'_>) -> Result<Option<Publication>, IndexError> {
    let body: Option<Vec<u8>> = transaction
        .prepare_cached("SELECT body FROM generations ORDER BY generation DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    body.map(|body| parse(&body)).transpose()
}
