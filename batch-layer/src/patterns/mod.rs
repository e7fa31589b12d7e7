//! Access patterns by day: which days are due, by the clock of the configured time zone.

mod day;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use twofold_data::minute::{Grain, Minute};
use twofold_data::zone::{LocalDay, Zone};
use twofold_serving::index::Document;

use crate::BatchError;
use crate::history::History;
use crate::manifest::Manifest;
use day::Patterns;

/// The kinds of documents.
const KINDS: [&str; 3] = ["heatmap", "newcomers", "sessions"];

/// So long (minutes) after a day's end its sessions are computed again while some of
/// them may still go on; what lasts longer is a machine.
const SETTLING: i64 = 24 * 60;

/// The documents of the days that are over and have changed, or have just ended, or are told
/// by another time zone than before. Remembers in the manifest whose sessions may go on.
///
/// # Errors
/// Of the store; [`BatchError::Damaged`] where a table doesn't read.
pub fn due(
    history: &History,
    before: &Manifest,
    manifest: &mut Manifest,
    touched: &BTreeSet<i64>,
    zone: &Zone,
) -> Result<Vec<Document>, BatchError> {
    let days = days(manifest, zone);
    let moved = before.generation > 0 && before.timezone != manifest.timezone;
    let mut documents = if moved { removed(before, manifest, &days) } else { Vec::new() };
    for day in days.values() {
        if day.to > manifest.boundary && !manifest.end_of_input {
            continue;
        }
        let is_touched = |from: Minute, to: Minute| touched.range(from.0..to.0).next().is_some();
        let new = moved || day.to > before.boundary;
        let from = Grain::Hour.start(day.from);
        let patterns = Patterns { history, manifest, day, zone };
        if new || is_touched(from, day.to) {
            documents.push(patterns.heatmap()?);
            documents.push(patterns.newcomers()?);
        }
        let settling = manifest.settling.contains(&day.date);
        // A request after midnight may belong to a session of the day.
        if new || settling || is_touched(from, Minute(day.to.0 + SETTLING)) {
            let (document, open) = patterns.sessions()?;
            documents.push(document);
            match open && manifest.boundary.0 < day.to.0 + SETTLING {
                true => manifest.settling.insert(day.date.clone()),
                false => manifest.settling.remove(&day.date),
            };
        }
    }
    Ok(documents)
}

/// The days in which a manifest has hours, by their first minute.
fn days(manifest: &Manifest, zone: &Zone) -> BTreeMap<Minute, LocalDay> {
    let mut days: BTreeMap<Minute, LocalDay> = BTreeMap::new();
    for hour in manifest.hours.keys() {
        for minute in [Minute(*hour), Minute(hour + 59)] {
            let known = days.range(..=minute).next_back();
            if known.is_none_or(|(_, day)| minute >= day.to) {
                let day = zone.day(minute);
                days.insert(day.from, day);
            }
        }
    }
    days
}

/// Days that the time zone before had and this one has not, as documents that say no more than that.
fn removed(
    before: &Manifest,
    manifest: &Manifest,
    now: &BTreeMap<Minute, LocalDay>,
) -> Vec<Document> {
    let Ok(zone) = Zone::named(&before.timezone) else { return Vec::new() };
    let dates: BTreeSet<&str> = now.values().map(|day| day.date.as_str()).collect();
    let gone = days(manifest, &zone).into_values().filter(|day| !dates.contains(day.date.as_str()));
    gone.flat_map(|day| KINDS.map(|kind| document(kind, &day, json!({ "removed": true }))))
        .collect()
}

fn document(kind: &str, day: &LocalDay, mut body: serde_json::Value) -> Document {
    body["day"] = json!(day.date);
    Document { kind: kind.into(), id: day.date.clone(), start: day.from, body }
}
