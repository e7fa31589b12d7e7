//! What no format read is listed, looked at, and read again by a format that does.

mod common;

use common::{EXACT, Traffic, assert_fields, json, ok, text};
use serde_json::Value;
use twofold_data::format::{Format, Parser};
use twofold_data::request::Line;

/// The format of the lines that came from another server.
const OTHER: &str = r#"[$time_local] $remote_addr "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

/// A line of the combined format in that of the other server.
fn rewritten(line: &str) -> Option<String> {
    let (client, rest) = line.split_once(" - - [")?;
    let (time, rest) = rest.split_once("] ")?;
    Some(format!("[{time}] {client} {rest}"))
}

/// A day of traffic of which every tenth line is the other server's and stands in the middle of the
/// log; how many they are, and the last of them.
fn mixed() -> (Traffic, u64, String) {
    let traffic = Traffic::new("demo", 20_000, 29);
    let log = std::fs::read(&traffic.log).unwrap();
    let mut parser = Parser::new(&Format::named("combined").unwrap());
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for (at, line) in log.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let other = std::str::from_utf8(line).ok().and_then(rewritten).filter(|_| at % 10 == 9);
        let request = matches!(parser.parse(line.trim_ascii_end()), Line::Request(_));
        match other.filter(|_| request) {
            Some(other) => others.push(other),
            None => ours.push(line),
        }
    }
    let (first, second) = ours.split_at(ours.len() / 2);
    let all = [&first.concat()[..], others.concat().as_bytes(), &second.concat()].concat();
    std::fs::write(&traffic.log, all).unwrap();
    (traffic, others.len() as u64, others.pop().unwrap())
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn a_corrected_format_reads_the_malformed_records_again() {
    let (traffic, moved, _) = mixed();
    let data = traffic.data("data");
    let at = ["--data", data.as_str()];
    let say = |arguments: &[&str]| json(&[arguments, &at].concat());
    let letters = |arguments: &[&str]| json(&[&["dead-letters"], &at[..], arguments].concat());
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let junk = count(&traffic.answers["malformed"]);
    assert!(moved > 1_000);
    let before = say(&["report", "--json"]);
    assert_eq!(count(&before["malformed"]), junk + moved);

    let listed = letters(&["list", "--malformed", "--json", "--limit", "3"]);
    let last = listed[2]["id"].as_str().unwrap();
    let next = letters(&["list", "--malformed", "--json", "--limit", "1", "--after", last]);
    assert!(next[0]["id"].as_str() > Some(last), "{listed} {next}");
    let shown = letters(&["show", last]);
    assert_eq!(shown["bytes"], listed[2]["bytes"], "{shown}");
    assert!(shown["tried"].as_array().unwrap().iter().any(|tried| tried[0] == "combined"));

    let replay = ["replay", "--malformed", "--json", "--format", OTHER];
    let dry = letters(&[&replay[..], &["--dry-run"]].concat());
    assert_eq!((count(&dry["malformed"]), count(&dry["readable"])), (junk + moved, moved), "{dry}");
    assert_eq!(count(&dry["formats"][OTHER]), moved);
    assert_eq!(say(&["report", "--json"]), before, "a dry run changes nothing");

    let done = letters(&replay);
    assert_eq!(count(&done["readable"]), moved);
    let report = say(&["report", "--json"]);
    assert_fields(&report, &traffic.answers, &EXACT);
    assert_eq!(report["exact"], true);
    let audit = say(&["audit", "--json"]);
    assert_eq!((&audit["ok"], count(&audit["malformed"])), (&true.into(), junk), "{audit}");
    assert!(ok(&["export", "--data", &data]) == std::fs::read(&traffic.log).unwrap(), "export");
    assert_eq!(say(&["batch", "--json"])["hours"], 0, "everything is computed");
    assert_eq!(count(&letters(&replay)["readable"]), 0, "once is enough");
}

#[test]
fn corrected_lines_are_found_where_they_belong_and_go_with_their_files() {
    let (traffic, moved, last) = mixed();
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let replay = ["dead-letters", "--data", &data, "replay", "--malformed", "--format", OTHER];
    let said = String::from_utf8(ok(&replay)).unwrap();
    assert!(said.contains(&format!("{moved} are read now")), "{said}");

    let client = last.split(' ').nth(2).unwrap();
    let lines = ["lines", "--json", "--data", &data, "--client", client, "--limit", "100000"];
    let found = String::from_utf8(ok(&lines)).unwrap();
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let offsets: Vec<u64> = found.iter().map(|line| count(&line["offset"])).collect();
    assert!(found.iter().any(|found| found["line"] == last.trim_end()), "{client}");
    assert!(offsets.is_sorted(), "{offsets:?}");

    let corrected = format!("{data}/archive/corrected");
    assert!(rows_below(&corrected) > 0);
    ok(&["prune", "--data", &data, "--set", "retention.archive=6h"]);
    assert_eq!(rows_below(&corrected), 0, "lines that are retired are kept nowhere");
    let audit = json(&["audit", "--json", "--data", &data]);
    assert_eq!(audit["ok"], true, "{audit}");
    assert_fields(&json(&["report", "--json", "--data", &data]), &traffic.answers, &["requests"]);
}

/// How many Parquet files there are.
fn rows_below(folder: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: std::path::PathBuf| match path.is_dir() {
        true => rows_below(text(&path)),
        false => usize::from(path.extension().is_some_and(|extension| extension == "parquet")),
    };
    paths.map(below).sum()
}
