//! Documents outside of generations: versioned, and seen as soon as they are put.

use rusqlite::{Transaction, params};
use twofold_data::minute::Minute;

use super::speed::stored;
use super::{CHUNK, SqliteIndex};
use crate::index::body::{parse, signed, to_json};
use crate::index::{Document, IndexError, LiveDocument, Put};

const PUT: &str = "
INSERT INTO live_documents (kind, name, start, version, body) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (kind, name) DO UPDATE SET
    start = excluded.start, version = excluded.version, body = excluded.body
WHERE excluded.version > version";

const READ: &str = "
SELECT name, start, version, body FROM live_documents
WHERE kind = ?1 AND start >= ?2 AND start < ?3 ORDER BY start, name";

pub(super) fn put(index: &SqliteIndex, documents: &[LiveDocument]) -> Result<Vec<Put>, IndexError> {
    let mut puts = Vec::with_capacity(documents.len());
    for chunk in documents.chunks(CHUNK) {
        index.write(|transaction| {
            for live in chunk {
                puts.push(put_one(transaction, live)?);
            }
            Ok(())
        })?;
    }
    Ok(puts)
}

fn put_one(transaction: &Transaction<'_>, live: &LiveDocument) -> Result<Put, IndexError> {
    let Document { kind, id, start, body } = &live.document;
    let version = signed(live.version);
    let values = params![kind, id, start.0, version, to_json(body)?];
    Ok(stored(transaction.prepare_cached(PUT)?.execute(values)?))
}

pub(super) fn read(
    transaction: &Transaction<'_>,
    kind: &str,
    from: Minute,
    to: Minute,
) -> Result<Vec<LiveDocument>, IndexError> {
    let mut statement = transaction.prepare_cached(READ)?;
    let rows = statement.query_map(params![kind, from.0, to.0], |row| {
        let version: i64 = row.get(2)?;
        Ok((row.get(0)?, row.get(1)?, version as u64, row.get::<_, Vec<u8>>(3)?))
    })?;
    rows.map(|row| {
        let (id, start, version, body) = row?;
        let (kind, start, body) = (kind.to_owned(), Minute(start), parse(&body)?);
        Ok(LiveDocument { document: Document { kind, id, start, body }, version })
    })
    .collect()
}

pub(super) fn delete_before(
    index: &SqliteIndex,
    kind: &str,
    before: Minute,
) -> Result<u64, IndexError> {
    index.write(|transaction| {
        let delete = "DELETE FROM live_documents WHERE kind = ?1 AND start < ?2";
        Ok(transaction.execute(delete, params![kind, before.0])? as u64)
    })
}
