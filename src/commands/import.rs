//! `twofold import`

use std::process::ExitCode;

use twofold_speed::archive;
use twofold_speed::source::file::topic;

use super::input::Role;
use super::{configured, formed, input, parts, stop};
use crate::cli::Import;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// Archives old logs beside a live source. The speed layer never sees them and the boundary doesn't
/// wait for them; the next batch run recomputes the hours that they touch.
pub fn run(arguments: &Import, mut layers: Layers) -> anyhow::Result<ExitCode> {
    formed(&mut layers, &arguments.form)?;
    let mut config = configured(layers, &arguments.data)?;
    config.source.paths.clone_from(&arguments.files);
    let first = arguments.files.first().map_or("", String::as_str);
    // Never the name of the live source, whose partitions are numbered otherwise.
    config.source.topic = match &arguments.topic {
        Some(name) => name.clone(),
        None => format!("import-{}", topic(first)),
    };
    anyhow::ensure!(input::topics(&config)?.is_none(), "import reads files, not topics");
    input::check(&config, true)?;
    let place = Place::create(&config)?;
    let mut prepared = input::prepare(&config, true, Role::Archive)?;
    let store = place.archive()?;
    let bar = output::bytes_bar(prepared.bytes, "importing");
    let options = archive::Options {
        backfill: true,
        ..parts::archive_options(&config, &prepared.format.clone())
    };
    let open = |positions| prepared.open(&store, positions);
    let progress = parts::archive(open, &store, &options, stop::flag(), &bar)?;
    bar.finish_and_clear();
    eprintln!(
        "{} records read as {}; the next `twofold batch` counts them",
        progress.records, config.source.topic
    );
    Ok(ExitCode::SUCCESS)
}
