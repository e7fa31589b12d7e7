//! The whole lambda by the real binary: a log in, numbers, archive and audit out.

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use common::kafka::json_of;
use common::running::Running;
use common::{EXACT, Traffic, assert_fields, json, ok, samples, text, twofold, until};

#[test]
fn a_generated_day_comes_out_as_the_generator_says() {
    let traffic = Traffic::new("demo", 40_000, 3);
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);

    let report = json(&["report", "--json", "--data", &data]);
    assert_fields(&report, &traffic.answers, &EXACT);
    assert_eq!(report["exact"], true);

    let audit = json(&["audit", "--json", "--data", &data]);
    assert_eq!(audit["ok"], true, "{audit}");
    assert_eq!((&audit["missing"], &audit["duplicated"]), (&0.into(), &0.into()));
    assert_eq!(audit["records"], traffic.answers["lines"]);
    assert_eq!(audit["archived"], traffic.answers["lines"]);
    assert_eq!(audit["malformed"], traffic.answers["malformed"]);

    assert!(ok(&["export", "--data", &data]) == std::fs::read(&traffic.log).unwrap(), "export");
}

#[test]
fn running_again_changes_nothing() {
    let traffic = Traffic::new("bench", 20_000, 5);
    let data = traffic.data("data");
    let run = ["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)];
    ok(&run);
    let first = json(&["report", "--json", "--data", &data]);
    ok(&run);
    assert_eq!(json(&["report", "--json", "--data", &data]), first);
    assert_eq!(json(&["audit", "--json", "--data", &data])["ok"], true);
}

#[test]
fn the_parts_on_their_own_add_up_to_the_whole() {
    let traffic = Traffic::new("bench", 20_000, 8);
    let data = traffic.data("data");
    let input = ["--to-end", "--data", &data, "--source", text(&traffic.log)];
    ok(&[&["speed"][..], &input].concat());
    let estimated = json(&["report", "--json", "--data", &data]);
    assert_eq!(estimated["exact"], false);
    ok(&[&["archive"][..], &input].concat());
    ok(&["batch", "--data", &data]);
    let report = json(&["report", "--json", "--data", &data]);
    assert_fields(&report, &traffic.answers, &EXACT);
    assert_eq!(report["exact"], true);
}

#[test]
fn the_first_periodic_run_is_soon_after_the_first_records() {
    let traffic = Traffic::new("bench", 2_000, 9);
    let data = traffic.data("data");
    std::fs::create_dir_all(format!("{data}/archive")).unwrap();
    let mut batch = twofold(&["batch", "--every", "1h", "--json", "--data", &data]);
    let mut running = Running::start(batch.stdout(Stdio::piped()));
    let told = BufReader::new(running.0.stdout.take().unwrap());
    let mut told = told.lines().map(|line| line.unwrap());
    assert!(told.any(|line| line.contains("\"generation\": 0")), "it has found nothing yet");
    let archive = ["archive", "--to-end", "--data", &data, "--source", text(&traffic.log)];
    ok(&archive);
    std::thread::spawn(move || told.count());
    until("the first generation", Duration::from_secs(60), || {
        json_of(&["report", "--json", "--data", &data])["exact"] == true
    });
}

/// The archiver has said nothing yet of a second partition: the boundary can't move, but will soon.
#[test]
fn a_periodic_run_looks_soon_for_what_holds_the_first_boundary() {
    let traffic = Traffic::new("bench", 2_000, 10);
    let data = traffic.data("data");
    ok(&["archive", "--to-end", "--data", &data, "--source", text(&traffic.log)]);
    let end = std::fs::read_dir(format!("{data}/archive/ends")).unwrap().next().unwrap();
    let end = end.unwrap().path();
    let known = std::fs::read_to_string(&end).unwrap();
    let half = known.replace("\"partitions\": 0", "\"partitions\": 2");
    assert_ne!(half, known);
    std::fs::write(&end, half).unwrap();
    let mut batch = twofold(&["batch", "--every", "1h", "--json", "--data", &data]);
    let mut running = Running::start(batch.stdout(Stdio::piped()));
    let told = BufReader::new(running.0.stdout.take().unwrap());
    let mut told = told.lines().map(|line| line.unwrap());
    assert!(told.any(|line| line.contains("\"generation\": 1")), "it has computed what is there");
    assert_eq!(json(&["report", "--json", "--data", &data])["exact"], false);
    std::fs::write(&end, known).unwrap();
    std::thread::spawn(move || told.count());
    until("the first boundary", Duration::from_secs(90), || {
        json_of(&["report", "--json", "--data", &data])["exact"] == true
    });
}

#[test]
fn report_of_real_logs_gives_the_independent_answers() {
    let Some(folder) = samples() else {
        println!("NOT RUN: ../shared/samples is not here");
        return;
    };
    for name in ["nasa-1995-07-01", "honeypot-2019"] {
        let log = folder.join(format!("{name}.log"));
        let answers = std::fs::read(folder.join(format!("{name}.answers.json"))).unwrap();
        let answers: serde_json::Value = serde_json::from_slice(&answers).unwrap();
        let report = json(&["report", text(&log), "--json"]);
        // Who counted these called pages paths, and no blank lines.
        let known = EXACT.into_iter().filter(|field| answers.get(field).is_some());
        let known: Vec<&str> = known.collect();
        assert_eq!(known.len(), EXACT.len() - 2, "{known:?}");
        assert_fields(&report, &answers, &known);
        assert_eq!(report["top_pages"], answers["top_paths"], "{name}");
        assert_eq!(report["exact"], true);
    }
}

#[test]
fn lines_shows_what_is_behind_a_number() {
    let traffic = Traffic::new("demo", 10_000, 4);
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let (client, count) = {
        let top = &traffic.answers["top_clients"][0];
        (top[0].as_str().unwrap().to_owned(), top[1].as_u64().unwrap())
    };
    let lines = ok(&["lines", "--data", &data, "--client", &client, "--limit", "100000"]);
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines.lines().count() as u64, count);
    assert!(lines.lines().all(|line| line.contains(&client)));
}
