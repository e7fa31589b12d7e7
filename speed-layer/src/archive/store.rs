//! The object store that holds the archive, for a thread that may block.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::Serialize;
use serde::de::DeserializeOwned;
use twofold_data::archive::{FileMeta, META_KEY, RETIRED, Retired};
use twofold_data::partition::Partition;

use super::ArchiveError;

/// An object store with its own small runtime.
pub struct Store {
    store: Arc<dyn ObjectStore>,
    runtime: tokio::runtime::Runtime,
}

/// What became of a put that must not overwrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    New,
    /// It was there already.
    Present,
}

impl Store {
    /// Blocks the calling thread on `store`.
    pub fn new(store: Arc<dyn ObjectStore>) -> Result<Self, ArchiveError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| ArchiveError::Failed(error.to_string()))?;
        Ok(Self { store, runtime })
    }

    /// Puts an object, unless there is one of that name.
    pub fn create(&self, path: &str, body: Bytes) -> Result<Created, ArchiveError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let location = Path::from(path);
        match self.runtime.block_on(self.store.put_opts(&location, body.into(), options)) {
            Ok(_) => Ok(Created::New),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(Created::Present),
            Err(error) => Err(ArchiveError::store(path, &error)),
        }
    }

    /// Puts a JSON object, over what is there.
    pub fn overwrite(&self, path: &str, value: &impl Serialize) -> Result<(), ArchiveError> {
        let body = json(path, value)?;
        let put = self.runtime.block_on(self.store.put(&Path::from(path), body.into()));
        put.map(|_| ()).map_err(|error| ArchiveError::store(path, &error))
    }

    /// Reads a JSON object; `None` where there is none.
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ArchiveError> {
        let Some(body) = self.get(path)? else { return Ok(None) };
        let value = serde_json::from_slice(&body);
        value
            .map(Some)
            .map_err(|error| ArchiveError::Failed(format!("{path} does not read: {error}")))
    }

    /// What an archive file says of itself; `None` where there is no such file.
    pub fn file_meta(&self, path: &str) -> Result<Option<FileMeta>, ArchiveError> {
        let Some(body) = self.get(path)? else { return Ok(None) };
        let failed = |reason: String| ArchiveError::Failed(format!("{path}: {reason}"));
        let reader = SerializedFileReader::new(body).map_err(|error| failed(error.to_string()))?;
        let pairs = reader.metadata().file_metadata().key_value_metadata();
        let text =
            pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == META_KEY)?.value.clone());
        let text = text.ok_or_else(|| failed("it is no archive file of twofold".into()))?;
        serde_json::from_str(&text).map(Some).map_err(|error| failed(error.to_string()))
    }

    /// Whether there is an object of that name.
    pub fn exists(&self, path: &str) -> Result<bool, ArchiveError> {
        match self.runtime.block_on(self.store.head(&Path::from(path))) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(ArchiveError::store(path, &error)),
        }
    }

    /// The file of a partition with the largest first offset, by listing everything: only
    /// where the hint of its end is lost.
    pub fn last_file(&self, partition: &Partition) -> Result<Option<String>, ArchiveError> {
        self.last("logs", partition, "00000000000000000000.parquet")
    }

    /// What was retired last of a partition; only where the hint of its end is lost.
    pub fn last_retired(&self, partition: &Partition) -> Result<Option<Retired>, ArchiveError> {
        match self.last(RETIRED, partition, "00000000000000000000.json")? {
            Some(path) => self.read(&path),
            None => Ok(None),
        }
    }

    /// The last object below `folder` that is named by the partition and an offset.
    fn last(
        &self,
        folder: &str,
        partition: &Partition,
        rest: &str,
    ) -> Result<Option<String>, ArchiveError> {
        let prefix = format!("{partition}-");
        let listing = self.store.list(Some(&Path::from(folder))).try_filter_map(|object| {
            let name = object.location.filename().unwrap_or_default().to_owned();
            let ours = name.strip_prefix(&prefix).is_some_and(|found| found.len() == rest.len());
            std::future::ready(Ok(ours.then(|| (name, object.location.to_string()))))
        });
        let found: Vec<(String, String)> = self
            .runtime
            .block_on(listing.try_collect())
            .map_err(|error| ArchiveError::store(folder, &error))?;
        Ok(found.into_iter().max().map(|(_, path)| path))
    }

    fn get(&self, path: &str) -> Result<Option<Bytes>, ArchiveError> {
        let got =
            self.runtime.block_on(async { self.store.get(&Path::from(path)).await?.bytes().await });
        match got {
            Ok(body) => Ok(Some(body)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(ArchiveError::store(path, &error)),
        }
    }
}

/// A value as the body of a JSON object.
pub fn json(path: &str, value: &impl Serialize) -> Result<Bytes, ArchiveError> {
    let body = serde_json::to_vec_pretty(value);
    body.map(Bytes::from).map_err(|error| ArchiveError::Failed(format!("{path}: {error}")))
}
