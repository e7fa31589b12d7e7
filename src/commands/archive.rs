//! `twofold archive`

use std::process::ExitCode;

use twofold_speed::archive;

use super::input::Role;
use super::{configured_input, input, monitor, parts, stop};
use crate::cli::Archive;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// The archiver alone, until its input ends or it is told to stop.
pub fn run(arguments: &Archive, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured_input(layers, &arguments.input)?;
    let starting = monitor::starting();
    let _monitor = monitor::start(&config)?;
    input::check(&config, arguments.input.to_end)?;
    let place = Place::create(&config)?;
    let mut prepared = input::prepare(&config, arguments.input.to_end, Role::Archive)?;
    let store = place.archive()?;
    let bar = output::bytes_bar(prepared.bytes, "archiver");
    let format = prepared.format.clone();
    let open = |positions| prepared.open(&store, positions);
    let options = archive::Options {
        accept_loss: arguments.accept_loss,
        ..parts::archive_options(&config, &format)
    };
    drop(starting);
    let progress = parts::archive(open, &store, &options, stop::flag(), &bar)?;
    bar.finish_and_clear();
    eprintln!("{} records read", progress.records);
    Ok(ExitCode::SUCCESS)
}
