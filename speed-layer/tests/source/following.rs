//! Following: growth, rotation by renaming, copying and truncating, deletion.

use std::time::Duration;

use twofold_speed::source::{Delivery, Mode, Notice, Source};

use crate::{Site, Story, append, gz, lines};

#[test]
fn half_a_line_waits_for_its_end() {
    let site = Site::new();
    site.write("access.log", "one\ntw");
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.go_on(&mut source, Duration::from_millis(100));
    assert_eq!(story.texts(), ["one"]);
    for piece in ["o", "\nthr", "ee", "\n", "\nfo"] {
        site.append("access.log", piece);
        story.go_on(&mut source, Duration::from_millis(30));
    }
    assert_eq!(story.texts(), ["one", "two", "three", ""]);
    assert!(story.ended.is_empty());
}

#[test]
fn caught_up_is_told_at_once_and_then_once_per_wait() {
    let site = Site::new();
    site.write("access.log", "one\n");
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(source.poll(Duration::from_millis(20)).unwrap());
    }
    use Delivery::{CaughtUp, Records, Started};
    assert!(matches!(&told[..], [Started { .. }, Records(_), CaughtUp, CaughtUp]), "{told:?}");
}

#[test]
fn a_renamed_file_is_read_to_its_end_first() {
    let site = Site::new();
    site.write("access.log", lines("old", 0, 100));
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.until(&mut source, |story| story.records.len() == 100);
    // The writer goes on with the old file until it is told to reopen.
    site.append("access.log", &lines("old", 100, 110));
    site.rename("access.log", "access.log.1");
    site.append("access.log.1", &lines("old", 110, 120));
    site.write("access.log", lines("new", 0, 10));
    story.until(&mut source, |story| story.records.len() == 130);
    assert!(story.texts()[..120].iter().all(|text| text.starts_with("old")));
    site.append("access.log.1", "late\nunfinished");
    story.until(&mut source, |story| !story.ended.is_empty());
    assert_eq!(story.texts()[130..], ["late", "unfinished"]);
    assert_eq!((&story.ended[..], story.losses()), (&[0][..], 0));
    // Compressed, it is still the same text; after a restart too.
    let text = std::fs::read_to_string(site.path("access.log.1")).unwrap();
    std::fs::remove_file(site.path("access.log.1")).unwrap();
    site.write("access.log.2.gz", gz(&text));
    let known = story.next.iter().map(|(number, next)| (*number, crate::at(*next)));
    let again = site.read(&["access.log"], &known.collect::<Vec<_>>());
    assert_eq!(again.texts(), Vec::<&str>::new());
}

#[test]
fn rotation_under_load_loses_and_doubles_nothing() {
    let site = Site::new();
    let path = site.path("access.log");
    let writer = std::thread::spawn(move || {
        for part in 0..12 {
            for step in 0..20 {
                let from = part * 1000 + step * 50;
                append(&path, &lines("load", from, from + 50));
                std::thread::sleep(Duration::from_millis(2));
            }
            let to = |n: usize| path.with_file_name(format!("access.log.{n}"));
            for n in (1..12).rev().filter(|n| to(*n).exists()) {
                std::fs::rename(to(n), to(n + 1)).unwrap();
            }
            std::fs::rename(&path, to(1)).unwrap();
        }
    });
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.until(&mut source, |story| story.records.len() >= 12_000);
    writer.join().unwrap();
    let mut texts = story.texts();
    texts.sort_unstable();
    assert_eq!(texts.join("\n") + "\n", lines("load", 0, 12_000));
    assert_eq!((story.started.len(), story.losses()), (12, 0));
}

#[test]
fn a_copy_is_read_on_after_truncation() {
    let site = Site::new();
    site.write("access.log", lines("old", 0, 100));
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.until(&mut source, |story| story.records.len() == 100);
    site.append("access.log", &lines("old", 100, 200));
    std::fs::copy(site.path("access.log"), site.path("access.log.1")).unwrap();
    site.write("access.log", lines("new", 0, 5));
    story.until(&mut source, |story| story.records.len() == 205);
    let old: Vec<_> = story.texts().into_iter().filter(|text| text.starts_with("old")).collect();
    assert_eq!(old.join("\n") + "\n", lines("old", 0, 200));
    story.until(&mut source, |story| story.ended == [0]);
    assert_eq!(story.losses(), 0);
    assert!(story.notices.iter().any(|notice| notice.to_string().contains("its copy")));
}

#[test]
fn a_truncation_without_a_copy_is_a_loss() {
    let site = Site::new();
    let old = lines("old", 0, 100);
    site.write("access.log", old.clone() + "half a li");
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.until(&mut source, |story| story.records.len() == 100);
    site.write("access.log", lines("new", 0, 300));
    story.until(&mut source, |story| story.records.len() == 401);
    assert_eq!(story.texts()[100], "half a li");
    let lost = story.notices.iter().find_map(|notice| match notice {
        Notice::Lost { partition, offset, .. } => Some((partition.number, *offset)),
        _ => None,
    });
    assert_eq!(lost, Some((0, old.len() as u64 + 9)));
    assert_eq!(story.ended, [0]);
}

#[test]
fn a_deleted_file_is_read_to_its_end() {
    let site = Site::new();
    site.write("access.log", "one\n");
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.until(&mut source, |story| story.records.len() == 1);
    site.append("access.log", "two\n");
    std::fs::remove_file(site.path("access.log")).unwrap();
    story.until(&mut source, |story| story.ended == [0]);
    site.write("access.log", "three\n");
    story.until(&mut source, |story| story.records.len() == 3);
    assert_eq!((story.texts(), story.losses()), (vec!["one", "two", "three"], 0));
}

#[test]
fn new_files_are_found() {
    let site = Site::new();
    let mut source = site.open(site.options(&["*.log", "late"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.go_on(&mut source, Duration::from_millis(50));
    assert_eq!(story.notices.len(), 2, "one warning for each source: {:?}", story.notices);
    site.write("one.log", "one\n");
    story.until(&mut source, |story| story.records.len() == 1);
    site.write("late", "unfinished");
    story.go_on(&mut source, Duration::from_millis(50));
    site.append("late", "\n");
    site.append("one.log", "two\n");
    story.until(&mut source, |story| story.records.len() == 3);
    let mut texts = story.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["one", "two", "unfinished"]);
}

#[test]
fn what_was_rotated_between_two_runs_is_read_on() {
    let site = Site::new();
    site.write("access.log", lines("old", 0, 50));
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.until(&mut source, |story| story.records.len() == 50);
    drop(source);
    let text = lines("old", 0, 80);
    std::fs::remove_file(site.path("access.log")).unwrap();
    site.write("access.log.1", &text);
    site.write("access.log", lines("new", 0, 10));
    let mut source =
        site.open(site.options(&["access.log"], Mode::Follow), &[(0, crate::at(story.next[&0]))]);
    let mut on = Story::default();
    on.until(&mut source, |story| story.records.len() == 40);
    assert_eq!(on.texts()[..30].join("\n") + "\n", lines("old", 50, 80));
    assert_eq!(on.started[0].2, story.started[0].2, "the identity stays");
}

#[test]
fn idle_files_are_closed_until_they_grow() {
    let site = Site::new();
    let names: Vec<_> = (0..50).map(|n| format!("site{n}.log")).collect();
    for name in &names {
        site.write(name, lines(name, 0, 3));
    }
    let mut options = site.options(&["*.log", "site7.log.1"], Mode::Follow);
    (options.keep_open, options.close_after) = (0, Duration::from_millis(100));
    let mut source = site.open(options, &[]);
    let mut story = Story::default();
    story.until(&mut source, |story| story.records.len() == 150);
    story.go_on(&mut source, Duration::from_millis(300));
    let logs = site.path("");
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let open = open.filter_map(|fd| std::fs::read_link(fd.path()).ok());
    assert_eq!(open.filter(|path| path.starts_with(&logs)).count(), 0);
    site.append("site7.log", "more\n");
    story.until(&mut source, |story| story.records.len() == 151);
    story.go_on(&mut source, Duration::from_millis(300));
    assert_eq!((story.started.len(), story.ended.len()), (50, 0));
    // What becomes of a closed file is noticed too.
    std::fs::remove_file(site.path("site8.log")).unwrap();
    site.rename("site7.log", "site7.log.1");
    site.write("site7.log", lines("new", 0, 1));
    story.until(&mut source, |story| story.records.len() == 152 && story.ended.len() == 2);
    assert_eq!(story.losses(), 0);
}

#[test]
fn what_is_wrong_is_said_once() {
    let site = Site::new();
    site.write("access.log", b"PK\x03\x04 not a log");
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    // A file that has just changed may still be being written.
    story.until(&mut source, |story| !story.notices.is_empty());
    for _ in 0..5 {
        site.append("access.log", "and more");
        story.go_on(&mut source, Duration::from_millis(60));
    }
    assert_eq!(story.notices.len(), 1, "{:?}", story.notices);
}
