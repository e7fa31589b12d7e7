//! Watching a log: numbers within seconds, through rotation, and a last exact run.

mod common;

use std::time::{Duration, Instant};

use common::running::Running;
use common::{Traffic, assert_fields, json, ok, text, twofold};
use serde_json::Value;

/// Starts `run`, with more arguments; where it listens.
fn watch(data: &str, log: &str, more: &[&str]) -> (Running, String) {
    let run = ["run", "--data", data, "--listen", "127.0.0.1:0", "--source", log];
    Running::serving(&mut twofold(&[&run, more].concat()))
}

/// Waits until the server counts so many records, at most 20 seconds.
#[track_caller]
fn wait_for(address: &str, records: u64) {
    let until = Instant::now() + Duration::from_secs(20);
    let mut status = Value::Null;
    while Instant::now() < until {
        let mut answer = ureq::get(format!("{address}/api/v1/status")).call().unwrap();
        status = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        if status["records"] == records {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{records} records are not there after 20 s: {status}");
}

#[test]
fn a_log_is_watched_through_rotation() {
    let traffic = Traffic::new("demo", 3_000, 21);
    let whole = std::fs::read_to_string(&traffic.log).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let part = |range: std::ops::Range<usize>| lines[range].concat();
    let log = traffic.folder.path().join("watched.log");
    let data = traffic.data("data");
    std::fs::write(&log, part(0..1000)).unwrap();

    let (watching, address) = watch(&data, text(&log), &[]);
    wait_for(&address, 1000);
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    std::io::Write::write_all(&mut file, part(1000..2000).as_bytes()).unwrap();
    wait_for(&address, 2000);
    std::fs::rename(&log, log.with_extension("log.1")).unwrap();
    std::fs::write(&log, part(2000..3000)).unwrap();
    wait_for(&address, 3000);
    drop(watching);

    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&log)]);
    let report = json(&["report", "--json", "--data", &data]);
    assert_fields(
        &report,
        &traffic.answers,
        &["requests", "malformed", "blank", "bytes", "status"],
    );
    assert_eq!(report["exact"], true);
    assert_eq!(json(&["audit", "--json", "--data", &data])["ok"], true);
}

/// Archiver and batch runs go on while the audit reads, and it mistakes nothing for a loss.
#[test]
fn an_audit_beside_a_run_finds_nothing() {
    let traffic = Traffic::new("demo", 12_000, 23);
    let whole = std::fs::read_to_string(&traffic.log).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    std::fs::write(&traffic.log, "").unwrap();
    let (log, data) = (text(&traffic.log), traffic.data("data"));
    let often = ["archive.max_age=100ms", "batch.every=2s", "batch.settle=0s"];
    let often = often.map(|setting| ["--set", setting]).concat();
    let _running = watch(&data, log, &often);
    let mut file = std::fs::OpenOptions::new().append(true).open(log).unwrap();
    for part in lines.chunks(500) {
        std::io::Write::write_all(&mut file, part.concat().as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(150));
        let audit = twofold(&["audit", "--json", "--data", &data]).output().unwrap();
        let said = String::from_utf8_lossy(&audit.stdout);
        assert!(audit.status.success(), "{said}{}", String::from_utf8_lossy(&audit.stderr));
    }
}

/// Ctrl-C ends a run and a server at once, well, and without a word of complaint.
#[test]
fn ctrl_c_ends_what_serves() {
    let traffic = Traffic::new("demo", 1_000, 22);
    let (log, data) = (text(&traffic.log), traffic.data("data"));
    let listen = ["--data", &data, "--listen", "127.0.0.1:0"];
    for arguments in [&["run", "--source", log][..], &["serve"]] {
        let (mut ending, address, lines) =
            Running::heard(&mut twofold(&[arguments, &listen].concat()));
        let pid = ending.0.id().to_string();
        ureq::get(format!("{address}/api/v1/report")).call().unwrap();
        assert!(
            std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success()
        );
        let rest: Vec<String> = lines.map(Result::unwrap).collect();
        let well = rest.iter().all(|line| line.starts_with("format: "));
        assert!(well, "{arguments:?}: {rest:?}");
        assert!(ending.0.wait().unwrap().success(), "{arguments:?}");
    }
}
