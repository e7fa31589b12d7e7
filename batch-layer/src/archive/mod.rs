//! The archive read back: its partitions, their chains of files, and the files' columns.

pub mod columns;
mod corrected;
mod file;
pub(crate) mod groups;
pub mod record;
mod retired;
mod rows;
mod sparse;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use serde::de::DeserializeOwned;
use twofold_data::archive::{End, FileMeta, META_KEY, Origin, SCHEMA_VERSION, end_path};
use twofold_data::partition::Partition;

pub use corrected::{Batches, Corrections};
pub use file::Text;
pub use record::Records;
pub use rows::Row;

use crate::BatchError;

/// The archive, for a thread that may block.
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    runtime: tokio::runtime::Runtime,
    /// Footers that were read: a file is never changed, and each is asked for more than once.
    footers: Mutex<HashMap<String, Arc<ParquetMetaData>>>,
    /// The corrections that readers see.
    corrections: Mutex<Arc<Corrections>>,
}

/// One archive file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: String,
    /// What it says of itself.
    pub meta: FileMeta,
}

/// So much of a file's end is read for its footer at first.
const FOOTER: u64 = 64 * 1024;

/// So many footers are remembered; with more, all are forgotten.
const REMEMBERED: usize = 512;

impl Archive {
    /// The archive in `store`.
    ///
    /// # Errors
    /// Where the system gives no runtime.
    pub fn open(store: Arc<dyn ObjectStore>) -> Result<Self, BatchError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| BatchError::Failed(error.to_string()))?;
        let (footers, corrections) = (Mutex::default(), Mutex::default());
        Ok(Self { store, runtime, footers, corrections })
    }

    /// The partitions in order.
    ///
    /// # Errors
    /// Of the store.
    pub fn origins(&self) -> Result<Vec<Origin>, BatchError> {
        let mut paths = self.list("origins")?;
        paths.sort();
        let origin = |path: &String| self.json(path)?.ok_or_else(|| missing(path));
        paths.iter().map(origin).collect()
    }

    /// The partitions in order, each with the end of what is put, where that is known.
    ///
    /// # Errors
    /// Of the store.
    pub fn partitions(&self) -> Result<Vec<(Origin, Option<End>)>, BatchError> {
        let with_end = |origin: Origin| {
            let end = self.json(&end_path(&origin.partition))?;
            Ok((origin, end))
        };
        self.origins()?.into_iter().map(with_end).collect()
    }

    /// The files of a partition that hold offsets from `since` on, in order. The chain is walked
    /// backwards from its end; a lost hint costs a listing.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where the chain is broken.
    pub fn files(&self, partition: &Partition, since: u64) -> Result<Vec<File>, BatchError> {
        let end: Option<End> = self.json(&end_path(partition))?;
        let Some(end) = end else { return self.listed(partition, since) };
        let mut found = Vec::new();
        let mut next = end.last_file.filter(|_| end.next_offset > since);
        while let Some(path) = next {
            let meta = match self.meta(&path) {
                Ok(meta) => meta,
                // Only who has lost the history walks so far back.
                Err(_) if self.is_retired(partition, &path)? => break,
                Err(error) => return Err(error),
            };
            if meta.next_offset <= since {
                break;
            }
            next = if meta.first_offset <= since { None } else { meta.predecessor.clone() };
            found.push(File { path, meta });
        }
        found.reverse();
        Ok(found)
    }

    /// The time (ms) of the last request that is put of a partition, which a malformed record after
    /// it counts for.
    ///
    /// # Errors
    /// Of the store.
    pub fn last_request_time(&self, partition: &Partition) -> Result<Option<i64>, BatchError> {
        let end: Option<End> = self.json(&end_path(partition))?;
        let Some(path) = end.and_then(|end| end.last_file) else { return Ok(None) };
        match self.meta(&path) {
            Ok(meta) => Ok(meta.last_request_time),
            Err(_) if self.is_retired(partition, &path)? => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`Archive::files`], by listing the archive: also files that were put and not yet said to be the end,
    /// and without those that are retired and not yet deleted.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where a file doesn't read.
    pub fn listed(&self, partition: &Partition, since: u64) -> Result<Vec<File>, BatchError> {
        let prefix = format!("/{partition}-");
        let all = self.list("logs")?;
        let ours = all.into_iter().filter(|path| {
            let at = path.rfind(&prefix);
            at.is_some_and(|at| {
                path.len() - at == prefix.len() + "00000000000000000000.parquet".len()
            })
        });
        let files = ours.map(|path| Ok(File { meta: self.meta(&path)?, path }));
        let mut files = files.collect::<Result<Vec<_>, BatchError>>()?;
        let since = self.retired_through(partition)?.map_or(since, |through| through.max(since));
        files.retain(|file| file.meta.next_offset > since);
        files.sort_by_key(|file| file.meta.first_offset);
        Ok(files)
    }

    /// Every file there is, by listing: for the audit, which believes no hint. No listing is a moment:
    /// it may hold a file that was put while it ran, and lack the one before. So it is listed twice,
    /// and each chain ends where the first listing saw it end; the second holds all before that.
    ///
    /// # Errors
    /// Of the store.
    pub fn scan(&self) -> Result<Vec<File>, BatchError> {
        let first: HashSet<String> = self.list("logs")?.into_iter().collect();
        let paths = self.list("logs")?.into_iter().filter(|path| path.ends_with(".parquet"));
        let files = paths.map(|path| Ok(File { meta: self.meta(&path)?, path }));
        let mut files = files.collect::<Result<Vec<_>, BatchError>>()?;
        let mut ends: HashMap<Partition, u64> = HashMap::new();
        for File { meta, .. } in files.iter().filter(|file| first.contains(&file.path)) {
            let end = ends.entry(meta.partition.clone()).or_default();
            *end = meta.next_offset.max(*end);
        }
        files.retain(|file| ends.get(&file.meta.partition) >= Some(&file.meta.next_offset));
        Ok(files)
    }

    /// The size in bytes of every object below `logs`.
    ///
    /// # Errors
    /// Of the store.
    pub fn sizes(&self) -> Result<BTreeMap<String, u64>, BatchError> {
        let prefix = Path::from("logs");
        let listing = self.store.list(Some(&prefix));
        let sizes = listing.map_ok(|object| (object.location.to_string(), object.size));
        let listed = self.runtime.block_on(sizes.try_collect());
        listed.map_err(|error| BatchError::store(prefix.as_ref(), &error))
    }

    /// What a file says of itself.
    ///
    /// # Errors
    /// [`BatchError::Damaged`] where it is no archive file, or gone.
    pub fn meta(&self, path: &str) -> Result<FileMeta, BatchError> {
        let footer = self.footer(path)?;
        let pairs = footer.file_metadata().key_value_metadata();
        let text =
            pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == META_KEY)?.value.clone());
        let text = text.ok_or_else(|| damaged(path, "it is no archive file of twofold"))?;
        let meta: FileMeta = serde_json::from_str(&text).map_err(|error| damaged(path, error))?;
        if meta.schema > SCHEMA_VERSION {
            return Err(BatchError::TooNew {
                path: path.to_owned(),
                found: meta.schema,
                known: SCHEMA_VERSION,
            });
        }
        Ok(self.corrected(path, meta))
    }

    /// A file's footer: its row groups with their statistics.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where it is no Parquet file.
    pub fn footer(&self, path: &str) -> Result<Arc<ParquetMetaData>, BatchError> {
        let remembered = || self.footers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(footer) = remembered().get(path) {
            return Ok(Arc::clone(footer));
        }
        let footer = Arc::new(self.read_footer(path)?);
        let mut footers = remembered();
        if footers.len() >= REMEMBERED {
            footers.clear();
        }
        footers.insert(path.to_owned(), Arc::clone(&footer));
        Ok(footer)
    }

    fn read_footer(&self, path: &str) -> Result<ParquetMetaData, BatchError> {
        let mut reader = ParquetMetaDataReader::new();
        let (tail, size) = self.tail(path, FOOTER)?;
        match reader.try_parse_sized(&tail, size) {
            Ok(()) => {}
            Err(parquet::errors::ParquetError::NeedMoreData(more)) => {
                let (tail, size) = self.tail(path, more as u64)?;
                reader.try_parse_sized(&tail, size).map_err(|error| damaged(path, error))?;
            }
            Err(error) => return Err(damaged(path, error)),
        }
        reader.finish().map_err(|error| damaged(path, error))
    }

    fn tail(&self, path: &str, bytes: u64) -> Result<(Bytes, u64), BatchError> {
        let options = GetOptions { range: Some(GetRange::Suffix(bytes)), ..GetOptions::default() };
        let location = Path::from(path);
        let got = self.runtime.block_on(async {
            let result = self.store.get_opts(&location, options).await?;
            let size = result.meta.size;
            Ok((result.bytes().await?, size))
        });
        got.map_err(|error| BatchError::store(path, &error))
    }

    /// Stretches of an object; near ones are fetched together.
    fn ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, BatchError> {
        let location = Path::from(path);
        let got = self.runtime.block_on(self.store.get_ranges(&location, ranges));
        got.map_err(|error| match error {
            object_store::Error::NotFound { .. } => missing(path),
            error => BatchError::store(path, &error),
        })
    }

    /// A whole object.
    ///
    /// # Errors
    /// Of the store.
    pub fn bytes(&self, path: &str) -> Result<Option<Bytes>, BatchError> {
        let location = Path::from(path);
        let got = self.runtime.block_on(async { self.store.get(&location).await?.bytes().await });
        match got {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BatchError::store(path, &error)),
        }
    }

    fn json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, BatchError> {
        let Some(bytes) = self.bytes(path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(path, error))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, BatchError> {
        let prefix = Path::from(prefix);
        let listing = self.store.list(Some(&prefix)).map_ok(|object| object.location.to_string());
        let listed = self.runtime.block_on(listing.try_collect());
        listed.map_err(|error| BatchError::store(prefix.as_ref(), &error))
    }
}

pub(crate) fn missing(path: &str) -> BatchError {
    damaged(path, "it has gone")
}

pub(crate) fn damaged(path: &str, reason: impl ToString) -> BatchError {
    BatchError::Damaged { path: path.to_owned(), reason: reason.to_string() }
}
