//! A disk that takes no more: every command ends soon, says what to do, and loses nothing.
//!
//! A limit on the size of files stands for the full disk, since it needs no rights: the
//! system refuses to write on (`EFBIG` instead of `ENOSPC`).

mod common;

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{Traffic, assert_fields, json, ok, text};

/// Far longer than a run takes, far shorter than a user's patience.
const LONGEST: Duration = Duration::from_secs(120);

/// Runs twofold where no file may grow over so many KiB.
fn limited(kib: u64, arguments: &[&str]) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kib * 2);
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_twofold")]).args(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > LONGEST {
            child.kill().unwrap();
            panic!("{arguments:?} goes on and on where a file may have {kib} KiB");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

/// It failed, and said where and what to do.
fn assert_told(output: &Output, place: &str) {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    for part in [place, "make room", "goes on where it stopped"] {
        assert!(complaint.contains(part), "it should say {part:?}: {complaint}");
    }
}

#[test]
fn a_run_ends_and_goes_on_once_there_is_room() {
    let traffic = Traffic::new("demo", 40_000, 5);
    let data = traffic.data("data");
    let run = ["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)];
    for kib in [40, 400, 1500] {
        assert_told(&limited(kib, &run), "");
    }
    ok(&run);
    let report = json(&["report", "--json", "--data", &data]);
    let fields = ["requests", "malformed", "blank", "bytes", "distinct_clients", "top_pages"];
    assert_fields(&report, &traffic.answers, &fields);
    assert_eq!(report["exact"], true);
    let audit = json(&["audit", "--json", "--data", &data]);
    assert_eq!((&audit["ok"], &audit["archived"]), (&true.into(), &traffic.answers["lines"]));
    assert!(ok(&["export", "--data", &data]) == std::fs::read(&traffic.log).unwrap(), "export");
}

#[test]
fn each_part_says_where_there_is_no_room() {
    let traffic = Traffic::new("demo", 20_000, 6);
    let data = traffic.data("data");
    let input = ["--to-end", "--data", &data, "--source", text(&traffic.log)];
    let with = |name| [[name].as_slice(), &input].concat();
    assert_told(&limited(40, &with("archive")), "logs/date=");
    ok(&with("archive"));
    assert_told(&limited(400, &with("speed")), "twofold.db");
    ok(&with("speed"));
    assert_told(&limited(40, &["batch", "--data", &data]), "the batch run failed");
    ok(&["batch", "--data", &data]);
    assert_eq!(json(&["audit", "--json", "--data", &data])["ok"], true);
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let traffic = Traffic::new("demo", 2_000, 7);
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let full = |arguments: &[&str]| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        common::twofold(arguments).stdout(full).output().unwrap()
    };
    for arguments in [
        ["export", "--data", &data].as_slice(),
        &["report", "--data", &data],
        &["report", "--json", "--data", &data],
        &["lines", "--data", &data],
        &["audit", "--data", &data],
        &["generate", "--lines", "50000", "--out", "-"],
        &["generate", "--lines", "50000", "--out", "/dev/full"],
    ] {
        let output = full(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {complaint}");
        assert!(complaint.contains("No space left"), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let traffic = Traffic::new("demo", 50_000, 8);
    let data = traffic.data("data");
    ok(&["archive", "--to-end", "--data", &data, "--source", text(&traffic.log)]);
    for arguments in [
        ["export", "--data", &data].as_slice(),
        &["lines", "--data", &data, "--limit", "50000"],
        &["generate", "--lines", "50000", "--out", "-"],
    ] {
        let mut child = common::twofold(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaint.is_empty(), "{arguments:?}: {complaint}");
    }
}
