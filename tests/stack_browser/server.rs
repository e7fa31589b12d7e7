//! A running twofold over a data directory of its own.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::common::running::Running;
use crate::common::{Traffic, ok, run, text, twofold, until};

/// So long anything may take.
const MINUTE: Duration = Duration::from_secs(60);

/// Data, and a server over it, which ends with the test.
pub struct Site {
    folder: tempfile::TempDir,
    data: String,
    running: Option<Running>,
    address: String,
    /// What is still to be appended to the log, where it is followed.
    rest: Vec<String>,
}

impl Site {
    /// So many lines of a day, counted exactly and served.
    pub fn of_a_day(lines: u64, seed: u64) -> Self {
        let traffic = Traffic::new("demo", lines, seed);
        let data = traffic.data("data");
        let log = text(&traffic.log);
        ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", log]);
        Self::serving(traffic.folder, &data)
    }

    /// A server over data that is there.
    pub fn serving(folder: tempfile::TempDir, data: &str) -> Self {
        let (data, address) = (data.to_owned(), "127.0.0.1:0".to_owned());
        let mut site = Self { folder, data, running: None, address, rest: Vec::new() };
        site.start();
        site
    }

    /// So many lines counted live: a log that is followed, and no batch run yet.
    pub fn live(lines: u64, seed: u64) -> Self {
        let traffic = Traffic::new("demo", lines + 2_000, seed);
        let whole = std::fs::read_to_string(&traffic.log).unwrap();
        let mut all: Vec<String> = whole.split_inclusive('\n').map(str::to_owned).collect();
        let rest = all.split_off(lines as usize);
        std::fs::write(&traffic.log, all.concat()).unwrap();
        Self::following(traffic.folder, rest, lines)
    }

    /// Eight days and what there is of today, counted live; to be published with [`Site::publish_before`].
    pub fn until_now(lines: u64, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("access.log");
        let now = jiff::Timestamp::now();
        let start = now.checked_sub(jiff::SignedDuration::from_hours(8 * 24)).unwrap();
        let start = start.strftime("%Y-%m-%d").to_string();
        let (lines, seed) = (lines.to_string(), seed.to_string());
        let days =
            ["generate", "--days", "9", "--start", &start, "--lines", &lines, "--seed", &seed];
        ok(&[&days[..], &["--out", text(&log)]].concat());
        let mut whole = std::fs::read_to_string(&log).unwrap();
        let end = now.strftime("[%d/%b/%Y:%H:%M:").to_string();
        let line = whole.find(&end).and_then(|at| whole[..at].rfind('\n')).unwrap();
        whole.truncate(line + 1);
        std::fs::write(&log, &whole).unwrap();
        let lines = whole.lines().count() as u64;
        let site = Self::following(folder, Vec::new(), lines);
        let archived = || {
            let audit = run(&["audit", "--json", "--data", &site.data]).stdout;
            let audit: Value = serde_json::from_slice(&audit).unwrap();
            audit["archived"].as_u64()
        };
        until("everything is archived", MINUTE, || archived() >= Some(lines));
        site
    }

    /// Follows the log in a folder, once its lines are counted.
    fn following(folder: tempfile::TempDir, rest: Vec<String>, lines: u64) -> Self {
        let data = text(&folder.path().join("data")).to_owned();
        let address = "127.0.0.1:0".to_owned();
        let mut site = Self { folder, data, running: None, address, rest };
        site.spawn(&["run", "--set", "archive.max_age=1s", "--set", "batch.every=1h", "--source"]);
        let counted = || site.api("status")["records"].as_u64();
        until("everything is counted", MINUTE, || counted() >= Some(lines));
        site
    }

    /// The folder that goes with the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// An address on the server.
    pub fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// An answer of the API.
    pub fn api(&self, path: &str) -> Value {
        let mut answer = ureq::get(self.address(&format!("/api/v1/{path}"))).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// Writes more lines to the log that is followed.
    pub fn append(&mut self, lines: usize) {
        let log = self.folder.path().join("access.log");
        let mut file = std::fs::OpenOptions::new().append(true).open(log).unwrap();
        let lines: String = self.rest.drain(..lines).collect();
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// A batch run.
    pub fn publish(&self) {
        self.publish_before("0s");
    }

    /// A batch run that leaves the last `settle` to the speed layer.
    pub fn publish_before(&self, settle: &str) {
        let settle = format!("batch.settle={settle}");
        // What was appended is archived within a second or two.
        until("something is published", MINUTE, || {
            ok(&["batch", "--set", &settle, "--data", &self.data]);
            self.api("status")["generation"].is_u64()
        });
    }

    /// Starts serving, at the address as before.
    pub fn start(&mut self) {
        self.spawn(&["serve"]);
    }

    fn spawn(&mut self, arguments: &[&str]) {
        let log = self.folder.path().join("access.log");
        let mut command = twofold(arguments);
        if arguments.last() == Some(&"--source") {
            command.arg(log);
        }
        command.args(["--data", &self.data, "--listen", &self.address]);
        let (running, url) = Running::serving(&mut command);
        self.running = Some(running);
        self.address = url.trim_start_matches("http://").to_owned();
    }

    /// Ends the server at once.
    pub fn stop(&mut self) {
        self.running = None;
    }
}
