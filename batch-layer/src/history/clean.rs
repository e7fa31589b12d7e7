//! Removing what no generation needs any more.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::History;
use crate::BatchError;
use crate::manifest::{self, Manifest};

/// Generations whose tables stay: the current one, and the one that a reader may still be at.
const KEPT: u64 = 2;

impl History {
    /// Deletes the tables and manifests of generations that are older than the two newest, as far
    /// as these don't use them. A manifest goes last, so that a run that is killed in
    /// between leaves nothing behind that the next one doesn't find.
    ///
    /// # Errors
    /// Of the store.
    pub(crate) fn clean(&self, newest: &Manifest) -> Result<(), BatchError> {
        let old = newest.generation.saturating_sub(KEPT);
        let paths = self.list("generations")?;
        let mut superseded = Vec::new();
        let mut used: BTreeSet<String> = folders(newest);
        for path in paths {
            let known = self.manifest(path)?;
            match known.generation <= old {
                true => superseded.push(known),
                false => used.extend(folders(&known)),
            }
        }
        for manifest in superseded {
            for folder in folders(&manifest).difference(&used) {
                for path in self.list(folder)? {
                    self.delete(&path)?;
                }
            }
            self.delete(&manifest::path(manifest.generation))?;
        }
        Ok(())
    }

    fn delete(&self, path: &str) -> Result<(), BatchError> {
        let location = Path::from(path);
        match self.runtime.block_on(self.store.delete(&location)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BatchError::store(path, &error)),
        }
    }

    /// The paths of all objects below a folder.
    pub(super) fn list(&self, prefix: &str) -> Result<Vec<String>, BatchError> {
        let prefix = Path::from(prefix);
        let listing = self.store.list(Some(&prefix)).map_ok(|object| object.location.to_string());
        let listed = self.runtime.block_on(listing.try_collect());
        listed.map_err(|error| BatchError::store(prefix.as_ref(), &error))
    }
}

fn folders(manifest: &Manifest) -> BTreeSet<String> {
    manifest.hours.values().map(|hour| hour.folder.clone()).collect()
}
