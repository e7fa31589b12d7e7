//! The tables, their version, and how a connection is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::index::IndexError;

/// The version of the tables below, kept in SQLite's `user_version`.
pub const VERSION: u32 = 1;

/// Exact rows and documents carry the run that computed them; a run that is
/// published has a generation. Of the rows with one key the largest generation counts.
const TABLES: &str = "
CREATE TABLE speed (
    view TEXT NOT NULL, grain TEXT NOT NULL, start INTEGER NOT NULL, partition TEXT NOT NULL,
    version INTEGER NOT NULL, state INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (view, grain, start, partition)
);
CREATE TABLE states (
    partition TEXT PRIMARY KEY, processed INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, generation INTEGER,
    begun_at INTEGER NOT NULL DEFAULT (unixepoch())
);
CREATE TABLE generations (
    generation INTEGER PRIMARY KEY, run TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE exact (
    view TEXT NOT NULL, grain TEXT NOT NULL, start INTEGER NOT NULL, run INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (view, grain, start, run)
);
CREATE INDEX exact_run ON exact (run);
CREATE TABLE documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, start INTEGER NOT NULL, run INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id, run)
);
CREATE INDEX documents_run ON documents (run);
";

/// A connection to `file`, which is made if it is not there.
pub fn connect(file: &Path) -> Result<Connection, IndexError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -8_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes the tables where they are missing; refuses those of a newer twofold.
pub fn migrate(connection: &mut Connection) -> Result<(), IndexError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        _ => return Err(IndexError::TooNew { found, known: VERSION }),
    }
    Ok(transaction.commit()?)
}
