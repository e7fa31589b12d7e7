//! Real logs, whose answers a separate program computed. They belong to their owners, so they
//! are read where they are, beside the project, and not copied.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use twofold_data::format::{Parser, detect};
use twofold_data::minute::Minute;
use twofold_data::request::{Line, Request};

#[test]
fn nasa_1995() {
    check("nasa-1995-07-01", "common");
}

#[test]
fn honeypot_2019() {
    check("honeypot-2019", "vhost-combined");
}

fn check(name: &str, format: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let Some((log, answers)) = read(&folder, name) else {
        println!("skipped: {} holds no {name}", folder.display());
        return;
    };
    let records: Vec<&[u8]> =
        log.strip_suffix(b"\n").unwrap_or(&log).split(|b| *b == b'\n').collect();
    let found = detect(&records[..100]).unwrap();
    assert_eq!((found.format.name().as_str(), found.matched), (format, 100));

    let mut tally = Tally { has_user_agents: format != "common", ..Tally::default() };
    let mut parser = Parser::new(&found.format);
    for record in &records {
        match parser.parse(record) {
            Line::Blank => tally.blank += 1,
            Line::Malformed(_) => tally.malformed += 1,
            Line::Request(request) => tally.add(&request),
        }
    }
    assert_eq!(tally.blank, 0);
    for (key, value) in tally.answers(records.len()).as_object().unwrap() {
        assert_eq!(value, &answers[key], "{name}: {key}");
    }
}

fn read(folder: &Path, name: &str) -> Option<(Vec<u8>, Value)> {
    let file = |ending: &str| -> PathBuf { folder.join(format!("{name}{ending}")) };
    let log = fs::read(file(".log")).ok()?;
    let answers = fs::read(file(".answers.json")).ok()?;
    Some((log, serde_json::from_slice(&answers).unwrap()))
}

/// The questions that the answers answer.
#[derive(Default)]
struct Tally {
    requests: usize,
    malformed: usize,
    blank: usize,
    bytes: u64,
    not_http: usize,
    has_user_agents: bool,
    user_agents: HashSet<String>,
    clients: HashMap<String, u64>,
    paths: HashMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    methods: BTreeMap<String, u64>,
    minutes: HashMap<String, u64>,
}

impl Tally {
    fn add(&mut self, request: &Request<'_>) {
        self.requests += 1;
        self.bytes += request.bytes.unwrap_or(0);
        *self.clients.entry(request.client.to_owned()).or_default() += 1;
        *self.statuses.entry(request.status.to_string()).or_default() += 1;
        *self.minutes.entry(Minute::of(request.time).to_string()).or_default() += 1;
        // The answers count what stands in the field, and so `-` as a text of its own; the
        // Common format has no such field.
        if self.has_user_agents {
            self.user_agents.insert(request.user_agent.unwrap_or("-").to_owned());
        }
        match (request.method(), request.path()) {
            (Some(method), Some(path)) => {
                *self.methods.entry(method.to_owned()).or_default() += 1;
                *self.paths.entry(path.to_owned()).or_default() += 1;
            }
            _ => self.not_http += 1,
        }
    }

    fn answers(&self, lines: usize) -> Value {
        json!({
            "lines": lines,
            "malformed": self.malformed,
            "requests": self.requests,
            "request_line_not_http": self.not_http,
            "bytes": self.bytes,
            "distinct_clients": self.clients.len(),
            "distinct_user_agents": self.user_agents.len(),
            "status": self.statuses,
            "methods": self.methods,
            "first_minute": self.minutes.keys().min(),
            "last_minute": self.minutes.keys().max(),
            "minutes_with_requests": self.minutes.len(),
            "busiest_minutes": top(&self.minutes),
            "top_clients": top(&self.clients),
            "top_paths": top(&self.paths),
        })
    }
}

/// The ten largest, ties in the order of their names.
fn top(counts: &HashMap<String, u64>) -> Vec<(&String, u64)> {
    let mut all: Vec<_> = counts.iter().map(|(key, count)| (key, *count)).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    all.truncate(10);
    all
}
