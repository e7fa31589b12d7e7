//! The spikes that were found in the traffic.

use std::process::ExitCode;

use serde_json::json;
use twofold_data::minute::Minute;
use twofold_data::spike::Contributor;
use twofold_serving::query::escape_terminal;
use twofold_serving::spikes::{Listed, Standing, list, precision};

use crate::cli::Spikes;
use crate::commands::{configured, range};
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// Lists what is stored.
pub fn run(arguments: &Spikes, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let (from, to) = range(&arguments.range)?;
    let (from, to) = (from.unwrap_or(Minute(i64::MIN / 2)), to.unwrap_or(Minute(i64::MAX / 2)));
    let index = Place::to_read(&config)?.index()?;
    let listed = list(&*index, from, to)?;
    if arguments.json {
        output::json(&json!({ "spikes": listed, "precision": precision(&listed) }))?;
    } else {
        output::text(&table(&listed))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "no spike was found; `twofold run` and `twofold serve` look for them\n".into();
    }
    let mut text = format!(
        "{:<18} {:>7} {:<28} {:>12} {:>12} {:<9} {:<10} {}\n",
        "start", "minutes", "series", "observed", "expected", "severity", "review", "mostly"
    );
    for Listed { row, review } in listed {
        let review = match review.as_ref().map(|review| review.standing) {
            Some(Standing::Confirmed) => "confirmed",
            Some(Standing::Withdrawn) => "withdrawn",
            None if row.closed => "pending",
            None => "going on",
        };
        let causes = [&row.causes.clients, &row.causes.pages];
        let mostly: Vec<String> = causes.iter().filter_map(|list| list.first()).map(most).collect();
        text += &format!(
            "{:<18} {:>7} {:<28} {:>12.0} {:>12.0} {:<9} {:<10} {}\n",
            row.start.to_string(),
            row.minutes,
            escape_terminal(&row.series.to_string()),
            row.observed,
            row.expected,
            row.severity.name(),
            review,
            mostly.join(", "),
        );
    }
    text
}

fn most(contributor: &Contributor) -> String {
    format!("{} ({:.0} %)", escape_terminal(&contributor.key), contributor.part * 100.0)
}
