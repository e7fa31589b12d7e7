//! A twofold that serves, asked through its API.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::measure::{Measured, so_far};
use crate::bench::running::Running;
use crate::run;

/// How long the history may take to be counted.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running process; it ends with this value.
pub struct Server {
    running: Running,
    address: String,
}

impl Server {
    /// `run` follows `access.log` of a folder, with a batch run every fifteen seconds.
    pub fn start(folder: &Path) -> Result<Self, String> {
        let mut command = Command::new(run::twofold());
        command.args(["run", "--listen", "127.0.0.1:0", "--set", "batch.every=15s"]);
        command.args(["--set", "archive.max_age=5s", "--source"]);
        command.arg(folder.join("access.log")).arg("--data").arg(folder.join("data"));
        Self::of(&mut command)?.ok_or_else(|| "`run` does not listen".to_owned())
    }

    /// Starts a command that serves; none where it ends before it listens.
    pub fn of(command: &mut Command) -> Result<Option<Self>, String> {
        let mut running = Running::start(command.stderr(Stdio::piped()))?;
        let said = running.0.stderr.take().ok_or("the child has no standard error")?;
        let mut said = BufReader::new(said).lines().map_while(Result::ok);
        let listening = said.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        std::thread::spawn(move || said.count());
        Ok(listening.map(|address| Self { running, address: address + "/api/v1" }))
    }

    /// Where the API is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// An answer of the API.
    pub fn ask(&self, question: &str) -> Result<Value, String> {
        let wrong = |error: ureq::Error| format!("{question}: {error}");
        let mut answer = ureq::get(format!("{}/{question}", self.address)).call().map_err(wrong)?;
        let text = answer.body_mut().read_to_string().map_err(wrong)?;
        serde_json::from_str(&text).map_err(|error| format!("{question}: {error}"))
    }

    /// Waits until so many records are counted, and a generation is published.
    pub fn wait_for(&self, records: u64) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = self.ask("status")?;
            if status["records"].as_u64() == Some(records) && status["generation"].is_u64() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("{records} records are not counted: {status}"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What it has used since it started.
    pub fn cost(&self) -> Result<Measured, String> {
        so_far(self.running.0.id())
    }
}
