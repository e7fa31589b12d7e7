//! `twofold accuracy`

use std::process::ExitCode;

use serde_json::{Value, json};
use twofold_data::minute::Minute;
use twofold_serving::spikes::{self, Precision, precision};

use super::{configured, range};
use crate::cli::Shown;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// How far the estimates were off, per day and view.
pub fn run(arguments: &Shown, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let (from, to) = range(&arguments.range)?;
    let (from, to) = (from.unwrap_or(Minute(i64::MIN)), to.unwrap_or(Minute(i64::MAX)));
    let index = Place::to_read(&config)?.index()?;
    let days: Vec<Value> =
        index.documents("accuracy", from, to)?.into_iter().map(|document| document.body).collect();
    let spikes = precision(&spikes::list(&*index, from, to)?);
    if arguments.json {
        output::json(&json!({ "days": days, "spikes": spikes }))?;
    } else {
        output::text(&(table(&days) + &sentence(&spikes)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How many of the live spikes the exact minutes confirmed.
fn sentence(spikes: &Precision) -> String {
    let Precision { confirmed, withdrawn, missed, pending, .. } = spikes;
    let Some(precision) = spikes.precision else { return String::new() };
    format!(
        "spikes: {confirmed} of {} seen live are confirmed ({:.0} %), {missed} were missed, {pending} wait for the next batch run\n",
        confirmed + withdrawn,
        precision * 100.0
    )
}

fn table(days: &[Value]) -> String {
    if days.is_empty() {
        return "no minute has been estimated and computed exactly yet\n".into();
    }
    let mut text = format!(
        "{:<12} {:>8} {:>12} {:>12} {:>14} {:>14} {:>10}\n",
        "day", "minutes", "requests", "estimated", "clients off by", "at most", "recall"
    );
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let percent = |value: &Value| format!("{:.2} %", value.as_f64().unwrap_or(0.0) * 100.0);
    for day in days {
        text += &format!(
            "{:<12} {:>8} {:>12} {:>12} {:>14} {:>14} {:>10}\n",
            day["day"].as_str().unwrap_or_default(),
            count(&day["minutes"]),
            count(&day["requests"]["exact"]),
            count(&day["requests"]["estimated"]),
            percent(&day["distinct_clients"]["mean_error"]),
            percent(&day["distinct_clients"]["max_error"]),
            percent(&day["top_clients"]["recall"]),
        );
    }
    text
}
