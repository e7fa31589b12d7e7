//! `twofold lines`

use std::process::ExitCode;

use twofold_batch::archive::Archive;
use twofold_batch::lines::lines;
use twofold_data::view::Filter;
use twofold_serving::api::LineFilter;
use twofold_serving::query::escape_terminal;

use super::{configured, parts, range};
use crate::cli::Lines;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// Prints the lines behind a number.
pub fn run(arguments: &Lines, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let (from, to) = range(&arguments.range)?;
    let filter = LineFilter {
        from,
        to,
        client: arguments.client.clone(),
        path: arguments.path.clone(),
        status: arguments.status,
        only: Filter::default(),
        contains: arguments.contains.clone(),
        malformed: arguments.malformed,
        after: None,
        limit: arguments.limit,
    };
    let archive = Archive::open(Place::open(&config)?.archive()?)?;
    let (found, effort) = lines(&archive, &filter, parts::rules(&config))?;
    for one in &found {
        let line = match arguments.json {
            true => serde_json::to_string(one)?,
            false => escape_terminal(&one.line).into_owned(),
        };
        output::text(&(line + "\n"))?;
    }
    tracing::info!(?effort, "searched the archive");
    if found.len() == arguments.limit {
        eprintln!("the first {} lines; --limit shows more", arguments.limit);
    }
    Ok(ExitCode::SUCCESS)
}
