//! What the tests share.
#![allow(dead_code, missing_docs, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::run::{Options, run};
use twofold_data::format::Format;
use twofold_data::generate::{Answers, Profile, Traffic};
use twofold_data::window::watermark::Limits;
use twofold_serving::index::Index;
use twofold_serving::index::sqlite::SqliteIndex;
use twofold_speed::archive::{self, Options as ArchiveOptions};
use twofold_speed::source::file::{FileOptions, FileSource};
use twofold_speed::source::{Mode, Source};

/// A log, its archive, its history and its index in a folder of their own.
pub struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["archive", "history"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("access.log")
    }

    pub fn generate(&self, profile: Profile, lines: u64, seed: u64) -> Answers {
        self.generate_days(1, profile, lines, seed)
    }

    pub fn generate_days(&self, days: u32, profile: Profile, lines: u64, seed: u64) -> Answers {
        let mut bytes = Vec::new();
        let traffic = Traffic::new(profile, 1_773_100_800, seed);
        let answers = traffic.write(days, lines, &mut bytes, |_| ()).unwrap();
        std::fs::write(self.log(), bytes).unwrap();
        answers
    }

    pub fn store(&self, name: &str) -> Arc<dyn ObjectStore> {
        Arc::new(LocalFileSystem::new_with_prefix(self.folder.path().join(name)).unwrap())
    }

    pub fn archive(&self) {
        let store = self.store("archive");
        let options = ArchiveOptions {
            format: Format::named("combined").unwrap(),
            limits: Limits::default(),
            max_bytes: 1 << 28,
            max_age: Duration::from_secs(3600),
            backfill: false,
            accept_loss: false,
        };
        let files = FileOptions::new(vec![self.log().to_str().unwrap().to_owned()], Mode::ToEnd);
        let registry = Arc::clone(&store);
        let open = move |positions| -> Result<Box<dyn Source>, _> {
            Ok(Box::new(FileSource::open(files.clone(), Arc::clone(&registry), positions)?))
        };
        archive::run(open, &store, &options, &AtomicBool::new(false), |_, _| ()).unwrap();
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The archive's files, by name.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder().join("archive/logs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    pub fn index(&self) -> SqliteIndex {
        SqliteIndex::open(&self.folder.path().join("index.db")).unwrap()
    }

    pub fn batch(&self, index: &dyn Index) -> twofold_batch::run::Outcome {
        let archive = Archive::open(self.store("archive")).unwrap();
        let history = History::open(self.store("history")).unwrap();
        run(&archive, &history, index, &Options::default(), &mut |_, _| ()).unwrap()
    }
}
