//! A data directory that can only be read: another user's, a mounted copy, a snapshot.

mod common;

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{Traffic, json, ok, text, twofold_at};
use serde_json::Value;

/// A copy of the binary that any user may run.
fn binary(folder: &Path) -> PathBuf {
    let copy = folder.join("twofold");
    std::fs::copy(env!("CARGO_BIN_EXE_twofold"), &copy).unwrap();
    copy
}

/// Takes away the right to write from everything below, and from root by being somebody else.
struct ReadOnly {
    root: PathBuf,
    binary: PathBuf,
}

impl ReadOnly {
    fn new(root: &Path) -> Self {
        let binary = binary(root);
        let this = Self { root: root.to_owned(), binary };
        this.allow(0o555, 0o444);
        std::fs::set_permissions(&this.binary, Permissions::from_mode(0o555)).unwrap();
        this
    }

    fn allow(&self, folders: u32, files: u32) {
        let mut left = vec![self.root.clone()];
        while let Some(path) = left.pop() {
            let folder = path.is_dir();
            if folder {
                left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            let mode = if folder { folders } else { files };
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = twofold_at(&self.binary, arguments);
        command.current_dir("/");
        if std::fs::metadata(&self.root).unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        self.allow(0o755, 0o644);
    }
}

#[test]
fn it_is_read_and_says_the_same() {
    let traffic = Traffic::new("demo", 5_000, 11);
    let data = traffic.data("a %?# data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let ask =
        |command: &'static str| [command, "--json", "--data", data.as_str()].map(str::to_owned);
    let questions = ["report", "audit", "accuracy", "spikes", "batch"].map(ask);
    let asked: Vec<Vec<&str>> =
        questions.iter().map(|one| one.iter().map(String::as_str).collect()).collect();
    let before: Vec<Value> = asked[..4].iter().map(|question| json(question)).collect();

    let read_only = ReadOnly::new(traffic.folder.path());
    for (question, before) in asked.iter().zip(&before) {
        assert_eq!(&read_only.json(question), before, "{question:?}");
    }
    let log = read_only.run(&["export", "--data", &data]).stdout;
    assert!(log == std::fs::read(&traffic.log).unwrap(), "export");
    let lines = read_only.run(&["lines", "--limit", "3", "--data", &data]).stdout;
    assert_eq!(String::from_utf8_lossy(&lines).lines().count(), 3);
    let refused = read_only.run(&asked[4]);
    let complaint = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && complaint.contains("writ"), "{complaint}");
}

/// What a kill leaves: changes in the log that the file lacks.
#[test]
fn what_a_killed_writer_left_beside_the_index_is_read_or_told() {
    let traffic = Traffic::new("demo", 5_000, 12);
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let index = Path::new(&data).join("twofold.db");
    let beside = ["twofold.db-wal", "twofold.db-shm"].map(|name| Path::new(&data).join(name));
    let open = rusqlite::Connection::open(&index).unwrap();
    open.execute_batch("PRAGMA wal_autocheckpoint = 0; CREATE TABLE changed (x)").unwrap();
    let left = beside.each_ref().map(|path| std::fs::read(path).unwrap());
    drop(open);
    let question = ["report", "--json", "--data", &data];
    let before = json(&question);

    // With the notes of the killed process SQLite reads both.
    beside.iter().zip(&left).for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    let read_only = ReadOnly::new(traffic.folder.path());
    assert_eq!(read_only.json(&question), before);
    drop(read_only);

    std::fs::write(&beside[0], &left[0]).unwrap();
    std::fs::remove_file(&beside[1]).unwrap();
    let read_only = ReadOnly::new(traffic.folder.path());
    let output = read_only.run(&question);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("copy the data directory"), "{said}");
}
