//! The lines behind a number, also those that are not archived yet.

mod common;

use std::time::{Duration, Instant};

use common::running::Running;
use common::{Traffic, ok, text, twofold};
use serde_json::Value;

fn lines(arguments: &[&str]) -> String {
    String::from_utf8(ok(&[&["lines", "--limit", "100000"], arguments].concat())).unwrap()
}

#[test]
fn what_is_not_archived_yet_is_searched_too() {
    let traffic = Traffic::new("demo", 3_000, 17);
    let whole = std::fs::read_to_string(&traffic.log).unwrap();
    let at = whole.match_indices('\n').nth(1_999).unwrap().0 + 1;
    std::fs::write(&traffic.log, &whole[..at]).unwrap();
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    // An unfinished line is none yet.
    std::fs::write(&traffic.log, whole.clone() + "1.2.3.4 - - [").unwrap();
    let log = text(&traffic.log);
    assert_eq!(lines(&["--data", &data]).lines().count(), 2_000, "no source is named");
    let all = lines(&["--data", &data, "--source", log]);
    assert_eq!(all.lines().count(), 3_000);
    let wanted = |line: &&str| line.contains("\" 404 ");
    let expected = whole.lines().filter(wanted).count();
    assert_eq!(
        lines(&["--data", &data, "--source", log, "--status", "404"]).lines().count(),
        expected
    );
    // In the file's own order, the archive first, and no more than asked for.
    let some = ok(&["lines", "--data", &data, "--source", log, "--limit", "2500", "--json"]);
    let offsets: Vec<u64> = String::from_utf8(some)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["offset"].as_u64().unwrap())
        .collect();
    assert_eq!(offsets.len(), 2_500);
    assert!(offsets.is_sorted());
}

#[test]
fn a_running_server_shows_lines_before_they_are_archived() {
    let traffic = Traffic::new("demo", 200, 18);
    let data = traffic.data("data");
    let arguments =
        ["run", "--data", &data, "--listen", "127.0.0.1:0", "--source", text(&traffic.log)];
    let (_running, address) = Running::serving(&mut twofold(&arguments));
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let mut answer = ureq::get(format!("{address}/api/v1/lines?limit=1000")).call().unwrap();
        let found: Value =
            serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        assert_eq!((&found["generation"], &found["boundary"]), (&0.into(), &Value::Null));
        if found["lines"].as_array().unwrap().len() == 200 {
            assert_eq!(found["complete"], true);
            return;
        }
        assert!(Instant::now() < until, "{found}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
