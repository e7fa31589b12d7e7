//! Retention: what is pruned is told from what is lost, and no number changes.

mod site;

use std::io::Write;

use site::Site;
use twofold_batch::BatchError;
use twofold_batch::archive::Archive;
use twofold_batch::audit::{Audit, Unasked, audit};
use twofold_batch::export::export;
use twofold_batch::history::History;
use twofold_batch::prune::{Pruned, Retention, prune};
use twofold_batch::run::{Options, run};
use twofold_data::generate::Profile;
use twofold_data::minute::{Grain, Minute};
use twofold_serving::index::{Index, Query};
use twofold_serving::query::{Range, Report, SeriesQuery, Stores, report, series};

const HOUR: i64 = 3_600_000;

fn pruned(site: &Site, retention: Retention) -> Pruned {
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    prune(&archive, &history, &site.index(), &retention, false).unwrap()
}

fn audited(site: &Site) -> Audit {
    let archive = Archive::open(site.store("archive")).unwrap();
    audit(&archive, &site.index(), &Unasked).unwrap()
}

#[track_caller]
fn assert_in_order(site: &Site) -> Audit {
    let audit = audited(site);
    assert!(audit.ok, "{audit:?}");
    audit
}

/// What readers are told, without the percentiles, which a union of sketches draws random bits for.
fn told(site: &Site) -> Report {
    let index = site.index();
    let report = report(&Stores::new(&index), Range::ALL, 10).unwrap();
    let mut stamp = report.stamp;
    stamp.generation = 0;
    Report { stamp, sizes: None, durations: None, ..report }
}

fn exported(site: &Site) -> Vec<u8> {
    let mut out = Vec::new();
    export(&Archive::open(site.store("archive")).unwrap(), &mut out, |_| ()).unwrap();
    out
}

fn archive_for(hours: i64) -> Retention {
    Retention { archive: Some(hours * HOUR), ..Retention::default() }
}

/// A day of 24 files, published.
fn site() -> Site {
    let site = Site::new();
    site.generate(Profile::demo(), 5_000, 2);
    site.archive();
    site.batch(&site.index());
    site
}

/// The bytes of every archive file, to put them back.
fn copies(site: &Site) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    site.files().into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn put_back(files: &[(std::path::PathBuf, Vec<u8>)]) {
    for (path, bytes) in files {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn what_is_pruned_is_retired_and_what_is_deleted_is_missing() {
    let site = site();
    let (before, files) = (told(&site), site.files().len());
    let outcome = pruned(&site, archive_for(6));
    assert!(outcome.retired_files > 10, "{outcome:?}");
    assert_eq!(site.files().len() + outcome.retired_files as usize, files);
    assert_eq!(told(&site), before);
    let audit = assert_in_order(&site);
    assert_eq!((audit.records, audit.retired), (5_000, outcome.retired_records));
    assert_eq!(audit.archived + audit.retired, 5_000);
    let log = std::fs::read(site.log()).unwrap();
    let export = exported(&site);
    assert!(!export.is_empty() && log.ends_with(&export), "the rest of the log");

    let again = pruned(&site, archive_for(6));
    assert_eq!((again.retired_files, again.generation), (0, outcome.generation));
    assert!(!site.batch(&site.index()).published);
    assert_eq!(told(&site), before);

    std::fs::remove_file(&site.files()[1]).unwrap();
    let audit = audited(&site);
    assert!(!audit.ok && audit.missing > 0, "{audit:?}");
    assert_eq!((audit.retired, audit.duplicated), (outcome.retired_records, 0));
}

#[test]
fn a_prune_killed_between_its_steps_loses_nothing() {
    let site = site();
    let (before, files) = (told(&site), copies(&site));
    let first = pruned(&site, archive_for(6));

    // Killed before the first file was deleted.
    put_back(&files);
    assert_eq!(assert_in_order(&site).retired, first.retired_records);
    assert!(std::fs::read(site.log()).unwrap().ends_with(&exported(&site)));
    let second = pruned(&site, archive_for(6));
    assert_eq!((second.finished_files, second.retired_files), (first.retired_files, 0));
    assert_eq!(site.files().len() as u64, files.len() as u64 - first.retired_files);
    assert_in_order(&site);

    // Killed after the generation was published, before the retirement was recorded.
    put_back(&files);
    std::fs::remove_dir_all(site.folder().join("archive/retired")).unwrap();
    assert_eq!(assert_in_order(&site).archived, 5_000);
    let third = pruned(&site, archive_for(6));
    assert_eq!(third.retired_records, first.retired_records);
    assert_in_order(&site);
    assert_eq!(told(&site), before);
}

#[test]
fn records_for_a_sealed_hour_are_archived_and_refused() {
    let site = site();
    pruned(&site, archive_for(6));
    let before = told(&site);
    let mut log = std::fs::OpenOptions::new().append(true).open(site.log()).unwrap();
    let first = std::fs::read_to_string(site.log()).unwrap().lines().next().unwrap().to_owned();
    writeln!(log, "{first}").unwrap();
    site.archive();
    let outcome = site.batch(&site.index());
    assert_eq!((outcome.new_records, outcome.hours), (1, 0), "{outcome:?}");
    let audit = assert_in_order(&site);
    assert_eq!((audit.records, audit.refused_records, audit.pending), (5_001, 1, 0));
    assert_eq!(told(&site).requests, before.requests);

    let options = Options { again: Some((Minute(0), Minute(1 << 40))), ..Options::default() };
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    run(&archive, &history, &site.index(), &options, &mut |_, _| ()).unwrap();
    assert_in_order(&site);
    assert_eq!(told(&site).requests, before.requests);
}

#[test]
fn only_what_is_published_goes() {
    let site = Site::new();
    site.generate(Profile::demo(), 2_000, 2);
    site.archive();
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    let refused = prune(&archive, &history, &site.index(), &archive_for(1), false);
    assert!(matches!(refused, Err(BatchError::Failed(why)) if why.contains("twofold batch")));
}

#[test]
fn the_oldest_go_until_the_archive_is_small_enough() {
    let site = site();
    let size = |site: &Site| -> u64 {
        site.files().iter().map(|file| file.metadata().unwrap().len()).sum()
    };
    let most = size(&site) / 2;
    let outcome = pruned(&site, Retention { archive_bytes: Some(most), ..Retention::default() });
    let left = size(&site);
    assert!(left <= most && left > most / 2, "{left} of {most}: {outcome:?}");
    let retired = std::fs::read_dir(site.folder().join("archive/retired")).unwrap().count();
    assert_eq!(retired, 1);
    assert_in_order(&site);
}

/// The hint of the chain's end is lost, and the chain itself is retired: nothing is archived again.
#[test]
fn a_wholly_retired_partition_is_not_begun_again() {
    let site = Site::new();
    site.generate(Profile::bench(), 2_000, 2);
    site.archive();
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    let options = Options { everything: true, ..Options::default() };
    run(&archive, &history, &site.index(), &options, &mut |_, _| ()).unwrap();
    let nothing = Retention { archive_bytes: Some(1), ..Retention::default() };
    pruned(&site, nothing);
    assert_eq!(site.files().len(), 0);
    assert_in_order(&site);
    std::fs::remove_dir_all(site.folder().join("archive/ends")).unwrap();
    site.archive();
    assert_eq!(site.files().len(), 0);
    site.batch(&site.index());
    assert_eq!(assert_in_order(&site).retired, 2_000);
}

/// The rows of `traffic` of a grain in the index.
fn rows(index: &dyn Index, grain: Grain) -> usize {
    let query = Query {
        views: &["traffic"],
        from: Minute(0),
        to: Minute(1 << 40),
        coarsest: grain,
        sketches: false,
    };
    index.read(&query).unwrap().exact.iter().filter(|set| set.grain == grain).count()
}

#[test]
fn minutes_fade_into_hours_and_hours_into_days() {
    let site = Site::new();
    let answers = site.generate_days(2, Profile::demo(), 6_000, 4);
    site.archive();
    site.batch(&site.index());
    let index = site.index();
    let before = told(&site);
    let first =
        Range::new(Minute::parse("2026-03-10").unwrap(), Minute::parse("2026-03-11").unwrap());
    let hourly = SeriesQuery { range: first, step: 60, spread: false, split: false };
    let points =
        |query: &SeriesQuery| series(&Stores::new(&index), query).map(|found| found.points);
    let hours = points(&hourly).unwrap();
    assert!(points(&SeriesQuery { step: 1, ..hourly }).is_ok());

    let all = rows(&index, Grain::Minute);
    let outcome = pruned(&site, Retention { minutes: Some(HOUR), ..Retention::default() });
    assert_eq!(outcome.minutes_before.as_deref(), Some("2026-03-11T00:00Z"));
    let left = rows(&index, Grain::Minute);
    assert!(outcome.removed_row_sets > 0 && left > 0 && left < all, "{left} of {all}");
    assert_eq!(points(&hourly).unwrap(), hours, "hours are as they were");
    let refused = points(&SeriesQuery { step: 1, ..hourly }).unwrap_err().to_string();
    assert!(refused.contains("faded into hours"), "{refused}");
    let after = told(&site);
    assert_eq!(
        (after.requests, after.bytes, &after.hours),
        (before.requests, before.bytes, &before.hours)
    );
    assert_eq!(after.requests, answers.requests);
    assert!(!before.estimated.contains(&"busiest_minutes"), "{:?}", before.estimated);
    assert!(after.estimated.contains(&"busiest_minutes"), "{:?}", after.estimated);
    assert!(!after.estimated.contains(&"requests") && !after.estimated.contains(&"hours"));
    assert_in_order(&site);

    // A range that cuts an hour is answered by the whole hour, and says so.
    let cut = Range::new(Minute(first.from.0.0 + 90), Minute(first.from.0.0 + 100));
    let cut = series(&Stores::new(&index), &SeriesQuery { range: cut, ..hourly }).unwrap();
    assert_eq!(
        cut.range.unwrap(),
        Range::new(Minute(first.from.0.0 + 60), Minute(first.from.0.0 + 120))
    );

    pruned(&site, Retention { hours: Some(HOUR), ..Retention::default() });
    let daily = points(&SeriesQuery { step: 1440, ..hourly }).unwrap();
    let requests = |measures: &twofold_serving::query::Measures| measures.0.requests();
    let sum: u64 = hours.iter().map(|point| requests(&point.measures)).sum();
    assert_eq!(daily.iter().map(|point| requests(&point.measures)).sum::<u64>(), sum);
    assert!(points(&hourly).is_err());
    assert_in_order(&site);

    // What has faded does not come back when its hour is computed again.
    let options = Options { again: Some((Minute(0), Minute(1 << 40))), ..Options::default() };
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    run(&archive, &history, &index, &options, &mut |_, _| ()).unwrap();
    assert_eq!(rows(&index, Grain::Minute), left);
    assert_in_order(&site);
}

#[test]
fn tables_of_the_history_go_and_their_hours_stay_published() {
    let site = Site::new();
    site.generate_days(2, Profile::demo(), 4_000, 4);
    site.archive();
    site.batch(&site.index());
    let before = told(&site);
    pruned(&site, Retention { history: Some(HOUR), ..Retention::default() });
    let options = Options { again: Some((Minute(0), Minute(1 << 40))), ..Options::default() };
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    for _ in 0..2 {
        run(&archive, &history, &site.index(), &options, &mut |_, _| ()).unwrap();
    }
    let tables = |day: &str| {
        let hour = site.folder().join(format!("history/hours/date={day}/hour=12"));
        let folders = std::fs::read_dir(hour).unwrap();
        folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap()).count()
    };
    assert_eq!(tables("2026-03-10"), 0);
    assert!(tables("2026-03-11") > 0);
    assert_eq!(told(&site).requests, before.requests);
    assert_in_order(&site);
    let index = site.index();
    let stores = Stores { index: &index, history: Some(&history) };
    let told = report(&stores, Range::ALL, 10).unwrap();
    assert!(told.estimated.contains(&"distinct_clients"), "the tables are gone");
}
