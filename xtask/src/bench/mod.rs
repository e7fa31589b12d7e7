//! The benchmarks: the real binary on generated traffic, answers checked before
//! a time is believed.
//!
//! One file in [`job`] is one job; its figures go to `docs/figures.json`, from which
//! BENCHMARKS.md is written. Add a job: a file with a [`Job`], and a line in [`job::all`]. With
//! `--peers` what people use today runs in between, on the same log. `--charts` shows how things
//! grow: see [`scale`].

mod broker;
mod figure;
mod job;
mod log;
mod machine;
mod measure;
mod nab;
mod page;
mod peers;
mod running;
mod scale;
mod spikes;

use figure::{Figure, Figures};
use job::Job;
use log::Log;
use scale::Scale;

use crate::run;

/// Lines where the command line says nothing else; only their figures are written down.
const LINES: u64 = 5_000_000;

/// `cargo xtask bench [NAME…] [--peers] [--charts] [--lines N] [--runs N]`
pub fn main(arguments: &[String]) -> Result<(), String> {
    match arguments.first().map(String::as_str) {
        Some("spikes") => return spikes::main(&arguments[1..]),
        Some("nab") => return nab::main(&arguments[1..]),
        _ => {}
    }
    let asked = Asked::of(arguments)?;
    run::cargo(&["build", "--release", "--workspace", "--bin", "twofold"])?;
    run::together([of_jobs(asked.jobs, asked.lines, asked.runs), of_charts(asked.charts)])
}

/// Measures the jobs. One that fails leaves its old figure and doesn't hinder the others.
fn of_jobs(jobs: Vec<Box<dyn Job>>, lines: u64, runs: u64) -> Result<(), String> {
    if jobs.is_empty() {
        return Ok(());
    }
    let bench = Bench { log: Log::generate("bench", lines)? };
    let mut failed = Vec::new();
    for mut job in jobs {
        match measured(&mut *job, &bench, runs) {
            Ok(figure) => {
                println!("{}", page::line(&figure));
                if lines == LINES {
                    keep(|figures| {
                        figures.put(figure);
                        Ok(())
                    })?;
                }
            }
            Err(error) => failed.push(error),
        }
    }
    if lines != LINES {
        println!("not written to BENCHMARKS.md: figures there are of {LINES} lines");
    }
    run::together(failed.into_iter().map(Err))
}

/// Draws the charts.
fn of_charts(charts: Vec<Box<dyn Scale>>) -> Result<(), String> {
    for scale in charts {
        for (name, chart) in scale.measure()? {
            for series in &chart.series {
                println!("{name}, {}: {:?}", series.name, series.points);
            }
            keep(|figures| figures.put_chart(name, &chart))?;
        }
    }
    Ok(())
}

/// Adds to the figures, and writes the page anew.
fn keep(put: impl FnOnce(&mut Figures) -> Result<(), String>) -> Result<(), String> {
    let mut figures = Figures::load()?;
    put(&mut figures)?;
    figures.save()?;
    page::write(&figures)
}

/// What all jobs share.
pub struct Bench {
    /// The log that is read, and its answers.
    pub log: Log,
}

/// What the command line asks for.
struct Asked {
    jobs: Vec<Box<dyn Job>>,
    charts: Vec<Box<dyn Scale>>,
    lines: u64,
    runs: u64,
}

impl Asked {
    fn of(arguments: &[String]) -> Result<Self, String> {
        let lines = run::option(arguments, "--lines")?.unwrap_or(LINES);
        let runs = run::option(arguments, "--runs")?.unwrap_or(3).max(1);
        let names = named(arguments);
        let mut jobs = job::all();
        let with_peers = arguments.iter().any(|argument| argument == "--peers");
        jobs.extend(peers_of(with_peers, &names));
        let mut charts = scale::all();
        let known =
            jobs.iter().map(|job| job.name()).chain(charts.iter().map(|chart| chart.name()));
        let known: Vec<&str> = known.collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
            return Err(format!("no job is called `{unknown}`; there are {}", known.join(", ")));
        }
        let peer = |job: &dyn Job| peers::all().iter().any(|peer| peer.name() == job.name());
        jobs.retain(|job| {
            names.is_empty() || names.contains(&job.name()) || with_peers && peer(&**job)
        });
        let with_charts = arguments.iter().any(|argument| argument == "--charts");
        charts.retain(|chart| names.contains(&chart.name()) || with_charts && names.is_empty());
        Ok(Self { jobs, charts, lines, runs })
    }
}

/// The peers that stand beside what is asked for, and those that are named.
fn peers_of(all: bool, names: &[&str]) -> Vec<Box<dyn Job>> {
    let wanted = |peer: &peers::Peer| {
        let beside = names.is_empty() || peer.beside().iter().any(|job| names.contains(job));
        names.contains(&peer.name()) || all && beside
    };
    let wanted = peers::all().into_iter().filter(wanted);
    wanted.map(|peer| -> Box<dyn Job> { Box::new(peer) }).collect()
}

/// The arguments that are neither options nor their values.
fn named(arguments: &[String]) -> Vec<&str> {
    let is_value = |at: usize| at > 0 && ["--lines", "--runs"].contains(&&*arguments[at - 1]);
    let all = arguments.iter().map(String::as_str).enumerate();
    all.filter(|(at, argument)| !argument.starts_with("--") && !is_value(*at))
        .map(|(_, argument)| argument)
        .collect()
}

/// A run to warm up (files in the cache, clocks up), then those that count.
fn measured(job: &mut dyn Job, bench: &Bench, runs: u64) -> Result<Figure, String> {
    job.prepare(bench)?;
    let mut measured = Vec::new();
    for number in 0..=runs {
        let run = job.run(bench).map_err(|error| format!("{}: {error}", job.name()))?;
        if number > 0 {
            measured.push(run);
        }
    }
    Ok(Figure::new(job, bench, measured))
}
