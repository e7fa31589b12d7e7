//! What happens to topics: transactions, retention that was quicker, topics that were made
//! again or are compacted. Gaps that are lawful are no loss, and no loss is silent.

mod common;

use std::fs;
use std::process::Output;
use std::time::Duration;

use common::kafka::{Topic, assert_estimated, assert_exact, json_of, log};
use common::operator::{self, Transactions};
use common::{Traffic, json, ok, run, until};

/// The lines of a log, in `parts` pieces of the same length.
fn pieces(text: &str, parts: usize) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.chunks(lines.len().div_ceil(parts)).map(<[_]>::to_vec).collect()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "it should have failed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Aborted records are in the log of the broker and nowhere else; markers take offsets, too.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn aborted_transactions_count_nowhere_and_their_gaps_are_no_loss() {
    let traffic = Traffic::new("demo", 6_000, 41);
    let (topic, data) = (Topic::new("transactions"), traffic.data("data"));
    operator::make(&topic, 1, &[]);
    let text = fs::read_to_string(&traffic.log).unwrap();
    let producer = Transactions::new(&topic);
    for piece in pieces(&text, 4) {
        producer.send(&piece[..piece.len() / 3], false);
        producer.send(&piece, true);
        // One that is neither malformed nor ours.
        producer.send(&[piece[0]], false);
        ok(&["archive", "--to-end", "--data", &data, "--source", &topic.url]);
    }
    ok(&["speed", "--to-end", "--data", &data, "--source", &topic.url]);
    assert_estimated(&traffic, &topic, &data);
    topic.finish(&data);
    assert_exact(&traffic, &topic, &data);
    let audit = json(&["audit", "--json", "--data", &data, "--source", &topic.url]);
    assert_eq!(audit["unproved"], 0, "{audit}");
    println!(
        "fault: 8 of 12 transactions aborted | 8 | their records count nowhere, the gaps in offsets are no loss"
    );
}

/// Retention has removed a thousand records that the archive lacks: the archiver stops and says so,
/// goes on if it is told to, and the audit goes on telling.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn what_retention_removed_before_it_was_archived_is_told() {
    let traffic = Traffic::new("demo", 4_000, 42);
    let (topic, data) = (Topic::new("expired"), traffic.data("data"));
    let archive = ["archive", "--to-end", "--data", &data, "--source", &topic.url];
    let text = fs::read_to_string(&traffic.log).unwrap();
    let halves = pieces(&text, 2);
    ship(&traffic, &topic, "first.log", &halves[0]);
    ok(&archive);
    ship(&traffic, &topic, "second.log", &halves[1]);
    operator::expire(&topic, 3_000);
    let said = complaint(&run(&archive));
    assert!(said.contains("2000 to 2999") && said.contains("--accept-loss"), "{said}");
    ok(&[&archive[..], &["--accept-loss"]].concat());
    ok(&["batch", "--data", &data]);
    let audited = run(&["audit", "--json", "--data", &data, "--source", &topic.url]);
    assert_eq!(audited.status.code(), Some(1), "the audit goes on telling of the gap");
    let audit: serde_json::Value = serde_json::from_slice(&audited.stdout).unwrap();
    assert_eq!((&audit["ok"], &audit["archived"]), (&false.into(), &3_000.into()), "{audit}");
    assert_eq!(audit["partitions"][0]["gaps"], 1_000, "{audit}");
    let counted = ["malformed", "blank"].map(|name| audit[name].as_u64().unwrap());
    assert_eq!(requests(&data) + counted[0] + counted[1], 3_000, "{audit}");
    println!(
        "fault: retention removed 1,000 records before they were archived | 1 | the archiver stops and names them; after `--accept-loss` the audit still tells of the gap"
    );
}

/// The speed layer says what is gone, counts it, leaves its open minutes as they are and goes on.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn what_retention_removed_before_it_was_counted_is_told() {
    let traffic = Traffic::new("demo", 10, 43);
    let (topic, data) = (Topic::new("skipped"), traffic.data("data"));
    // A request a second, all of them well formed.
    let lines: Vec<String> = (0..4_000).map(line).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    ship(&traffic, &topic, "first.log", &lines[..2_000]);
    let speed = ["speed", "--to-end", "--data", &data, "--source", &topic.url];
    ok(&speed);
    assert_eq!(requests(&data), 2_000);
    ship(&traffic, &topic, "second.log", &lines[2_000..]);
    operator::expire(&topic, 3_000);
    let output = run(&speed);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("2000 to 2999") && said.contains("lost"), "{said}");
    assert_eq!(requests(&data), 3_000, "it goes on behind the gap");
    println!(
        "fault: retention removed 1,000 records before the speed layer read them | 1 | it names them, counts them as lost and goes on"
    );
}

fn line(second: u32) -> String {
    let (minute, second) = (second / 60, second % 60);
    let (hour, minute) = (minute / 60, minute % 60);
    format!(
        "10.0.0.{second} - - [10/Mar/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n"
    )
}

fn requests(data: &str) -> u64 {
    json(&["report", "--json", "--data", data])["requests"].as_u64().unwrap()
}

fn ship(traffic: &Traffic, topic: &Topic, name: &str, lines: &[&str]) {
    let file = traffic.data(name);
    fs::write(&file, lines.concat()).unwrap();
    ok(&["ship", &file, "--to", &topic.url, "--create", "1", "--name", name]);
}

/// A topic that was deleted and made again has other records under the same offsets.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_topic_made_again_is_an_error_of_every_part() {
    let traffic = Traffic::new("demo", 2_000, 44);
    let (topic, data) = (Topic::new("again"), traffic.data("data"));
    topic.ship(log(&traffic), 1);
    topic.finish(&data);
    let before = json(&["report", "--json", "--data", &data]);
    operator::remove(&topic);
    operator::make(&topic, 1, &[]);
    ok(&["ship", log(&traffic), "--to", &topic.url]);
    for part in ["speed", "archive"] {
        let said = complaint(&run(&[part, "--to-end", "--data", &data, "--source", &topic.url]));
        assert!(said.contains("again") || said.contains("another"), "{part}: {said}");
    }
    let audit = json_of(&["audit", "--json", "--data", &data, "--source", &topic.url]);
    assert_eq!(audit["ok"], false, "{audit}");
    assert_eq!(json(&["report", "--json", "--data", &data]), before, "and nothing was changed");
}

/// The same under the hands of a process that is reading it.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_topic_made_again_ends_who_reads_it() {
    let traffic = Traffic::new("demo", 2_000, 45);
    let (topic, data) = (Topic::new("swapped"), traffic.data("data"));
    topic.ship(log(&traffic), 1);
    let follow = ["speed", "--data", &data, "--source", &topic.url];
    let child = common::twofold(&follow).stderr(std::process::Stdio::piped()).spawn().unwrap();
    until("the first rows", Duration::from_secs(30), || {
        json_of(&["report", "--json", "--data", &data])["requests"].as_u64() > Some(0)
    });
    operator::remove(&topic);
    operator::make(&topic, 1, &[]);
    let said = complaint(&child.wait_with_output().unwrap());
    assert!(said.contains(&topic.name) && said.contains("again"), "{said}");
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_compacted_topic_is_refused() {
    let traffic = Traffic::new("demo", 10, 46);
    let (topic, data) = (Topic::new("compacted"), traffic.data("data"));
    operator::make(&topic, 1, &[("cleanup.policy", "compact,delete")]);
    for part in ["speed", "archive"] {
        let said = complaint(&run(&[part, "--to-end", "--data", &data, "--source", &topic.url]));
        assert!(said.contains("compacted") && said.contains("cleanup.policy=delete"), "{said}");
    }
}
