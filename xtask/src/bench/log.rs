//! A generated log, its answers, and the data directory that it goes into.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::run;

/// Answers that both layers give exactly.
pub const EXACT: [&str; 5] = ["requests", "malformed", "bytes", "status", "methods"];

/// Answers that only the batch layer gives exactly.
pub const DISTINCT: [&str; 3] = ["distinct_clients", "top_clients", "top_pages"];

/// A log with a fixed seed.
pub struct Log {
    /// How many lines it has.
    pub lines: u64,
    /// How many bytes it has.
    pub bytes: u64,
    folder: PathBuf,
    answers: Value,
}

/// Generates so many lines of a profile's traffic into a file; `more` are further arguments.
pub fn generate(profile: &str, lines: u64, more: &[&str], into: &Path) -> Result<(), String> {
    let mut generate = Command::new(run::twofold());
    generate.args(["generate", "--profile", profile, "--lines", &lines.to_string()]);
    run::output(generate.args(more).arg("--out").arg(into)).map(drop)
}

impl Log {
    /// Generates traffic of a profile in a folder of that name.
    pub fn generate(profile: &str, lines: u64) -> Result<Self, String> {
        let folder = run::scratch(&format!("bench/{profile}"))?;
        let (log, answers) = (folder.join("access.log"), folder.join("answers.json"));
        generate(profile, lines, &["--answers", &answers.to_string_lossy()], &log)?;
        let bytes = std::fs::metadata(&log).map_err(|error| error.to_string())?.len();
        Ok(Self { lines, bytes, folder, answers: run::json(&answers)? })
    }

    /// The log's path.
    pub fn path(&self) -> PathBuf {
        self.folder.join("access.log")
    }

    /// Where the log and what is made of it lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Empties the data directory.
    pub fn clear_data(&self) -> Result<(), String> {
        match std::fs::remove_dir_all(self.data()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", self.data().display()))
            }
            _ => Ok(()),
        }
    }

    /// A twofold command on the data directory, and on the log if `reads`.
    pub fn twofold(&self, arguments: &[&str], reads: bool) -> Command {
        let mut command = Command::new(run::twofold());
        command.args(arguments).arg("--data").arg(self.data());
        if reads {
            command.arg("--source").arg(self.path());
        }
        command
    }

    /// Holds what the index says against the generator's answers.
    pub fn check_report(&self, fields: &[&str]) -> Result<(), String> {
        self.check_report_of(&[], fields)
    }

    /// The same where flags say which index it is.
    pub fn check_report_of(&self, index: &[String], fields: &[&str]) -> Result<(), String> {
        let mut report = self.twofold(&["report", "--json"], false);
        let said = run::output(report.args(index))?;
        let said = serde_json::from_str(&said).map_err(|error| format!("report: {error}"))?;
        self.check(&said, fields)
    }

    /// Holds a report's fields against the generator's answers.
    pub fn check(&self, said: &Value, fields: &[&str]) -> Result<(), String> {
        let wrong = fields.iter().find(|field| said[**field] != self.answers[**field]);
        wrong.map_or(Ok(()), |field| {
            Err(format!("{field} is {}, not {}", said[*field], self.answers[*field]))
        })
    }

    /// Every line is in the archive once.
    pub fn check_audit(&self) -> Result<(), String> {
        self.check_audit_of(&[])
    }

    /// The same where variables say which archive it is.
    pub fn check_audit_of(&self, archive: &[(&str, String)]) -> Result<(), String> {
        let mut audit = self.twofold(&["audit", "--json"], false);
        let said = run::output(audit.envs(archive.iter().cloned()))?;
        let said: Value = serde_json::from_str(&said).map_err(|error| format!("audit: {error}"))?;
        match said["archived"].as_u64() {
            Some(archived) if archived == self.lines => Ok(()),
            _ => Err(format!("{} records are archived, not {}", said["archived"], self.lines)),
        }
    }
}
