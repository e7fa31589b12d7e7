//! `twofold lines`

use std::process::ExitCode;

use twofold_data::view::Filter;
use twofold_serving::api::LineFilter;
use twofold_serving::query::escape_terminal;

use super::tail::{AllLines, Search};
use super::{configured, range};
use crate::cli::Lines;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// Prints the lines behind a number.
pub fn run(arguments: &Lines, layers: Layers) -> anyhow::Result<ExitCode> {
    let mut config = configured(layers, &arguments.data)?;
    if !arguments.source.is_empty() {
        config.source.paths.clone_from(&arguments.source);
    }
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
    let store = Place::to_read(&config)?.archive()?;
    let Search { found, complete } = AllLines::new(&config, store).search(&filter)?;
    for one in &found {
        let line = match arguments.json {
            true => serde_json::to_string(one)?,
            false => escape_terminal(&one.line).into_owned(),
        };
        output::text(&(line + "\n"))?;
    }
    if found.len() == arguments.limit {
        eprintln!("the first {} lines; --limit shows more", arguments.limit);
    }
    if !complete {
        eprintln!("not all of what is not archived yet was searched");
    }
    Ok(ExitCode::SUCCESS)
}
