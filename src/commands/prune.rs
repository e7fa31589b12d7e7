//! `twofold prune`

use std::process::ExitCode;

use serde_json::json;
use twofold_data::minute::{Grain, MINUTE_MS, Minute};
use twofold_serving::index::Layer;

use super::configured;
use crate::cli::Prune;
use crate::config::{Config, Layers, Span};
use crate::output;
use crate::place::Place;

/// Removes rows of the index that are past their retention.
pub fn run(arguments: &Prune, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let index = Place::open(&config)?.index()?;
    let Some(boundary) = index.published()?.map(|publication| publication.boundary) else {
        anyhow::bail!("nothing is published yet, and estimates are kept until they are replaced");
    };
    let mut removed = 0;
    for (layer, grain, before) in plan(&config, boundary) {
        if !arguments.dry_run {
            removed += index.delete_before(layer, grain, before)?;
        }
    }
    if arguments.json {
        output::json(&json!({ "removed_row_sets": removed, "boundary": boundary.to_string() }))?;
    } else {
        output::text(&format!("{removed} row sets removed\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What goes: rows that start before an instant. Ages count from the boundary, so that a log
/// that ended long ago does not fade away.
fn plan(config: &Config, boundary: Minute) -> Vec<(Layer, Grain, Minute)> {
    let retention = &config.retention;
    let mut plan = Vec::new();
    for (grain, age) in [(Grain::Minute, retention.minutes), (Grain::Hour, retention.hours)] {
        if age != Span::seconds(0) {
            let before = Grain::Day.start(Minute(boundary.0 - age.as_millis() / MINUTE_MS));
            plan.push((Layer::Batch, grain, before));
            plan.push((Layer::Speed, grain, before));
        }
    }
    plan
}
