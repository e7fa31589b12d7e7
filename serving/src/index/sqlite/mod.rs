//! The embedded index: SQLite, with the semantics of the big ones.
//!
//! One writer connection behind a lock, a few readers; several processes may use
//! one file. Write-ahead log: readers never wait for a writer, and a transaction that was
//! committed survives kill -9 (`synchronous=NORMAL`: a power cut may take the
//! last ones, always as a suffix, which the next start folds again).

mod batch;
mod read;
mod schema;
mod speed;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, Transaction};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;

use super::{
    Answer, Document, Index, IndexError, Layer, PartitionState, Publication, Put, Query, Select,
};

/// The embedded index.
#[derive(Debug)]
pub struct SqliteIndex {
    file: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

/// Idle readers that are kept for the next question.
const READERS: usize = 8;

impl SqliteIndex {
    /// Opens the index in `file` on a local file system; makes it if it is not there.
    ///
    /// # Errors
    /// [`IndexError::TooNew`] if a newer twofold wrote it.
    pub fn open(file: &Path) -> Result<Self, IndexError> {
        let mut writer = schema::connect(file)?;
        schema::migrate(&mut writer)?;
        Ok(Self { file: file.to_owned(), writer: Mutex::new(writer), readers: Mutex::default() })
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks on a connection of its own, in one transaction: one snapshot.
    fn reading<T>(
        &self,
        question: impl FnOnce(&Transaction<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let idle = self.idle().pop();
        let mut connection = idle.map_or_else(|| schema::connect(&self.file), Ok)?;
        let answer = question(&connection.transaction()?);
        let mut readers = self.idle();
        if readers.len() < READERS {
            readers.push(connection);
        }
        answer
    }
}

impl Index for SqliteIndex {
    fn put(&self, sets: &[RowSet]) -> Result<Vec<Put>, IndexError> {
        speed::put(&mut self.writer(), sets)
    }

    fn put_state(&self, state: &PartitionState) -> Result<Put, IndexError> {
        speed::put_state(&self.writer(), state)
    }

    fn state(&self, partition: &Partition) -> Result<Option<PartitionState>, IndexError> {
        Ok(self.states()?.into_iter().find(|state| state.partition == *partition))
    }

    fn states(&self) -> Result<Vec<PartitionState>, IndexError> {
        self.reading(|reader| speed::states(reader))
    }

    fn speed_rows(&self, select: &Select<'_>) -> Result<Vec<RowSet>, IndexError> {
        self.reading(|reader| speed::rows(reader, select))
    }

    fn stage(&self, run: &str, rows: &[RowSet], documents: &[Document]) -> Result<(), IndexError> {
        batch::stage(&mut self.writer(), run, rows, documents)
    }

    fn staged(&self, run: &str) -> Result<u64, IndexError> {
        self.reading(|reader| batch::staged(reader, run))
    }

    fn publish(&self, run: &str, publication: &Publication) -> Result<(), IndexError> {
        let mut writer = self.writer();
        batch::publish(&mut writer, run, publication)?;
        batch::remove_superseded(&writer, run)
    }

    fn abandon(&self, run: &str) -> Result<(), IndexError> {
        batch::abandon(&mut self.writer(), run)
    }

    fn published(&self) -> Result<Option<Publication>, IndexError> {
        self.reading(|reader| batch::published(reader))
    }

    fn read(&self, query: &Query<'_>) -> Result<Answer, IndexError> {
        self.reading(|reader| read::answer(reader, query))
    }

    fn documents(&self, kind: &str, from: Minute, to: Minute) -> Result<Vec<Document>, IndexError> {
        self.reading(|reader| read::documents(reader, kind, from, to))
    }

    fn delete_before(&self, layer: Layer, grain: Grain, before: Minute) -> Result<u64, IndexError> {
        let table = match layer {
            Layer::Speed => "speed",
            Layer::Batch => "exact",
        };
        let delete = format!("DELETE FROM {table} WHERE grain = ?1 AND start < ?2");
        Ok(self.writer().execute(&delete, (grain.name(), before.0))? as u64)
    }
}

impl From<rusqlite::Error> for IndexError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Unavailable(error.to_string())
            }
            Some(ErrorCode::DiskFull) => {
                Self::Unavailable(format!("{error}; make room on the index's disk"))
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// A body that does not read as what it should be: somebody else's hand.
impl From<serde_json::Error> for IndexError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(format!("a stored row does not read: {error}"))
    }
}
