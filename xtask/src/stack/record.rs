//! What is known of a started server, kept beside its data as `server.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::process;
use super::server::Server;

/// Servers start within seconds; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(240);

/// A server: how it is started, and where it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Which one.
    pub server: Server,
    /// The version of its packages.
    pub version: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The program and its arguments; they name the folder, so that a reused pid is told apart.
    pub command: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// When it is ready.
    pub ready: Vec<Ready>,
    /// What the tests are told.
    pub variables: BTreeMap<String, String>,
    /// The process, once started.
    #[serde(default)]
    pub pid: Option<u32>,
}

/// A sign that a server answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ready {
    /// Its log has this text.
    Logged(String),
    /// A GET is answered with this text in the body.
    Answered {
        /// What is asked.
        url: String,
        /// What the answer has in it.
        with: String,
    },
}

impl Record {
    /// The record in a server's folder.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("server.json");
        let text = std::fs::read_to_string(&path).map_err(|error| {
            format!("{}: {error}; `cargo xtask stack up` starts a server", path.display())
        })?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn write(&self) -> Result<(), String> {
        let path = self.folder.join("server.json");
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(&path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Starts the process.
    pub fn spawn(&mut self) -> Result<(), String> {
        let pid = process::spawn(&self.command, &self.environment, &self.folder, &self.log())?;
        self.pid = Some(pid);
        self.write()
    }

    /// Starts the process if it does not run, and waits until it answers.
    pub fn start(&mut self) -> Result<(), String> {
        if !self.runs() {
            self.spawn()?;
        }
        self.wait()
    }

    /// Stops the process, if it runs.
    pub fn stop(&self, signal: &str) -> Result<(), String> {
        match self.pid {
            Some(pid) => process::stop(pid, &self.folder, signal),
            None => Ok(()),
        }
    }

    /// Whether the process lives.
    pub fn runs(&self) -> bool {
        self.pid.is_some_and(|pid| process::lives(pid, &self.folder))
    }

    /// Waits until it answers.
    pub fn wait(&self) -> Result<(), String> {
        let begin = Instant::now();
        while !self.ready.iter().all(|sign| sign.is_there(&self.log())) {
            if !self.runs() {
                return Err(self.complaint("ended"));
            }
            if begin.elapsed() > PATIENCE {
                self.stop(process::KILL)?;
                return Err(self.complaint("did not answer"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn complaint(&self, what: &str) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n  ");
        format!("{} {what}; the end of {}:\n  {tail}", self.server, self.log().display())
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        let state = match self.pid {
            Some(pid) if self.runs() => format!("runs, pid {pid}"),
            _ => "is stopped".to_owned(),
        };
        let variables: Vec<String> =
            self.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!(
            "{} {} {state}, log {}\n  {}",
            self.server,
            self.version,
            self.log().display(),
            variables.join("\n  ")
        )
    }
}

impl Ready {
    fn is_there(&self, log: &Path) -> bool {
        match self {
            Self::Logged(text) => std::fs::read(log)
                .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text.as_str())),
            Self::Answered { url, with } => {
                process::get(url).is_some_and(|body| body.contains(with))
            }
        }
    }
}
