//! `twofold ship`

use std::fs::File;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use indicatif::ProgressBar;
use object_store::memory::InMemory;
use twofold_speed::ship::{self, Event};
use twofold_speed::source::file::FileSource;
use twofold_speed::source::kafka::Topics;
use twofold_speed::source::positions;

use super::input::{self, Input};
use super::{formed, kafka_properties, stop};
use crate::cli::Ship;
use crate::config::{Config, Layers};
use crate::output;

/// Ships files into a topic; goes on where an earlier run was killed.
pub fn run(arguments: &Ship, mut layers: Layers) -> anyhow::Result<ExitCode> {
    formed(&mut layers, &arguments.form)?;
    kafka_properties(&mut layers, &arguments.kafka)?;
    let mut config = layers.config().map_err(anyhow::Error::msg)?;
    let to = target(arguments, &config)?;
    config.source.paths.clone_from(&arguments.files);
    let _locks = lock(&arguments.files)?;
    let prepared = input::prepare(&config, !arguments.follow, input::Role::Archive)?;
    let Input::Files(files, stdin) = prepared.input else {
        anyhow::bail!("ship reads files; topics are copied by Kafka's own tools")
    };
    // What has been shipped is known from the topic: the registry lives as long as this run.
    let (store, whole) = (Arc::new(InMemory::new()), positions(Default::default()));
    let mut source = match stdin {
        Some(stdin) => FileSource::with_stdin(files, store, whole, stdin)?,
        None => FileSource::open(files, store, whole)?,
    };
    let bar = output::bytes_bar(prepared.bytes.filter(|_| !arguments.follow), "shipping");
    let counter = source.counter();
    let options = ship::Options {
        to,
        properties: config.kafka.clone(),
        format: prepared.format,
        pace: arguments.rate.parse().map_err(anyhow::Error::msg)?,
        name: arguments.name.clone(),
        create: arguments.create,
    };
    let mut watch = |event: Event<'_>| {
        bar.set_position(counter.load(std::sync::atomic::Ordering::Relaxed));
        heard(event, &bar)
    };
    let shipped = ship::ship(&mut source, &options, &mut watch)?;
    bar.finish_and_clear();
    let before = match shipped.skipped {
        0 => String::new(),
        skipped => format!("; {skipped} were there already"),
    };
    eprintln!("{} lines shipped{before}", shipped.lines);
    Ok(ExitCode::SUCCESS)
}

fn heard(event: Event<'_>, bar: &ProgressBar) -> ControlFlow<()> {
    if let Event::Notice(notice) = event {
        bar.suspend(|| eprintln!("twofold: {notice}"));
    }
    if stop::told() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Where to ship: `--to`, or the configured source.
fn target(arguments: &Ship, config: &Config) -> anyhow::Result<Topics> {
    let to = match &arguments.to {
        Some(to) => Topics::parse(to)
            .with_context(|| format!("--to is `{to}`; write kafka://HOST:9092/TOPIC"))??,
        None => input::topics(config)?
            .context("where to? name the topic with --to kafka://HOST:9092/TOPIC")?,
    };
    anyhow::ensure!(to.topics.len() == 1, "ship writes to one topic; name one of {:?}", to.topics);
    Ok(to)
}

/// Locks the files against another `ship` on this machine: both would ship them.
fn lock(files: &[String]) -> anyhow::Result<Vec<File>> {
    let mut locks = Vec::new();
    for path in files {
        let Ok(file) = File::open(path) else { continue };
        match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => {
                anyhow::bail!("{path} is being shipped by another twofold on this machine")
            }
            // A file system without locks; the topic's headers still prevent doubles after a kill.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => locks.push(file),
        }
    }
    Ok(locks)
}
