//! `twofold run` over a log that grows, asked through its API.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::measure::{Measured, so_far};
use crate::run;

/// How long the history may take to be counted.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running process; it ends with this value.
pub struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Follows `access.log` of a folder, with a batch run every fifteen seconds.
    pub fn start(folder: &Path) -> Result<Self, String> {
        let mut command = Command::new(run::twofold());
        command.args(["run", "--listen", "127.0.0.1:0", "--set", "batch.every=15s"]);
        command.args(["--set", "archive.max_age=5s", "--source"]);
        command.arg(folder.join("access.log")).arg("--data").arg(folder.join("data"));
        let mut child =
            command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let errors = child.stderr.take().ok_or("the child has no standard error")?;
        let mut server = Self { child, address: String::new() };
        let mut lines = BufReader::new(errors).lines().map_while(Result::ok);
        let listening =
            lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        std::thread::spawn(move || lines.count());
        server.address = listening.ok_or("`run` does not listen")? + "/api/v1";
        Ok(server)
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
        so_far(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
