//! The history: the exact tables of each event hour, as Parquet, and the manifests.
//!
//! A folder is written once and never changed: `hours/date=2026-11-23/hour=18/g00000012-RUN/`
//! holds one sorted table of distinct keys a view, the histograms of sizes and durations,
//! the fragments of sessions, and the rows as they were published.

mod clean;
mod day;
mod exact;
pub mod hour;
mod merge;
mod rows;
mod table;

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

pub use day::{day, set};
pub use merge::{Merged, merge};
pub(crate) use table::to_parquet;
pub use table::{Sums, Table, read_histogram};

use crate::BatchError;
use crate::archive::damaged;
use crate::manifest::{self, Manifest, SCHEMA_VERSION};

/// The history in an object store, for a thread that may block.
pub struct History {
    store: Arc<dyn ObjectStore>,
    runtime: tokio::runtime::Runtime,
}

impl History {
    /// The history in `store`.
    ///
    /// # Errors
    /// Where the system gives no runtime.
    pub fn open(store: Arc<dyn ObjectStore>) -> Result<Self, BatchError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| BatchError::Failed(error.to_string()))?;
        Ok(Self { store, runtime })
    }

    /// The manifest of the newest generation; of generation 0 where there is none.
    ///
    /// # Errors
    /// [`BatchError::TooNew`] where a newer twofold wrote it.
    pub fn newest(&self) -> Result<Manifest, BatchError> {
        let newest = self.list("generations")?.into_iter().max();
        newest.map_or_else(|| Ok(Manifest::none()), |path| self.manifest(path))
    }

    /// A manifest by its path.
    fn manifest(&self, path: String) -> Result<Manifest, BatchError> {
        let bytes = self.read(&path)?;
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error))?;
        if manifest.schema > SCHEMA_VERSION {
            return Err(BatchError::TooNew { path, found: manifest.schema, known: SCHEMA_VERSION });
        }
        Ok(manifest)
    }

    /// Puts a manifest, unless another run has put that generation. (That ours is there already
    /// means that it was put, and only the store's answer was lost.)
    ///
    /// # Errors
    /// [`BatchError::Lost`] if so.
    pub fn put_manifest(&self, manifest: &Manifest) -> Result<(), BatchError> {
        let path = manifest::path(manifest.generation);
        let body =
            serde_json::to_vec(manifest).map_err(|error| BatchError::Failed(error.to_string()))?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let location = Path::from(path.as_str());
        match self.runtime.block_on(self.store.put_opts(&location, body.clone().into(), options)) {
            Ok(_) => Ok(()),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => match self.read(&path)? == body {
                true => Ok(()),
                false => Err(BatchError::Lost { generation: manifest.generation }),
            },
            Err(error) => Err(BatchError::store(&path, &error)),
        }
    }

    /// Puts a table.
    ///
    /// # Errors
    /// Of the store.
    pub fn write(&self, path: &str, body: Bytes) -> Result<(), BatchError> {
        let location = Path::from(path);
        let put = self.runtime.block_on(self.store.put(&location, body.into()));
        put.map(|_| ()).map_err(|error| BatchError::store(path, &error))
    }

    /// Reads a table.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where it has gone.
    pub fn read(&self, path: &str) -> Result<Bytes, BatchError> {
        let location = Path::from(path);
        let got = self.runtime.block_on(async { self.store.get(&location).await?.bytes().await });
        got.map_err(|error| BatchError::store(path, &error))
    }

    /// Whether there is a table at `path`.
    ///
    /// # Errors
    /// Of the store.
    pub fn exists(&self, path: &str) -> Result<bool, BatchError> {
        match self.runtime.block_on(self.store.head(&Path::from(path))) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(BatchError::store(path, &error)),
        }
    }
}
