//! What retention removed from the archive, as it was recorded.

use std::collections::BTreeMap;

use object_store::ObjectStoreExt;
use object_store::path::Path;
use twofold_data::archive::{RETIRED, Retired, SCHEMA_VERSION, retired_path};
use twofold_data::partition::Partition;

use super::{Archive, missing};
use crate::BatchError;

impl Archive {
    /// Everything that was retired, by partition and in order of offsets.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where a record of it doesn't read.
    pub fn retired(&self) -> Result<BTreeMap<Partition, Vec<Retired>>, BatchError> {
        let mut found: BTreeMap<Partition, Vec<Retired>> = BTreeMap::new();
        let mut paths = self.list(RETIRED)?;
        paths.sort();
        for path in paths {
            let retired = self.retirement(path)?;
            found.entry(retired.partition.clone()).or_default().push(retired);
        }
        Ok(found)
    }

    /// The offset up to which a partition is retired; its origin where nothing is.
    ///
    /// # Errors
    /// As [`Archive::retired`].
    pub fn retired_through(&self, partition: &Partition) -> Result<Option<u64>, BatchError> {
        let prefix = Path::from(format!("{RETIRED}/{partition}-")).to_string();
        let ours = |path: &String| {
            let rest = path.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".json"));
            rest.is_some_and(|at| at.len() == 20 && at.bytes().all(|digit| digit.is_ascii_digit()))
        };
        let last = self.list(RETIRED)?.into_iter().filter(ours).max();
        last.map(|path| Ok(self.retirement(path)?.next_offset)).transpose()
    }

    /// One record of what was retired.
    fn retirement(&self, path: String) -> Result<Retired, BatchError> {
        let retired: Retired = self.json(&path)?.ok_or_else(|| missing(&path))?;
        if retired.schema > SCHEMA_VERSION {
            let (found, known) = (retired.schema, SCHEMA_VERSION);
            return Err(BatchError::TooNew { path, found, known });
        }
        Ok(retired)
    }

    pub(super) fn is_retired(&self, partition: &Partition, path: &str) -> Result<bool, BatchError> {
        let retired = self.retired()?;
        let mut runs = retired.get(partition).into_iter().flatten();
        Ok(runs.any(|run| run.files.iter().any(|file| file == path)))
    }

    /// Records what is about to be retired; `false` if somebody else has retired from there.
    ///
    /// # Errors
    /// Of the store.
    pub fn retire(&self, retired: &Retired) -> Result<bool, BatchError> {
        let path = retired_path(&retired.partition, retired.first_offset);
        let body = serde_json::to_vec_pretty(retired)
            .map_err(|error| BatchError::Failed(error.to_string()))?;
        self.create(&path, body.into())
    }

    /// Deletes a file that is recorded as retired; it may have gone already.
    ///
    /// # Errors
    /// Of the store.
    pub fn delete(&self, path: &str) -> Result<(), BatchError> {
        match self.runtime.block_on(self.store.delete(&Path::from(path))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BatchError::store(path, &error)),
        }
    }
}
