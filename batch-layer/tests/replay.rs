//! A replay of malformed records that is killed halfway leaves nothing for good.

mod site;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use site::Site;
use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::prune::{Retention, prune};
use twofold_batch::replay::{Replay, replay};
use twofold_data::format::Format;

/// The format of every second line, which the archiver does not know.
const OTHER: &str = r#"[$time_local] $remote_addr "$request" $status $body_bytes_sent"#;

/// A day with two lines an hour, one of them malformed to the archiver; published.
fn site() -> Site {
    let site = Site::new();
    let hour = |hour: u32| {
        let time = format!("[10/Mar/2026:{hour:02}:30:00 +0000]");
        let rest = "\"GET / HTTP/1.1\" 200 5";
        format!("192.0.2.1 - - {time} {rest} \"-\" \"-\"\n{time} 192.0.2.2 {rest}\n")
    };
    std::fs::write(site.log(), (0..24).map(hour).collect::<String>()).unwrap();
    site.archive();
    site.batch(&site.index());
    site
}

/// A replay that is killed once it has read so many files.
fn replayed(site: &Site, files: usize) -> Option<Replay> {
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    let formats = [Format::named(OTHER).unwrap()];
    let mut progress = |done: usize, all: usize| assert!(done < files.min(all + 1), "killed");
    catch_unwind(AssertUnwindSafe(|| replay(&archive, &history, &formats, false, &mut progress)))
        .ok()
        .map(Result::unwrap)
}

/// The archive files of which corrected rows are kept, one for each table of rows.
fn corrected(site: &Site) -> Vec<String> {
    let archive = Archive::open(site.store("archive")).unwrap();
    let rows = archive.corrected_rows().unwrap();
    rows.iter().map(|rows| twofold_data::archive::file_of(rows).unwrap()).collect()
}

#[test]
fn the_next_replay_clears_up_after_one_that_was_killed() {
    let site = site();
    assert_eq!(replayed(&site, 5), None);
    assert_eq!(corrected(&site).len(), 5);
    let whole = replayed(&site, usize::MAX).unwrap();
    assert_eq!(whole.readable, 24, "a killed one corrects nothing");
    let files = whole.files as usize;
    assert!(files > 5);
    assert_eq!(corrected(&site).len(), files, "the five are gone");
    site.batch(&site.index());
    assert_eq!(replayed(&site, usize::MAX).unwrap().malformed, 0);
    assert_eq!(corrected(&site).len(), files, "what is named stays");
}

#[test]
fn retention_takes_what_a_killed_replay_left() {
    let site = site();
    assert_eq!(replayed(&site, 20), None);
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    let retention = Retention { archive: Some(12 * 3_600_000), ..Retention::default() };
    let pruned = prune(&archive, &history, &site.index(), &retention, false).unwrap();
    assert!(pruned.retired_files > 5, "{pruned:?}");
    let left = corrected(&site);
    let there = |file: &String| Path::new(&site.folder().join("archive")).join(file).exists();
    assert!(!left.is_empty() && left.iter().all(there), "{left:?}");
}
