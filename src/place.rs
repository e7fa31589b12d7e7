//! The data directory: where archive, history and index are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use twofold_serving::index::{ElasticIndex, Index, SqliteIndex};

use crate::config::{self, Config, Target};

/// An object store, shared.
pub type Store = Arc<dyn ObjectStore>;

/// A data directory.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    index: config::Index,
}

impl Place {
    /// The configured data directory; it is made if it is not there.
    pub fn create(config: &Config) -> anyhow::Result<Self> {
        let place = Self::of(config);
        for folder in [place.archive_folder(), place.history_folder()] {
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        Ok(place)
    }

    /// The configured data directory, which must be there.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let place = Self::of(config);
        anyhow::ensure!(
            place.archive_folder().is_dir() || place.holds_index(),
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
    pub fn index(&self) -> anyhow::Result<Arc<dyn Index>> {
        match self.index.target()? {
            Target::Default => open_file(&self.index_file()),
            Target::File(path) => open_file(&path),
            Target::Engine => {
                let endpoint = self.index.endpoint()?;
                let index = ElasticIndex::open(&endpoint, &self.index.prefix)
                    .with_context(|| format!("cannot open the index {endpoint:?}"))?;
                Ok(Arc::new(index))
            }
        }
    }

    fn of(config: &Config) -> Self {
        Self { folder: PathBuf::from(&config.data), index: config.index.clone() }
    }

    /// Whether there is an index, or one elsewhere that need not be in this folder.
    fn holds_index(&self) -> bool {
        match self.index.target() {
            Ok(Target::Default) => self.index_file().is_file(),
            Ok(Target::File(path)) => path.is_file(),
            Ok(Target::Engine) | Err(_) => true,
        }
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

fn open_file(path: &Path) -> anyhow::Result<Arc<dyn Index>> {
    let index = SqliteIndex::open(path)
        .with_context(|| format!("cannot open the index {}", path.display()))?;
    Ok(Arc::new(index))
}
