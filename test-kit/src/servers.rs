//! Where `cargo xtask test` has started the real servers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// The value of a variable that `cargo xtask test` sets.
///
/// # Panics
/// Where it is missing: a test that lacks its server has failed.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: `cargo xtask test` starts the servers; for one test \
             `cargo xtask stack up` and `eval \"$(cargo xtask stack env)\"`"
        )
    })
}

/// `host:port` of Kafka.
pub fn kafka() -> String {
    variable("TWOFOLD_TEST_KAFKA")
}

/// An S3 server and its account.
#[derive(Debug, Clone)]
pub struct S3 {
    /// `http://host:port`.
    pub endpoint: String,
    /// The access key.
    pub key: String,
    /// The secret key.
    pub secret: String,
}

/// The S3 server.
pub fn s3() -> S3 {
    S3 {
        endpoint: variable("TWOFOLD_TEST_S3"),
        key: variable("TWOFOLD_TEST_S3_KEY"),
        secret: variable("TWOFOLD_TEST_S3_SECRET"),
    }
}

/// A server that one test has for itself, so that it can stop and kill it; it ends with this value.
#[derive(Debug)]
pub struct Own {
    name: &'static str,
    xtask: PathBuf,
    folder: tempfile::TempDir,
    /// What `cargo xtask stack env` says of it.
    pub variables: BTreeMap<String, String>,
}

impl Own {
    /// Starts `kafka`, `elasticsearch`, `elasticsearch7`, `opensearch` or `s3`.
    ///
    /// # Panics
    /// Where it doesn't start.
    pub fn start(name: &'static str) -> Self {
        let xtask = PathBuf::from(variable("TWOFOLD_TEST_XTASK"));
        let folder = tempfile::tempdir().expect("a folder");
        let mut own = Self { name, xtask, folder, variables: BTreeMap::new() };
        own.stack("up");
        let said = own.stack("env");
        let pairs = said.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        own.variables = pairs
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        own
    }

    /// Stops it; data and port stay.
    pub fn stop(&self) {
        self.stack("stop");
    }

    /// Ends it by kill -9; data and port stay.
    pub fn kill(&self) {
        self.stack("kill");
    }

    /// Starts it again where it was, and waits until it answers.
    pub fn again(&self) {
        self.stack("start");
    }

    fn stack(&self, command: &str) -> String {
        let mut xtask = Command::new(&self.xtask);
        xtask.args(["stack", "--at"]).arg(self.folder.path()).arg(command);
        if command != "env" {
            xtask.arg(self.name);
        }
        let output = xtask.output().expect("the xtask binary runs");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "stack {command} {}: {complaint}", self.name);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let mut xtask = Command::new(&self.xtask);
        xtask.args(["stack", "--at"]).arg(self.folder.path()).args(["kill", self.name]);
        let _ = xtask.output();
    }
}
