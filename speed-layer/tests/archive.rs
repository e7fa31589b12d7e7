//! The archiver on real files in real folders.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use parquet::file::reader::{FileReader, SerializedFileReader};
use twofold_data::archive::{FileMeta, META_KEY};
use twofold_data::format::Format;
use twofold_data::generate::{Profile, Traffic};
use twofold_data::window::watermark::Limits;
use twofold_speed::archive::{Options, run};
use twofold_speed::source::file::{FileOptions, FileSource};
use twofold_speed::source::{Mode, Source};

fn options(max_bytes: u64) -> Options {
    Options {
        format: Format::named("combined").unwrap(),
        limits: Limits::default(),
        max_bytes,
        max_age: Duration::from_secs(3600),
        backfill: false,
        accept_loss: false,
    }
}

fn log(folder: &Path, lines: u64) -> String {
    let path = folder.join("access.log");
    let mut bytes = Vec::new();
    Traffic::new(Profile::demo(), 1_773_100_800, 5).write(1, lines, &mut bytes, |_| ()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn store(folder: &Path) -> Arc<dyn ObjectStore> {
    std::fs::create_dir_all(folder).unwrap();
    Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap())
}

fn archive(log: &str, folder: &Path, options: &Options) {
    let store = store(folder);
    let registry = Arc::clone(&store);
    let files = FileOptions::new(vec![log.to_owned()], Mode::ToEnd);
    let open = move |positions| -> Result<Box<dyn Source>, _> {
        Ok(Box::new(FileSource::open(files.clone(), Arc::clone(&registry), positions)?))
    };
    run(open, &store, options, &AtomicBool::new(false), |_, _| ()).unwrap();
}

/// Every file's metadata and number of rows, in the order of offsets.
fn files(folder: &Path) -> Vec<(FileMeta, i64)> {
    let pattern = folder.join("logs/**/*.parquet");
    let mut files: Vec<_> = glob::glob(pattern.to_str().unwrap())
        .unwrap()
        .map(|path| {
            let reader =
                SerializedFileReader::new(std::fs::File::open(path.unwrap()).unwrap()).unwrap();
            let metadata = reader.metadata().file_metadata();
            let pairs = metadata.key_value_metadata().unwrap();
            let pair = pairs.iter().find(|pair| pair.key == META_KEY).unwrap();
            let meta: FileMeta = serde_json::from_str(pair.value.as_ref().unwrap()).unwrap();
            (meta, metadata.num_rows())
        })
        .collect();
    files.sort_by_key(|(meta, _)| meta.first_offset);
    files
}

/// The chain is contiguous from the first byte to the last, and each record is in it once.
#[track_caller]
fn assert_whole(folder: &Path, log: &str, lines: u64) {
    let files = files(folder);
    let mut next = 0;
    for (meta, rows) in &files {
        assert_eq!(meta.first_offset, next, "a gap or an overlap");
        assert_eq!(meta.records as i64, *rows);
        assert_eq!(meta.hours.values().sum::<u64>(), meta.records);
        next = meta.next_offset;
    }
    assert_eq!(next, std::fs::metadata(log).unwrap().len());
    assert_eq!(files.iter().map(|(meta, _)| meta.records).sum::<u64>(), lines);
}

#[test]
fn a_day_is_archived_once_however_often_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 30_000);
    let archived = folder.path().join("archive");
    archive(&log, &archived, &options(1 << 30));
    assert_whole(&archived, &log, 30_000);
    let hours = files(&archived).len();
    assert!((20..40).contains(&hours), "{hours} files for 24 hours");
    archive(&log, &archived, &options(1 << 30));
    assert_whole(&archived, &log, 30_000);
}

#[test]
fn two_archivers_that_cut_differently_make_one_chain() {
    for round in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path(), 20_000);
        let archived = folder.path().join("archive");
        std::thread::scope(|scope| {
            scope.spawn(|| archive(&log, &archived, &options(70_000 + round * 1000)));
            scope.spawn(|| archive(&log, &archived, &options(190_000)));
        });
        assert_whole(&archived, &log, 20_000);
    }
}

#[test]
fn a_lost_hint_costs_a_listing_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 5_000);
    let archived = folder.path().join("archive");
    archive(&log, &archived, &options(100_000));
    std::fs::remove_dir_all(archived.join("ends")).unwrap();
    archive(&log, &archived, &options(100_000));
    assert_whole(&archived, &log, 5_000);
}

/// A crash between putting a file and saying so leaves a hint that lags.
#[test]
fn a_hint_that_lags_is_caught_up_with() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 5_000);
    let archived = folder.path().join("archive");
    archive(&log, &archived, &options(100_000));
    let hint = archived.join("ends/access-00000.json");
    let text = std::fs::read_to_string(&hint).unwrap();
    let mut end: serde_json::Value = serde_json::from_str(&text).unwrap();
    let second = &files(&archived)[1].0;
    end["next_offset"] = second.first_offset.into();
    end["last_file"] = second.predecessor.clone().into();
    end["ended"] = false.into();
    std::fs::write(&hint, end.to_string()).unwrap();
    archive(&log, &archived, &options(150_000));
    assert_whole(&archived, &log, 5_000);
}
