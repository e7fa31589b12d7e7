//! The commands, one file each.

mod accuracy;
mod archive;
mod audit;
mod batch;
mod completions;
mod config;
mod dead_letters;
mod demo;
mod detect;
mod export;
mod generate;
mod health;
mod import;
mod input;
mod lines;
mod monitor;
mod parts;
mod prune;
mod report;
mod run;
mod serve;
mod setup;
mod ship;
mod speed;
mod spikes;
mod stop;
mod tail;

use std::path::Path;
use std::process::ExitCode;

use crate::cli::{Command, Data, Form, Input, Kafka, Range};
use crate::config::{Config, Layers, Origin};
use anyhow::Context;
use twofold_data::minute::Minute;

/// Runs one command.
pub fn run(command: Command, layers: Layers) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments, layers),
        Command::Report(arguments) => report::run(&arguments, layers),
        Command::Run(arguments) => run::run(&arguments, layers),
        Command::Speed(arguments) => speed::run(&arguments, layers),
        Command::Archive(arguments) => archive::run(&arguments, layers),
        Command::Ship(arguments) => ship::run(&arguments, layers),
        Command::Import(arguments) => import::run(&arguments, layers),
        Command::Batch(arguments) => batch::run(&arguments, layers),
        Command::Serve(arguments) => serve::run(&arguments, layers),
        Command::Export(arguments) => export::run(&arguments, layers),
        Command::Audit(arguments) => audit::run(&arguments, layers),
        Command::Accuracy(arguments) => accuracy::run(&arguments, layers),
        Command::Spikes(arguments) => spikes::run(&arguments, layers),
        Command::Lines(arguments) => lines::run(&arguments, layers),
        Command::Prune(arguments) => prune::run(&arguments, layers),
        Command::Setup(arguments) => setup::run(&arguments, layers),
        Command::DeadLetters(arguments) => dead_letters::run(&arguments, layers),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Detect(arguments) => detect::run(&arguments),
        Command::Config(command) => config::run(&command, &layers),
        Command::Health(arguments) => health::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// The configuration with the flags that name a data directory put on top.
fn configured(mut layers: Layers, data: &Data) -> anyhow::Result<Config> {
    flag(&mut layers, "data", data.dir.as_deref().map(Path::to_string_lossy).as_deref())?;
    flag(&mut layers, "index.url", data.index.as_deref())?;
    flag(&mut layers, "archive.location", data.archive.as_deref())?;
    layers.config().map_err(anyhow::Error::msg)
}

/// The configuration with the flags that name an input put on top.
fn configured_input(mut layers: Layers, input: &Input) -> anyhow::Result<Config> {
    formed(&mut layers, &input.form)?;
    kafka_properties(&mut layers, &input.kafka)?;
    let mut config = configured(layers, &input.data)?;
    if !input.source.is_empty() {
        config.source.paths.clone_from(&input.source);
    }
    anyhow::ensure!(
        !config.source.paths.is_empty(),
        "nothing to read: name files with --source FILE…, or set source.paths in twofold.toml"
    );
    input::topics(&config)?;
    Ok(config)
}

/// Puts `--kafka KEY=VALUE` on top.
fn kafka_properties(layers: &mut Layers, kafka: &Kafka) -> anyhow::Result<()> {
    for property in &kafka.properties {
        let (key, value) = property
            .split_once('=')
            .with_context(|| format!("--kafka takes KEY=VALUE, not `{property}`"))?;
        layers.set_text(&format!("kafka.{}", key.trim()), value.trim(), Origin::Flag)?;
    }
    Ok(())
}

/// Takes over how lines are read.
fn formed(layers: &mut Layers, form: &Form) -> anyhow::Result<()> {
    flag(layers, "format.name", form.format.as_deref())?;
    flag(layers, "format.trailing", form.trailing.as_deref())
}

fn flag(layers: &mut Layers, key: &str, value: Option<&str>) -> anyhow::Result<()> {
    Ok(value.map_or(Ok(()), |value| layers.set_text(key, value, Origin::Flag))?)
}

/// A range as typed; an open end is `None`.
fn range(range: &Range) -> anyhow::Result<(Option<Minute>, Option<Minute>)> {
    Ok((minute("--from", range.from.as_deref())?, minute("--to", range.to.as_deref())?))
}

fn minute(flag: &str, text: Option<&str>) -> anyhow::Result<Option<Minute>> {
    text.map(|text| {
        Minute::parse(text).with_context(|| {
            format!(
                "{flag} is `{text}`; write a UTC minute, such as 2026-11-23 or 2026-11-23T18:04Z"
            )
        })
    })
    .transpose()
}
