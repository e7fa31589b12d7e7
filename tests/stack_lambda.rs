//! The lambda as teams run it, on real servers: Kafka in, Elasticsearch and S3 out.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use common::kafka::{Topic, log};
use common::lambda::Lambda;
use common::{Traffic, text};
use serde_json::Value;
use twofold_test_kit::servers::variable;

fn lambda(name: &str, lines: u64, seed: u64) -> Lambda {
    let engine = variable("TWOFOLD_TEST_ELASTICSEARCH");
    Lambda::new(Traffic::new("demo", lines, seed), Topic::new(name), &engine, &engine)
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn what_is_shipped_is_estimated_and_then_exact() {
    let lambda = lambda("lambda", 30_000, 51);
    lambda.ok(&["ship", log(&lambda.traffic), "--create", "3"]);
    lambda.assert_estimated();
    lambda.assert_exact();
    // Setup, a second run of everything, and nothing changes.
    lambda.ok(&["setup"]);
    lambda.ok(&["speed", "--to-end"]);
    lambda.assert_exact();
}

/// Readers that ask all the time while generation after generation is published: each answer is
/// one generation's, whole.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn readers_see_one_generation_at_a_time() {
    const PARTS: usize = 4;
    let lambda = lambda("readers", 12_000, 52);
    let whole = std::fs::read_to_string(&lambda.traffic.log).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let growing = lambda.traffic.folder.path().join("growing.log");
    let done = AtomicBool::new(false);
    let report = || lambda.json(&["report", "--json"]);
    let read = || {
        let mut seen = BTreeSet::new();
        while !done.load(Ordering::Relaxed) {
            seen.insert(generation_and_requests(&report()));
        }
        seen
    };
    let (published, seen) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(read)).collect();
        let mut published = BTreeMap::new();
        for part in 1..=PARTS {
            std::fs::write(&growing, lines[..lines.len() * part / PARTS].concat()).unwrap();
            lambda.ok(&["ship", text(&growing), "--create", "2"]);
            lambda.ok(&["archive", "--to-end"]);
            lambda.ok(&["batch"]);
            let (generation, requests) = generation_and_requests(&report());
            published.insert(generation, requests);
        }
        done.store(true, Ordering::Relaxed);
        let seen: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        (published, seen)
    });
    assert_eq!(published.len(), PARTS, "each part was a generation: {published:?}");
    let seen: BTreeSet<(u64, u64)> = seen.into_iter().flatten().collect();
    assert!(seen.len() > PARTS / 2, "readers have read in between: {seen:?}");
    for (generation, requests) in &seen {
        let whole = published.get(generation).copied().unwrap_or(0);
        assert_eq!(*requests, whole, "a mixture in generation {generation}: {published:?}");
    }
    lambda.ok(&["speed", "--to-end"]);
    lambda.assert_exact();
    println!(
        "fault: readers that ask all the time while generations are published to Elasticsearch | {} generations, {} readings that differ | each answer is one generation's, whole",
        published.len(),
        seen.len()
    );
}

/// Before the first generation there is nothing to read: generation 0.
fn generation_and_requests(report: &Value) -> (u64, u64) {
    (report["generation"].as_u64().unwrap_or(0), report["requests"].as_u64().unwrap())
}
