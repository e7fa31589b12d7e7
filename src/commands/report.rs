//! `twofold report`

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;
use twofold_batch::history::History;
use twofold_batch::run::Options;
use twofold_data::minute::Minute;
use twofold_data::zone::Zone;
use twofold_serving::api::kept_page;
use twofold_serving::query::{self, Range, Stores, Style};

use super::{configured, formed, input, parts, range, stop};
use crate::cli::Report;
use crate::config::{Config, Index, Layers};
use crate::output;
use crate::place::Place;

/// What is in log files, or in what is stored.
pub fn run(arguments: &Report, mut layers: Layers) -> anyhow::Result<ExitCode> {
    formed(&mut layers, &arguments.form)?;
    let zoned = !layers.is_default("timezone");
    let (from, to) = range(&arguments.range)?;
    let range = Range::new(from.unwrap_or(Minute(i64::MIN)), to.unwrap_or(Minute(i64::MAX)));
    let config = configured(layers, &arguments.data)?;
    if arguments.files.is_empty() {
        let place = Place::to_read(&config)?;
        show(arguments, range, &place, zoned.then_some(&config.timezone.0))?;
    } else {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let index = Index::default();
        let place = of_files(&Config { data, index, ..config }, &arguments.files)?;
        show(arguments, range, &place, None)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Archives the files in a temporary place and computes them exactly; estimates are not needed.
fn of_files(config: &Config, files: &[String]) -> anyhow::Result<Place> {
    let mut config = config.clone();
    config.source.paths = files.to_vec();
    let place = Place::create(&config)?;
    let mut prepared = input::prepare(&config, true, input::Role::Archive)?;
    if let input::Input::Files(options, _) = &mut prepared.input {
        options.rotated = false;
    }
    let store = place.archive()?;
    let bar = output::bytes_bar(prepared.bytes, "reading");
    let format = prepared.format.clone();
    let open = |positions| prepared.open(&store, positions);
    parts::archive(open, &store, &parts::archive_options(&config, &format), stop::flag(), &bar)?;
    bar.finish_and_clear();
    let bar = output::steps_bar(Some(0), "counting");
    let options = Options { everything: true, at_end: true, ..parts::batch_options(&config) };
    parts::batch(&place, &*place.index()?, &options, &bar)?;
    bar.finish_and_clear();
    Ok(place)
}

/// Shows the report by the days and hours of `zone`, or else of that which the batch layer was told.
fn show(
    arguments: &Report,
    range: Range,
    place: &Place,
    zone: Option<&Zone>,
) -> anyhow::Result<()> {
    let (index, history) = (place.index()?, History::open(place.history()?)?);
    let stores = Stores { index: &*index, history: Some(&history) };
    let top = usize::from(arguments.top);
    if let Some(file) = &arguments.html {
        let page = kept_page(&stores, range, top, &subject(arguments, place))?;
        std::fs::write(file, page)
            .with_context(|| format!("cannot write the page {}", file.display()))?;
        eprintln!("wrote {}", file.display());
        return Ok(());
    }
    let report = match zone {
        Some(zone) => query::report_in(&stores, range, top, zone),
        None => query::report(&stores, range, top),
    }?;
    if arguments.json {
        return output::json(&report);
    }
    let colour = std::io::stdout().is_terminal();
    output::text(&query::render(&report, &Style { colour, ..Style::default() }))
}

/// What the page is about: the files, or the data directory.
fn subject(arguments: &Report, place: &Place) -> String {
    match arguments.files.as_slice() {
        [] => place.folder().display().to_string(),
        files => files.join(", "),
    }
}
