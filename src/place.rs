//! The data directory: where archive, history and index are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use twofold_serving::index::sqlite::SqliteIndex;

use crate::config::Config;

/// An object store, shared.
pub type Store = Arc<dyn ObjectStore>;

/// A data directory.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// The configured data directory; it is made if it is not there.
    pub fn create(config: &Config) -> anyhow::Result<Self> {
        let place = Self { folder: PathBuf::from(&config.data) };
        for folder in [place.archive_folder(), place.history_folder()] {
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        Ok(place)
    }

    /// The configured data directory, which must be there.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let place = Self { folder: PathBuf::from(&config.data) };
        anyhow::ensure!(
            place.archive_folder().is_dir() || place.index_file().is_file(),
            "{} holds no twofold data; name the directory with --data DIR, or fill it with \
             `twofold run --source FILE --data {}`",
            place.folder.display(),
            place.folder.display()
        );
        Self::create(config)
    }

    /// The directory itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The raw log.
    pub fn archive(&self) -> anyhow::Result<Store> {
        store(&self.archive_folder())
    }

    /// The batch layer's exact tables.
    pub fn history(&self) -> anyhow::Result<Store> {
        store(&self.history_folder())
    }

    /// The index; it is made if it is not there.
    pub fn index(&self) -> anyhow::Result<Arc<SqliteIndex>> {
        let file = self.index_file();
        let index = SqliteIndex::open(&file)
            .with_context(|| format!("cannot open the index {}", file.display()))?;
        Ok(Arc::new(index))
    }

    fn archive_folder(&self) -> PathBuf {
        self.folder.join("archive")
    }

    fn history_folder(&self) -> PathBuf {
        self.folder.join("history")
    }

    fn index_file(&self) -> PathBuf {
        self.folder.join("twofold.db")
    }
}

fn store(folder: &Path) -> anyhow::Result<Store> {
    let store = LocalFileSystem::new_with_prefix(folder)
        .with_context(|| format!("cannot use the folder {}", folder.display()))?;
    Ok(Arc::new(store))
}
