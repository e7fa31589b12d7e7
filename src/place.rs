//! The data directory: where archive, history and index are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use twofold_serving::index::{ElasticIndex, Index, SqliteIndex};
use twofold_serving::store::{Location, s3};

use crate::config::{self, Config, Target};

pub use twofold_serving::store::Store;

/// A data directory; archive and history may be elsewhere.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    index: config::Index,
    archive: Location,
    history: Location,
    s3: s3::Options,
    /// Whether it is only read, so that it may be where nothing can be written.
    reads: bool,
}

impl Place {
    /// The configured places; folders are made if they are not there.
    pub fn create(config: &Config) -> anyhow::Result<Self> {
        let place = Self::configured(config)?;
        std::fs::create_dir_all(&place.folder)
            .with_context(|| format!("cannot make the folder {}", place.folder.display()))?;
        for location in [&place.archive, &place.history] {
            location.open(&place.s3)?;
        }
        Ok(place)
    }

    /// The configured places, which must be there.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        Self::to_read(config)?;
        Self::create(config)
    }

    /// The configured places, which must be there and are only read: nothing is made in them.
    pub fn to_read(config: &Config) -> anyhow::Result<Self> {
        let place = Self::configured(config)?;
        let archived = match &place.archive {
            Location::Folder(folder) => folder.is_dir(),
            Location::Bucket { .. } => true,
        };
        anyhow::ensure!(
            archived || place.holds_index(),
            "{} holds no twofold data; name the directory with --data DIR, or fill it with \
             `twofold run --source FILE --data {}`",
            place.folder.display(),
            place.folder.display()
        );
        Ok(Self { reads: true, ..place })
    }

    /// Makes the bucket of an archive on S3, unless it is there; returns its name.
    pub fn make_bucket(config: &Config) -> anyhow::Result<Option<String>> {
        let place = Self::configured(config)?;
        let Location::Bucket { bucket, .. } = place.archive else { return Ok(None) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(s3::make_bucket(&bucket, &place.s3, &s3::environment()))?;
        Ok(Some(bucket))
    }

    fn configured(config: &Config) -> anyhow::Result<Self> {
        let folder = PathBuf::from(&config.data);
        let (archive, history) = if config.archive.location.is_empty() {
            let inside = |name: &str| Location::Folder(folder.join(name));
            (inside("archive"), inside("history"))
        } else {
            let archive: Location = config.archive.location.parse()?;
            let history = archive.below("history");
            (archive, history)
        };
        let index = config.index.clone();
        Ok(Self { folder, index, archive, history, s3: config.s3.clone(), reads: false })
    }

    /// The directory itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The raw log.
    pub fn archive(&self) -> anyhow::Result<Store> {
        self.store(&self.archive)
    }

    /// The batch layer's exact tables.
    pub fn history(&self) -> anyhow::Result<Store> {
        self.store(&self.history)
    }

    fn store(&self, location: &Location) -> anyhow::Result<Store> {
        Ok(match self.reads {
            true => location.open_to_read(&self.s3),
            false => location.open(&self.s3),
        }?)
    }

    /// The index; it is made if it is not there and can be.
    pub fn index(&self) -> anyhow::Result<Arc<dyn Index>> {
        match self.index.target()? {
            Target::Default => self.file(&self.index_file()),
            Target::File(path) => self.file(&path),
            Target::Engine => {
                let endpoint = self.index.endpoint()?;
                let index = ElasticIndex::open(&endpoint, &self.index.prefix)
                    .with_context(|| format!("cannot open the index {endpoint:?}"))?;
                Ok(Arc::new(index))
            }
        }
    }

    fn file(&self, path: &Path) -> anyhow::Result<Arc<dyn Index>> {
        let index = match self.reads {
            true => SqliteIndex::open_to_read(path),
            false => SqliteIndex::open(path),
        };
        Ok(Arc::new(index.with_context(|| format!("cannot open the index {}", path.display()))?))
    }

    /// Whether there is an index, or one elsewhere that need not be in this folder.
    fn holds_index(&self) -> bool {
        match self.index.target() {
            Ok(Target::Default) => self.index_file().is_file(),
            Ok(Target::File(path)) => path.is_file(),
            Ok(Target::Engine) | Err(_) => true,
        }
    }

    fn index_file(&self) -> PathBuf {
        self.folder.join("twofold.db")
    }
}
