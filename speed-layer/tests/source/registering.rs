//! Numbering: every process gives the same file the same number.

use std::sync::Barrier;

use twofold_speed::source::Mode;

use crate::{Site, Story, lines};

#[test]
fn racing_processes_number_alike() {
    for round in 0..10 {
        let site = Site::new();
        let names: Vec<_> = (0..8).map(|n| format!("site{n}.log")).collect();
        for name in &names {
            site.write(name, lines(name, 0, 1 + round * 30));
        }
        let barrier = Barrier::new(4);
        let read = || {
            barrier.wait();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            site.read(&names, &[]).records
        };
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(read)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for records in &all {
            let mut numbers: Vec<_> = records.iter().map(|(number, ..)| *number).collect();
            numbers.dedup();
            numbers.sort_unstable();
            assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
        }
        let sorted = |index: usize| {
            let mut records = all[index].clone();
            records.sort();
            records
        };
        (1..4).for_each(|index| assert_eq!(sorted(index), sorted(0)));
    }
}

#[test]
fn files_with_the_same_first_lines_are_told_apart() {
    let site = Site::new();
    site.write("a.log", "same\n");
    site.write("b.log", "same\nb\n");
    let first = site.read(&["a.log", "b.log"], &[]);
    assert_eq!(first.started.len(), 2);
    // They grow beyond what was registered of them, and are still themselves.
    site.append("a.log", &lines("a", 0, 500));
    site.append("b.log", &lines("b", 0, 500));
    let second = site.read(&["a.log", "b.log"], &[]);
    assert_eq!(second.started.iter().map(|(n, ..)| *n).collect::<Vec<_>>(), [0, 1]);
    assert!(second.records.iter().all(|(n, _, text, _)| {
        text == "same" || text.starts_with(if *n == 0 { "a" } else { "b" })
    }));
    // With the longer prints, each alone is known too, whatever its inode is.
    for (name, number) in [("a.log", 0), ("b.log", 1)] {
        let text = std::fs::read(site.path(name)).unwrap();
        std::fs::remove_file(site.path(name)).unwrap();
        site.write("renamed", text);
        assert_eq!(site.read(&["renamed"], &[]).started[0].0, number);
    }
}

#[test]
fn comments_alone_tell_nothing() {
    let site = Site::new();
    let header = "#Version: 1.0\n#Fields: date time\n";
    site.write("access.log", header);
    let mut source = site.open(site.options(&["access.log"], Mode::Follow), &[]);
    let mut story = Story::default();
    story.go_on(&mut source, std::time::Duration::from_millis(50));
    assert!(story.started.is_empty());
    site.append("access.log", "first day\n");
    story.until(&mut source, |story| story.records.len() == 3);
    site.rename("access.log", "access.log.1");
    site.write("access.log", format!("{header}second day\n"));
    story.until(&mut source, |story| story.records.len() == 6);
    assert_eq!(story.started.len(), 2);
}

#[test]
fn an_unfinished_first_line_is_known_again() {
    let site = Site::new();
    site.write("access.log", "192.0.2.1 - -");
    assert_eq!(site.read(&["access.log"], &[]).started.len(), 1);
    // Another file that happens to begin alike is another one,
    site.write("other.log", "192.0.2.1 - - other\n");
    assert_eq!(site.read(&["other.log"], &[]).started[0].0, 1);
    // and the file itself goes on where it was.
    site.append("access.log", " and on\n");
    let on = site.read(&["access.log"], &[(0, crate::at(13))]);
    assert_eq!((on.started[0].0, on.texts()), (0, vec![" and on"]));
}

#[test]
fn the_source_works_inside_a_runtime_too() {
    let site = Site::new();
    site.write("access.log", "one\n");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let story = runtime.block_on(async { site.read(&["access.log"], &[]) });
    assert_eq!(story.texts(), ["one"]);
}
