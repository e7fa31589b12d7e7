//! Whether anybody has written since somebody looked.

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::connection::Readers;
use crate::index::IndexError;

/// A connection that looks and does nothing else: what SQLite counts for it is comparable with
/// what it counted for it before, and with nothing else.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Watching>);

#[derive(Debug, Default)]
struct Watching {
    connection: Option<Connection>,
    /// How often it was opened.
    opened: u32,
}

impl Watch {
    /// A number that is another one after each commit of whatever process (`PRAGMA data_version`).
    pub(super) fn mark(&self, readers: &Readers) -> Result<u64, IndexError> {
        let mut watching = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match watching.connection.take() {
            Some(connection) => connection,
            None => {
                watching.opened = watching.opened.wrapping_add(1);
                readers.open()?
            }
        };
        let version = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get::<_, u32>(0))?;
        watching.connection = Some(connection);
        Ok((u64::from(watching.opened) << 32) | u64::from(version))
    }
}
