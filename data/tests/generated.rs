//! The generator: the same bytes for a seed, and answers that a recount confirms.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};
use twofold_data::generate::{Answers, LiveTraffic, Profile, Traffic};

const START: i64 = 1_773_100_800;

fn generate(profile: &str, lines: u64, seed: u64) -> (String, Value, Answers) {
    let mut log = Vec::new();
    let traffic = Traffic::new(Profile::named(profile).unwrap(), START, seed);
    let answers = traffic.write(1, lines, &mut log, |_| ()).unwrap();
    (String::from_utf8(log).unwrap(), serde_json::to_value(&answers).unwrap(), answers)
}

/// Counts by plain splitting, without our parser.
fn recount(log: &str) -> Value {
    let (mut requests, mut bytes, mut blank, mut malformed) = (0u64, 0u64, 0u64, 0u64);
    let mut status: BTreeMap<String, u64> = BTreeMap::new();
    let mut minutes: BTreeMap<String, u64> = BTreeMap::new();
    let mut clients = HashSet::new();
    for line in log.lines() {
        let quoted: Vec<&str> = line.split('"').collect();
        let answer: Vec<&str> =
            quoted.get(2).map_or_else(Vec::new, |part| part.split_whitespace().collect());
        let good = quoted.len() == 7
            && quoted[0].contains(" +0000] ")
            && answer.len() == 2
            && answer[0].parse::<u16>().is_ok();
        if !good {
            if line.is_empty() {
                blank += 1
            } else {
                malformed += 1
            }
            continue;
        }
        requests += 1;
        bytes += answer[1].parse().unwrap_or(0);
        *status.entry(answer[0].to_owned()).or_default() += 1;
        let stamp = quoted[0].split(['[', ']']).nth(1).unwrap();
        *minutes.entry(stamp[12..17].to_owned()).or_default() += 1;
        clients.insert(line.split(' ').next().unwrap());
    }
    json!({ "requests": requests, "bytes": bytes, "blank": blank, "malformed": malformed,
        "status": status, "distinct_clients": clients.len(), "minutes_with_requests": minutes.len() })
}

#[test]
fn answers_are_what_a_recount_finds() {
    for (profile, lines) in [("bench", 50_000), ("demo", 50_000), ("cardinality", 5_000)] {
        let (log, answers, _) = generate(profile, lines, 9);
        assert_eq!(log.lines().count() as u64, lines);
        let recount = recount(&log);
        for (field, value) in recount.as_object().unwrap() {
            assert_eq!(&answers[field], value, "{profile}: {field}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(generate("demo", 5_000, 1).0, generate("demo", 5_000, 1).0);
    assert_ne!(generate("demo", 5_000, 1).0, generate("demo", 5_000, 2).0);
}

#[test]
fn the_bench_profile_has_its_shape() {
    let (log, _, answers) = generate("bench", 100_000, 42);
    let average = log.len() as f64 / 100_000.0;
    assert!((200.0..250.0).contains(&average), "{average} bytes a line");
    assert!((60..200).contains(&(answers.malformed + answers.blank)), "{}", answers.malformed);
    let spike = answers.per_minute["2026-03-10T14:35Z"] as f64;
    let usual = answers.per_minute["2026-03-10T14:20Z"] as f64;
    assert!((4.0..8.0).contains(&(spike / usual)), "{spike} to {usual}");
}

#[test]
fn every_line_of_the_cardinality_profile_is_another_client_and_page() {
    let (_, _, answers) = generate("cardinality", 3_000, 1);
    assert_eq!((answers.distinct_clients, answers.minutes_with_requests), (3_000, 1));
    assert_eq!(answers.top_pages[0].1, 1);
}

#[test]
fn live_traffic_goes_on() {
    let mut live = LiveTraffic::new(Profile::demo(), START, 1, 50.0);
    let mut out = Vec::new();
    for second in 0..100 {
        live.second(START + 43_200 + second, &mut out).unwrap();
    }
    let lines = out.split(|byte| *byte == b'\n').count();
    assert!((2_000..12_000).contains(&lines), "{lines}");
}
