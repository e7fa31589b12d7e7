//! `twofold archive`

use std::process::ExitCode;

use super::{configured_input, input, parts, stop};
use crate::cli::Input;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// The archiver alone, until its input ends or it is told to stop.
pub fn run(arguments: &Input, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured_input(layers, arguments)?;
    let place = Place::create(&config)?;
    let mut prepared = input::prepare(&config, arguments.to_end)?;
    let store = place.archive()?;
    let bar = output::bytes_bar(prepared.bytes, "archiver");
    let format = prepared.format.clone();
    let open = |positions| prepared.open_boxed(&store, positions);
    let progress = parts::archive(open, &store, &format, &config, stop::flag(), &bar)?;
    bar.finish_and_clear();
    eprintln!("{} records read", progress.records);
    Ok(ExitCode::SUCCESS)
}
