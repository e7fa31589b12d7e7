//! `twofold speed`

use std::process::ExitCode;
use std::sync::Arc;

use twofold_serving::index::Index;
use twofold_speed::resume;

use super::input::Role;
use super::{configured_input, input, monitor, parts, stop};
use crate::cli::Input;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// The speed layer alone, until its input ends or it is told to stop.
pub fn run(arguments: &Input, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured_input(layers, arguments)?;
    let starting = monitor::starting();
    let _monitor = monitor::start(&config)?;
    input::check(&config, arguments.to_end)?;
    let place = Place::create(&config)?;
    let mut prepared = input::prepare(&config, arguments.to_end, Role::Speed)?;
    let index: Arc<dyn Index> = place.index()?;
    let bar = output::bytes_bar(prepared.bytes, "speed layer");
    let positions = resume::positions(Arc::clone(&index));
    let mut source = prepared.open(&place.archive()?, positions)?;
    drop(starting);
    let progress = parts::speed(&mut source, index, &prepared.format, &config, stop::flag(), &bar)?;
    bar.finish_and_clear();
    eprintln!("{} records, {} of them requests", progress.records, progress.requests());
    Ok(ExitCode::SUCCESS)
}
