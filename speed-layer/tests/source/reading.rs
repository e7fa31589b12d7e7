//! Reading to the end: order, line ends, compression, resuming, damage.

use twofold_speed::source::file::{first_lines, peek, plan, topic};
use twofold_speed::source::{Mode, Notice, Position};

use crate::{Site, Story, at, gz, lines, zst};

#[test]
fn line_ends_survive() {
    let site = Site::new();
    site.write("access.log", "first\r\n\n  \nlast without newline");
    let story = site.read(&["access.log"], &[]);
    let told = |offset, text: &str, open| (0, offset, text.to_owned(), open);
    let expected = [
        told(0, "first\r", false),
        told(7, "", false),
        told(8, "  ", false),
        told(11, "last without newline", true),
    ];
    assert_eq!(story.records, expected);
    assert_eq!(story.ended, [0]);
}

#[test]
fn rotated_files_are_read_oldest_first() {
    let site = Site::new();
    // Written in the wrong order, as after a copy: the names decide.
    site.write("access.log", "e\n");
    site.write("access.log.1", "d\n");
    site.write("access.log.3.zst", zst("b\n"));
    site.write("access.log.2.gz", gz("c\n"));
    site.write("access.log.10.gz", gz("a\n"));
    site.write("other.log", "not asked for\n");
    let story = site.read(&["access.log"], &[]);
    assert_eq!(story.texts(), ["a", "b", "c", "d", "e"]);
    assert_eq!(story.ended, [0, 1, 2, 3, 4]);
}

#[test]
fn dated_files_are_read_oldest_first() {
    let site = Site::new();
    site.write("access.log", "d\n");
    site.write("access.log-20261122", "c\n");
    site.write("access.log-20261121.gz", gz("b\n"));
    site.write("access.log-20261031.gz", gz("a\n"));
    assert_eq!(site.read(&["access.log"], &[]).texts(), ["a", "b", "c", "d"]);
}

#[test]
fn globs_and_folders_are_sources() {
    let site = Site::new();
    site.write("one.log", "one\n");
    site.write("two.log", "two\n");
    site.write("error.log", "[error] not an access log\n");
    site.write(".hidden", "hidden\n");
    for source in ["[ot]*.log", ""] {
        let mut texts = site.read(&[source], &[]).texts().join(" ");
        if texts == "two one" {
            texts = "one two".to_owned();
        }
        assert_eq!(texts, "one two", "{source}");
    }
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let site = Site::new();
    for (name, part) in [("nothing.log", "no such file"), ("*.log", "no file matches")] {
        let options = site.options(&[name], Mode::ToEnd);
        let error = site.try_open(options, &[], b"").err().unwrap().to_string();
        assert!(error.contains(name) && error.contains(part), "{error}");
    }
}

#[test]
fn compressed_members_are_one_text() {
    let site = Site::new();
    let text = lines("a", 0, 30_000);
    let (start, end) = text.split_at(text.len() / 2);
    site.write("a.log.gz", [gz(start), gz(end)].concat());
    let other = text.replace("a line", "b line");
    let (start, end) = other.split_at(other.len() / 3);
    site.write("b.log.zst", [zst(start), zst(end)].concat());
    let story = site.read(&["a.log.gz", "b.log.zst"], &[]);
    assert_eq!(story.records.len(), 60_000);
    assert_eq!(story.texts()[..30_000].join("\n") + "\n", text);
    assert_eq!(story.texts()[30_000..].join("\n") + "\n", other);
}

#[test]
fn compression_is_told_by_content() {
    let site = Site::new();
    site.write("access.log", gz("a\n"));
    site.write("plain.gz", "b\n");
    site.write("bad.log.xz", b"\xfd7zXZ\0\0\0\0");
    let story = site.read(&["access.log", "plain.gz", "bad.log.xz"], &[]);
    assert_eq!(story.texts(), ["a", "b"]);
    assert!(story.notices[0].to_string().contains("xz"), "{:?}", story.notices);
}

/// Reads a damaged file beside a good one.
fn read_damaged(bytes: &[u8]) -> (Site, Story, u64) {
    let site = Site::new();
    site.write("bad.log.gz", bytes);
    site.write("good.log", "good\n");
    let story = site.read(&["bad.log.gz", "good.log"], &[]);
    assert!(story.texts().contains(&"good"));
    let [Notice::Unreadable { path, offset, message }] = &story.notices[..] else {
        panic!("{:?}", story.notices)
    };
    assert_eq!(*path, site.path("bad.log.gz"));
    assert!(message.contains("bad.log.gz") && message.contains(&offset.to_string()), "{message}");
    assert_eq!(story.next.get(&0), Some(offset));
    assert!(!story.ended.contains(&0), "it can be repaired");
    let offset = *offset;
    (site, story, offset)
}

#[test]
fn damage_is_named_and_the_others_go_on() {
    let mut bytes = gz(&lines("damaged", 0, 100_000));
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xff);
    assert!(read_damaged(&bytes).2 > 0);
    // A changed checksum is only found at the end.
    let mut bytes = gz(&lines("damaged", 0, 1000));
    let last = bytes.len() - 8;
    bytes[last] ^= 1;
    let (_, story, offset) = read_damaged(&bytes);
    assert_eq!(offset as usize, lines("damaged", 0, 1000).len());
    assert!(story.notices[0].to_string().contains("may be wrong"), "{:?}", story.notices);
}

#[test]
fn what_was_cut_off_is_read_once_it_is_there() {
    let text = lines("damaged", 0, 100_000);
    let whole = gz(&text);
    let (site, story, offset) = read_damaged(&whole[..whole.len() / 2]);
    assert!(offset > 0 && (offset as usize) < text.len());
    site.write("bad.log.gz", &whole);
    let on = site.read(&["bad.log.gz"], &[(0, at(offset))]);
    let mut all = [story.texts(), on.texts()].concat();
    all.retain(|text| *text != "good");
    assert_eq!(all.join("\n") + "\n", text);
}

#[test]
fn resumes_at_every_record() {
    let site = Site::new();
    let text = lines("resume", 0, 40) + "the end";
    site.write("access.log", &text);
    let all = site.read(&["access.log"], &[]).records;
    for compressed in [None, Some(gz(&text)), Some(zst(&text))] {
        if let Some(bytes) = compressed {
            site.write("access.log", bytes);
        }
        for (index, (_, offset, ..)) in all.iter().enumerate() {
            let story = site.read(&["access.log"], &[(0, at(*offset))]);
            assert_eq!(story.records, all[index..]);
        }
        let story = site.read(&["access.log"], &[(0, at(text.len() as u64))]);
        assert!(story.records.is_empty());
        assert_eq!(story.ended, [0], "its windows can be closed");
        let ended = Position { offset: text.len() as u64, ended: true };
        assert!(site.read(&["access.log"], &[(0, ended)]).started.is_empty());
    }
}

#[test]
fn a_long_line_is_read_in_pieces() {
    let site = Site::new();
    let long = "y".repeat(2500);
    site.write("access.log", format!("a\n{long}\n{}\nb\n", "z".repeat(1000)));
    for chunk in [1, 64, 999, 1 << 20] {
        let mut options = site.options(&["access.log"], Mode::ToEnd);
        (options.chunk, options.record_limit) = (chunk, 1000);
        let mut story = Story::default();
        story.read_to_end(&mut site.open(options, &[]));
        let shape: Vec<_> = story
            .records
            .iter()
            .map(|(_, offset, text, open)| (*offset, text.len(), *open))
            .collect();
        let expected = [
            (0, 1, false),
            (2, 1000, true),
            (1002, 1000, true),
            (2002, 500, false),
            (2503, 1000, false),
            (3504, 1, false),
        ];
        assert_eq!(shape, expected, "chunks of {chunk}");
        assert_eq!(story.notices.len(), 1, "said once");
    }
}

#[test]
fn a_line_longer_than_a_chunk_is_one_record() {
    let site = Site::new();
    let long = "y".repeat(5 << 20);
    site.write("access.log", format!("a\n{long}\nb\n"));
    let story = site.read(&["access.log"], &[]);
    assert_eq!(story.texts(), ["a", &long, "b"]);
}

#[test]
fn standard_input_is_known_again() {
    let site = Site::new();
    let text = lines("pipe", 0, 2000);
    let (start, _) = text.split_at(text.len() / 2);
    let read = |known: &[(u32, Position)], input: &str| {
        let options = site.options(&["-"], Mode::Follow);
        let mut story = Story::default();
        story.read_to_end(&mut site.try_open(options, known, input.as_bytes()).unwrap());
        story
    };
    let first = read(&[], start);
    let on = read(&[(0, at(first.next[&0]))], &text);
    assert_eq!([first.next[&0], on.started[0].1], [start.len() as u64; 2]);
    assert_eq!(on.next[&0], text.len() as u64);
    // Another pipe is another partition; what the first one still held is lost.
    let other = read(&[(0, at(100))], "something else\n");
    assert_eq!(other.texts(), ["something else"]);
    assert_eq!((other.losses(), other.ended), (1, vec![0, 1]));
    // One that had ended has lost nothing.
    let ended = Position { offset: 100, ended: true };
    assert_eq!(read(&[(0, ended)], "something else\n").losses(), 0);
}

#[test]
fn the_same_text_is_read_once() {
    let site = Site::new();
    let text = lines("same", 0, 500);
    site.write("access.log", &text);
    site.write("access.log.1.gz", gz(&text));
    site.write("copy.log", &text[..text.len() / 2]);
    let story = site.read(&["access.log", "copy.log"], &[]);
    assert_eq!(story.texts().join("\n") + "\n", text);
    assert!(story.notices.iter().all(|notice| notice.to_string().contains("read once")));
    assert_eq!(story.notices.len(), 2);
}

#[test]
fn the_command_line_can_look_ahead() {
    let site = Site::new();
    site.write("access.log", "b1\nb2\nb3\n");
    site.write("access.log.1.gz", gz("a1\na2"));
    let planned = plan(&site.options(&["access.log"], Mode::ToEnd)).unwrap();
    let names: Vec<_> = planned.iter().map(|file| file.path.clone()).collect();
    assert_eq!(names, [site.path("access.log.1.gz"), site.path("access.log")]);
    let lines: Vec<_> = first_lines(&planned, 2).into_iter().map(|first| first.lines).collect();
    assert_eq!(lines, [[b"a1".to_vec(), b"a2".to_vec()], [b"b1".to_vec(), b"b2".to_vec()]]);
    let mut source = site.open(site.options(&["access.log"], Mode::ToEnd), &[]);
    Story::default().read_to_end(&mut source);
    let read = source.counter().load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(read, planned.iter().map(|file| file.disk_bytes).sum::<u64>());
    let mut peeked = peek(Box::new(&b"one\ntwo\nthree"[..]), 2).unwrap();
    assert_eq!(peeked.lines, [b"one".to_vec(), b"two".to_vec()]);
    let mut all = String::new();
    peeked.stream.read_to_string(&mut all).unwrap();
    assert_eq!(all, "one\ntwo\nthree");
}

#[test]
fn topics_are_fit_for_file_names() {
    for (source, name) in [
        ("/var/log/nginx/access.log", "access"),
        ("access.log.2.gz", "access"),
        ("/var/log/nginx/*.log", "nginx"),
        ("/var/log/nginx/", "nginx"),
        ("my-site access.log", "my_site_access"),
        ("-", "stdin"),
        ("*", "log"),
    ] {
        assert_eq!(topic(source), name, "{source}");
    }
}
