//! The embedded index: one SQLite file, shared by threads and processes of one machine.
//!
//! The file is in WAL mode, so that readers never wait for a writer. `synchronous` is
//! `NORMAL`: a commit is handed to the operating system, not to the disk. A process
//! that is killed at any instant loses nothing it was told is stored. A machine that
//! loses power may lose the last commits, always a tail of them and in their order: the
//! file is then the index of a moment earlier, whose state rows say where to resume, and
//! whose last publication the batch run repeats.
//!
//! WAL needs shared memory: the file must lie on a local file system.

mod clean;
mod connection;
mod generations;
mod live;
mod mark;
mod read;
mod settled;
mod speed;
mod stretches;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;

use super::{
    Answer, Document, Index, IndexError, Layer, LiveDocument, Mark, PartitionState, Publication,
    Put, Query, Select, metrics,
};
use connection::Readers;
use mark::Watch;
use read::Memory;

/// The version of the tables (`PRAGMA user_version`): a newer binary migrates an older
/// file, an older binary refuses a newer one.
pub const SCHEMA_VERSION: u32 = 3;

/// How many rows one write transaction touches at most, so that no writer waits long for another.
const CHUNK: usize = 500;

/// The index in an SQLite file.
#[derive(Debug)]
pub struct SqliteIndex {
    readers: Readers,
    /// Where nothing can be written, it fails to.
    writer: Mutex<Connection>,
    read_only: bool,
    memory: Memory,
    watch: Watch,
    /// Removes the file at last, where it is a temporary one.
    _folder: Option<tempfile::TempDir>,
}

impl SqliteIndex {
    /// Opens the index in `path`, and makes it where there is none.
    ///
    /// # Errors
    /// [`IndexError::TooNew`] if a newer twofold wrote it, [`IndexError::Failed`] if it is
    /// no index or can't be opened.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Ok(Self::with(connection::open_writer(path)?, Readers::new(path), false))
    }

    /// Opens the index in `path` as [`Self::open`] does; where it can't be written, it is read as
    /// it is, and says so ([`Index::is_read_only`]).
    ///
    /// # Errors
    /// Those of [`Self::open`]; [`IndexError::Failed`] also where a writer that was killed has left
    /// changes beside the file, or an older twofold wrote it: only a writer takes these in.
    pub fn open_to_read(path: &Path) -> Result<Self, IndexError> {
        match connection::open_writer(path) {
            Ok(writer) if !writer.is_readonly(rusqlite::MAIN_DB)? => {
                Ok(Self::with(writer, Readers::new(path), false))
            }
            Err(error) if !matches!(error, IndexError::Failed(_)) => Err(error),
            _ => {
                let (connection, readers) = connection::open_kept(path)?;
                Ok(Self::with(connection, readers, true))
            }
        }
    }

    fn with(writer: Connection, readers: Readers, read_only: bool) -> Self {
        let (writer, memory, watch) = (Mutex::new(writer), Memory::default(), Watch::default());
        Self { readers, writer, read_only, memory, watch, _folder: None }
    }

    /// An empty index in a temporary file, which goes when the index is dropped.
    ///
    /// # Errors
    /// [`IndexError::Failed`] if the folder for temporary files can't be written.
    pub fn temporary() -> Result<Self, IndexError> {
        let folder = tempfile::Builder::new()
            .prefix("twofold-index-")
            .tempdir()
            .map_err(|error| IndexError::Failed(format!("no temporary folder: {error}")))?;
        let index = Self::open(&folder.path().join("twofold.db"))?;
        Ok(Self { _folder: Some(folder), ..index })
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        // A panic in the middle of a transaction has rolled it back.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in a write transaction of its own.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let mut writer = self.writer();
        let written = || {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        written().map_err(|error| connection::named(error, self.readers.path()))
    }

    /// Runs `work` on one snapshot.
    fn snapshot<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        self.readers.with(|reader| work(&reader.transaction()?))
    }
}

impl Index for SqliteIndex {
    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn put(&self, sets: &[RowSet]) -> Result<Vec<Put>, IndexError> {
        let puts = speed::put(self, sets)?;
        metrics::count_puts(&puts);
        Ok(puts)
    }

    fn put_state(&self, state: &PartitionState) -> Result<Put, IndexError> {
        self.write(|transaction| speed::put_state(transaction, state))
    }

    fn state(&self, partition: &Partition) -> Result<Option<PartitionState>, IndexError> {
        self.snapshot(|transaction| speed::state(transaction, partition))
    }

    fn states(&self) -> Result<Vec<PartitionState>, IndexError> {
        self.snapshot(speed::states)
    }

    fn speed_rows(&self, select: &Select<'_>) -> Result<Vec<RowSet>, IndexError> {
        self.snapshot(|transaction| read::speed_rows(transaction, select))
    }

    fn stage(&self, run: &str, rows: &[RowSet], documents: &[Document]) -> Result<(), IndexError> {
        generations::stage(self, run, rows, documents)
    }

    fn staged(&self, run: &str) -> Result<u64, IndexError> {
        self.snapshot(|transaction| generations::staged(transaction, run))
    }

    fn publish(&self, run: &str, publication: &Publication) -> Result<(), IndexError> {
        let published =
            self.write(|transaction| generations::publish(transaction, run, publication));
        metrics::count_publication(&published);
        published?;
        // It is published whatever becomes of this: the next publication goes on with it.
        if let Err(error) = clean::superseded(self) {
            tracing::warn!(%error, "superseded rows stay for now");
        }
        Ok(())
    }

    fn abandon(&self, run: &str) -> Result<(), IndexError> {
        clean::abandon(self, run)
    }

    fn published(&self) -> Result<Option<Publication>, IndexError> {
        self.snapshot(generations::published)
    }

    fn read(&self, query: &Query<'_>) -> Result<Answer, IndexError> {
        self.snapshot(|transaction| read::answer(transaction, &self.memory, query))
    }

    fn mark(&self) -> Result<Option<Mark>, IndexError> {
        self.watch.mark(&self.readers).map(Some)
    }

    fn extent(&self) -> Result<Option<(Minute, Minute)>, IndexError> {
        self.snapshot(read::extent)
    }

    fn documents(&self, kind: &str, from: Minute, to: Minute) -> Result<Vec<Document>, IndexError> {
        self.snapshot(|transaction| read::documents(transaction, kind, from, to))
    }

    fn put_documents(&self, documents: &[LiveDocument]) -> Result<Vec<Put>, IndexError> {
        live::put(self, documents)
    }

    fn live_documents(
        &self,
        kind: &str,
        from: Minute,
        to: Minute,
    ) -> Result<Vec<LiveDocument>, IndexError> {
        self.snapshot(|transaction| live::read(transaction, kind, from, to))
    }

    fn delete_documents_before(&self, kind: &str, before: Minute) -> Result<u64, IndexError> {
        live::delete_before(self, kind, before)
    }

    fn delete_before(&self, layer: Layer, grain: Grain, before: Minute) -> Result<u64, IndexError> {
        clean::delete_before(self, layer, grain, before)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(id: &str, bytes: usize) -> Document {
        let body = json!({ "text": "x".repeat(bytes) });
        Document { kind: "test".into(), id: id.into(), start: Minute(0), body }
    }

    #[test]
    fn a_full_disk_is_told_with_its_place_and_leaves_what_is_stored() {
        let index = SqliteIndex::temporary().unwrap();
        let limit_pages = |pages: u64| {
            let set = format!("PRAGMA max_page_count = {pages}");
            index.writer().query_row(&set, [], |_| Ok(())).unwrap();
        };
        index.stage("run", &[], &[document("first", 10)]).unwrap();
        limit_pages(64);
        let error = index.stage("run", &[], &[document("second", 1 << 20)]).unwrap_err();
        assert!(matches!(error, IndexError::NoRoom(_)), "{error}");
        let told = error.to_string();
        assert!(told.contains("twofold.db") && told.contains("make room"), "{told}");
        assert_eq!(index.staged("run").unwrap(), 1);
        limit_pages(1 << 20);
        index.stage("run", &[], &[document("second", 1 << 20)]).unwrap();
        assert_eq!(index.staged("run").unwrap(), 2);
    }
}
