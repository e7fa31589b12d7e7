//! Running the real binary as a user would.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod kafka;
pub mod lambda;
pub mod operator;
pub mod random;
pub mod running;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The binary with these arguments, and no configuration of the machine's.
pub fn twofold(arguments: &[&str]) -> Command {
    twofold_at(Path::new(env!("CARGO_BIN_EXE_twofold")), arguments)
}

/// The same of a copy of the binary.
pub fn twofold_at(binary: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments).env_remove("TWOFOLD_CONFIG").env("TWOFOLD_LOG", "warn");
    command
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Output {
    twofold(arguments).output().unwrap()
}

/// Runs it to its end, which must be a good one; what it printed.
pub fn ok(arguments: &[&str]) -> Vec<u8> {
    let output = run(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}\n{complaint}", output.status);
    output.stdout
}

/// Runs it to its good end and reads the JSON that it printed.
pub fn json(arguments: &[&str]) -> Value {
    let printed = ok(arguments);
    serde_json::from_slice(&printed).unwrap_or_else(|error| {
        panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&printed))
    })
}

/// Asks again and again until it is so.
#[track_caller]
pub fn until(what: &str, within: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < within, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Generated traffic in a folder of its own.
pub struct Traffic {
    /// Goes with the test.
    pub folder: tempfile::TempDir,
    /// The log.
    pub log: PathBuf,
    /// The generator's answers.
    pub answers: Value,
}

impl Traffic {
    /// So many lines of the profile.
    pub fn new(profile: &str, lines: u64, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (log, answers) = (folder.path().join("access.log"), folder.path().join("answers.json"));
        ok(&[
            "generate",
            "--profile",
            profile,
            "--lines",
            &lines.to_string(),
            "--seed",
            &seed.to_string(),
            "--out",
            text(&log),
            "--answers",
            text(&answers),
        ]);
        let answers = serde_json::from_slice(&std::fs::read(&answers).unwrap()).unwrap();
        Self { folder, log, answers }
    }

    /// A data directory in the folder.
    pub fn data(&self, name: &str) -> String {
        text(&self.folder.path().join(name)).to_owned()
    }
}

/// What a report says exactly, and the generator knows.
pub const EXACT: [&str; 12] = [
    "requests",
    "malformed",
    "blank",
    "bytes",
    "distinct_clients",
    "status",
    "methods",
    "first_minute",
    "last_minute",
    "busiest_minutes",
    "top_clients",
    "top_pages",
];

/// Each of these fields must be what the answers say.
pub fn assert_fields(said: &Value, answers: &Value, fields: &[&str]) {
    for field in fields {
        assert_eq!(said[field], answers[field], "{field}");
    }
}

/// What comes from sketches agrees within their bounds, not to the digit: KLL draws random
/// bits, and HyperLogLog's estimator depends on the order in which windows were united.
pub fn without_sketches(mut report: Value) -> Value {
    if let Some(fields) = report.as_object_mut() {
        fields.retain(|name, _| {
            !name.starts_with("distinct") && name != "sizes" && name != "durations"
        });
    }
    report
}

/// `../shared/samples`, which the developers have and users have not.
pub fn samples() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    if folder.is_dir() {
        return Some(folder);
    }
    // A worktree lies one folder deeper.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    folder.is_dir().then_some(folder)
}
