//! The file source, on real files.

mod any_content;
mod any_rotation;
mod following;
mod reading;
mod registering;
mod sharing;

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::local::LocalFileSystem;
use tempfile::TempDir;
use twofold_speed::source::file::{FileOptions, FileSource};
use twofold_speed::source::{Delivery, Mode, Notice, Position, Source, SourceError, positions};

/// A folder with logs and an archive.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("archive")).unwrap();
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("logs").join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        append(&self.path(name), text);
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn store(&self) -> Arc<LocalFileSystem> {
        Arc::new(LocalFileSystem::new_with_prefix(self.folder.path().join("archive")).unwrap())
    }

    /// Options for the named files, impatient ones.
    pub(crate) fn options(&self, names: &[&str], mode: Mode) -> FileOptions {
        let path = |name: &&str| match *name {
            "-" => "-".to_owned(),
            name => self.path(name).to_string_lossy().into_owned(),
        };
        FileOptions {
            topic: "access".to_owned(),
            grace: Duration::from_millis(300),
            poll_every: Duration::from_millis(5),
            scan_every: Duration::from_millis(20),
            ..FileOptions::new(names.iter().map(path).collect(), mode)
        }
    }

    pub(crate) fn open(&self, options: FileOptions, known: &[(u32, Position)]) -> FileSource {
        self.try_open(options, known, b"").unwrap()
    }

    pub(crate) fn try_open(
        &self,
        options: FileOptions,
        known: &[(u32, Position)],
        stdin: &[u8],
    ) -> Result<FileSource, SourceError> {
        let known: BTreeMap<_, _> = known.iter().copied().collect();
        let stdin: Box<dyn Read + Send> = Box::new(Cursor::new(stdin.to_vec()));
        FileSource::with_stdin(options, self.store(), positions(known), stdin)
    }

    /// Reads the named files to their end.
    pub(crate) fn read(&self, names: &[&str], known: &[(u32, Position)]) -> Story {
        let mut source = self.open(self.options(names, Mode::ToEnd), known);
        let mut story = Story::default();
        story.read_to_end(&mut source);
        story
    }
}

pub(crate) fn append(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

pub(crate) fn at(offset: u64) -> Position {
    Position { offset, ended: false }
}

/// One record: partition, offset, text, whether it lacks its newline.
pub(crate) type Told = (u32, u64, String, bool);

/// What a source delivered.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) records: Vec<Told>,
    pub(crate) started: Vec<(u32, u64, String)>,
    pub(crate) ended: Vec<u32>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) next: BTreeMap<u32, u64>,
    open: std::collections::BTreeSet<u32>,
}

impl Story {
    /// Takes in one delivery, and checks what holds of each.
    pub(crate) fn take(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Started { partition, identity, offset, .. } => {
                assert!(self.open.insert(partition.number), "started twice: {partition}");
                self.next.insert(partition.number, offset);
                self.started.push((partition.number, offset, identity));
            }
            Delivery::Records(batch) => {
                let number = batch.partition.number;
                assert!(self.open.contains(&number), "records of a partition that has not started");
                assert!(!batch.spans.is_empty());
                for record in batch.records() {
                    assert_eq!(self.next.insert(number, record.next_offset), Some(record.offset));
                    let text = String::from_utf8_lossy(record.bytes).into_owned();
                    self.records.push((number, record.offset, text, record.unterminated()));
                }
            }
            Delivery::Ended(partition) => {
                assert!(self.open.remove(&partition.number), "ended before it started");
                self.ended.push(partition.number);
            }
            Delivery::Notice(notice) => self.notices.push(notice),
            Delivery::CaughtUp | Delivery::Idle | Delivery::EndOfInput => {}
            Delivery::Revoked(_) | Delivery::AtEnd { .. } => panic!("{delivery:?} of files"),
        }
    }

    pub(crate) fn read_to_end(&mut self, source: &mut impl Source) {
        loop {
            match source.poll(Duration::from_millis(50)).unwrap() {
                Delivery::EndOfInput => return,
                delivery => self.take(delivery),
            }
        }
    }

    /// Polls until `done`, at most some seconds.
    pub(crate) fn until(&mut self, source: &mut impl Source, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            let delivery = source.poll(Duration::from_millis(5)).unwrap();
            self.take(delivery);
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "waited in vain: {:?}",
                self.records
            );
        }
    }

    /// Polls for some time.
    pub(crate) fn go_on(&mut self, source: &mut impl Source, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            let delivery = source.poll(Duration::from_millis(5)).unwrap();
            self.take(delivery);
        }
    }

    /// The records' texts, in the order of delivery.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.records.iter().map(|(_, _, text, _)| text.as_str()).collect()
    }

    pub(crate) fn losses(&self) -> usize {
        self.notices.iter().filter(|notice| matches!(notice, Notice::Lost { .. })).count()
    }
}

pub(crate) fn gz(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zst(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 3).unwrap()
}

/// Lines `from..to`, unlike each other and not short.
pub(crate) fn lines(name: &str, from: usize, to: usize) -> String {
    (from..to).map(|n| format!("{name} line {n:06} {}\n", "x".repeat(n % 50))).collect()
}
