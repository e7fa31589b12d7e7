//! The benchmarks: the real binary on the bench profile, answers checked before
//! a time is believed. CPU-seconds per million lines is the unit.

mod machine;
mod measure;
mod page;

use std::path::{Path, PathBuf};
use std::process::Command;

use measure::Measured;

use crate::run;

/// One thing that is measured.
pub struct Job {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// The figure that the project holds itself to, in lines per CPU-second.
    pub floor: f64,
    /// What must have run before, in the same data directory.
    before: &'static [&'static str],
    /// The arguments; the log and the data directory are put in.
    arguments: &'static [&'static str],
}

const JOBS: &[Job] = &[
    Job {
        name: "speed",
        what: "file → all speed views in the index",
        floor: 1_000_000.0,
        before: &[],
        arguments: &["speed", "--to-end", "--data", "DATA", "--source", "LOG"],
    },
    Job {
        name: "archive",
        what: "file → Parquet",
        floor: 500_000.0,
        before: &[],
        arguments: &["archive", "--to-end", "--data", "DATA", "--source", "LOG"],
    },
    Job {
        name: "batch",
        what: "Parquet → all exact views, published",
        floor: 420_000.0,
        before: &["archive", "--to-end", "--data", "DATA", "--source", "LOG"],
        arguments: &["batch", "--data", "DATA"],
    },
    Job {
        name: "run",
        what: "raw log → the whole lambda done (`run --to-end`)",
        floor: 400_000.0,
        before: &[],
        arguments: &["run", "--to-end", "--no-serve", "--data", "DATA", "--source", "LOG"],
    },
];

/// What one job took, run by run.
pub struct Figure {
    job: &'static Job,
    runs: Vec<Measured>,
}

/// `cargo xtask bench [NAME…] [--lines N] [--runs N]`
pub fn main(arguments: &[String]) -> Result<(), String> {
    let lines = run::option(arguments, "--lines")?.unwrap_or(5_000_000);
    let runs = run::option(arguments, "--runs")?.unwrap_or(3);
    let names: Vec<&String> =
        arguments.iter().filter(|a| JOBS.iter().any(|j| j.name == **a)).collect();
    run::cargo(&["build", "--release", "--bin", "twofold"])?;
    let folder = run::scratch("bench")?;
    let bench = Bench::prepare(&folder, lines)?;
    let mut figures = Vec::new();
    for job in
        JOBS.iter().filter(|job| names.is_empty() || names.iter().any(|name| *name == job.name))
    {
        let figure = bench.figure(job, runs)?;
        println!("{}", page::line(&figure, lines));
        figures.push(figure);
    }
    let wide = if names.is_empty() { Some(bench.cardinality()?) } else { None };
    let archive = bench.archive_share()?;
    if names.is_empty() {
        let text = page::page(&bench, &figures, archive, wide.as_ref());
        std::fs::write(run::root().join("BENCHMARKS.md"), text)
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The log that everything is measured on, and its answers.
pub struct Bench {
    /// Lines in the log.
    pub lines: u64,
    /// Bytes in the log.
    pub bytes: u64,
    log: PathBuf,
    folder: PathBuf,
    answers: serde_json::Value,
}

impl Bench {
    fn prepare(folder: &Path, lines: u64) -> Result<Self, String> {
        let (log, answers) = (folder.join("access.log"), folder.join("answers.json"));
        let mut generate = Command::new(run::twofold());
        generate.args(["generate", "--profile", "bench", "--lines", &lines.to_string(), "--out"]);
        run::output(generate.arg(&log).arg("--answers").arg(&answers))?;
        let text = std::fs::read_to_string(&answers).map_err(|error| error.to_string())?;
        Ok(Self {
            lines,
            bytes: std::fs::metadata(&log).map_err(|error| error.to_string())?.len(),
            answers: serde_json::from_str(&text).map_err(|error| error.to_string())?,
            log,
            folder: folder.to_owned(),
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(run::twofold());
        for argument in arguments {
            match *argument {
                "DATA" => command.arg(self.data()),
                "LOG" => command.arg(&self.log),
                plain => command.arg(plain),
            };
        }
        command
    }

    fn figure(&self, job: &'static Job, runs: u64) -> Result<Figure, String> {
        let mut measured = Vec::new();
        for _ in 0..runs {
            let _ = std::fs::remove_dir_all(self.data());
            if !job.before.is_empty() {
                run::output(&mut self.command(job.before))?;
            }
            measured.push(measure::measure(&mut self.command(job.arguments))?);
            self.check(job)?;
        }
        Ok(Figure { job, runs: measured })
    }

    /// The answers that the job left behind must be the generator's.
    fn check(&self, job: &Job) -> Result<(), String> {
        if job.name == "archive" {
            return self.check_audit();
        }
        let said = run::output(&mut self.command(&["report", "--json", "--data", "DATA"]))?;
        let said: serde_json::Value =
            serde_json::from_str(&said).map_err(|error| error.to_string())?;
        let exact = ["requests", "malformed", "bytes", "status", "methods"];
        for field in exact.iter().chain(if job.name == "speed" {
            &[][..]
        } else {
            &["distinct_clients", "top_clients"]
        }) {
            if said[field] != self.answers[field] {
                return Err(format!(
                    "{}: {field} is {}, not {}",
                    job.name, said[field], self.answers[field]
                ));
            }
        }
        Ok(())
    }

    fn check_audit(&self) -> Result<(), String> {
        let said = run::output(&mut self.command(&["audit", "--json", "--data", "DATA"]))?;
        let said: serde_json::Value =
            serde_json::from_str(&said).map_err(|error| error.to_string())?;
        match said["archived"].as_u64() {
            Some(archived) if archived == self.lines => Ok(()),
            _ => Err(format!("archive: {} records instead of {}", said["archived"], self.lines)),
        }
    }

    /// Bytes of the archive as a share of the raw log's.
    fn archive_share(&self) -> Result<f64, String> {
        let _ = std::fs::remove_dir_all(self.data());
        run::output(
            &mut self.command(&["archive", "--to-end", "--data", "DATA", "--source", "LOG"]),
        )?;
        Ok(size(&self.data().join("archive").join("logs")) as f64 / self.bytes as f64)
    }

    /// A million distinct clients and a million distinct pages in one minute.
    fn cardinality(&self) -> Result<Measured, String> {
        let log = self.folder.join("cardinality.log");
        let mut generate = Command::new(run::twofold());
        generate.args(["generate", "--profile", "cardinality", "--lines", "1000000", "--out"]);
        run::output(generate.arg(&log))?;
        let _ = std::fs::remove_dir_all(self.data());
        let mut speed = Command::new(run::twofold());
        measure::measure(
            speed.args(["speed", "--to-end", "--data"]).arg(self.data()).arg("--source").arg(&log),
        )
    }
}

fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
