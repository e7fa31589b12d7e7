//! Whether anybody has written since somebody looked.

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::connection::Readers;
use super::generations::published;
use crate::index::{IndexError, Mark};

/// A connection that looks and does nothing else: what SQLite counts for it is comparable with
/// what it counted for it before, and with nothing else.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Watching>);

#[derive(Debug, Default)]
struct Watching {
    connection: Option<Connection>,
    /// How often it was opened.
    opened: u32,
    last: Option<Mark>,
}

impl Watch {
    /// What readers see now: another number after each commit of whatever process
    /// (`PRAGMA data_version`), and the generation, which is looked up where that has changed.
    pub(super) fn mark(&self, readers: &Readers) -> Result<Mark, IndexError> {
        let mut watching = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match watching.connection.take() {
            Some(connection) => connection,
            None => {
                watching.opened = watching.opened.wrapping_add(1);
                readers.open()?
            }
        };
        let version: u32 =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        let writes = (u64::from(watching.opened) << 32) | u64::from(version);
        let mark = match watching.last.filter(|last| last.writes == writes) {
            Some(last) => last,
            // Where it is newer than the number, the next look finds another number, and the same again.
            None => Mark { generation: generation(&mut connection)?, writes },
        };
        watching.last = Some(mark);
        watching.connection = Some(connection);
        Ok(mark)
    }
}

fn generation(connection: &mut Connection) -> Result<u64, IndexError> {
    let published = published(&connection.transaction()?)?;
    Ok(published.map_or(0, |publication| publication.generation))
}
