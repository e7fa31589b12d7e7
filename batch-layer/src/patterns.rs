//! Access patterns of a day: sessions, new and returning clients, and the heatmap.

use hashbrown::{HashMap, HashSet};
use serde_json::json;
use twofold_data::minute::{Grain, Minute};
use twofold_serving::index::Document;

use crate::BatchError;
use crate::history::{History, hour::table_path, merge};
use crate::manifest::Manifest;
use crate::recompute::{Fragment, GAP};

/// A client is new on a day if it was not seen on the so many days before.
const NEW_AFTER_DAYS: i64 = 30;

/// The documents of a day that is over: heatmap, sessions, newcomers.
///
/// # Errors
/// Of the store; [`BatchError::Damaged`] where a table doesn't read.
pub fn day(
    history: &History,
    manifest: &Manifest,
    day: Minute,
) -> Result<Vec<Document>, BatchError> {
    let mut documents = vec![heatmap(history, manifest, day)?, newcomers(history, manifest, day)?];
    documents.extend(sessions(history, manifest, day)?);
    Ok(documents)
}

fn folders(manifest: &Manifest, from: Minute, to: Minute) -> Vec<String> {
    manifest.hours.range(from.0..to.0.max(from.0)).map(|(_, hour)| hour.folder.clone()).collect()
}

fn document(kind: &str, day: Minute, mut body: serde_json::Value) -> Document {
    let name = day.to_string().get(..10).unwrap_or_default().to_owned();
    body["day"] = json!(name);
    Document { kind: kind.into(), id: name, start: day, body }
}

/// Requests by hour of the day (UTC), with the weekday: rows of the heatmap.
fn heatmap(history: &History, manifest: &Manifest, day: Minute) -> Result<Document, BatchError> {
    let mut hours = [0u64; 24];
    for (hour, known) in manifest.hours.range(day.0..Grain::Day.end(day).0) {
        let table = present(history, vec![table_path(&known.folder, "traffic")])?;
        let merged = merge(history, &table, 0, |_| ())?;
        let requests = merged.rows.iter().map(|row| row.counts.requests()).sum::<u64>();
        hours[((hour - day.0) / 60) as usize % 24] = requests;
    }
    // The Unix epoch was a Thursday; 0 is Monday.
    let weekday = (day.0.div_euclid(1440) + 3).rem_euclid(7);
    Ok(document("heatmap", day, json!({ "weekday": weekday, "hours": hours })))
}

/// Distinct clients of the day: how many were not seen on the days before.
fn newcomers(history: &History, manifest: &Manifest, day: Minute) -> Result<Document, BatchError> {
    let tables = |from: Minute, to: Minute| -> Vec<String> {
        let folders = folders(manifest, from, to);
        folders.iter().map(|folder| table_path(folder, "clients")).collect()
    };
    let mut today = HashSet::new();
    let clients = present(history, tables(day, Grain::Day.end(day)))?;
    merge(history, &clients, 1, |entry| {
        today.insert(entry.key.clone());
    })?;
    let distinct = today.len();
    let before = Minute(day.0 - NEW_AFTER_DAYS * 1440);
    let earlier = present(history, tables(before, day))?;
    merge(history, &earlier, 1, |entry| {
        today.remove(&entry.key);
    })?;
    let body =
        json!({ "clients": distinct, "new": today.len(), "returning": distinct - today.len() });
    Ok(document("newcomers", day, body))
}

fn present(history: &History, paths: Vec<String>) -> Result<Vec<String>, BatchError> {
    let mut found = Vec::new();
    for path in paths {
        if history.exists(&path)? {
            found.push(path);
        }
    }
    Ok(found)
}

/// Sessions that began on the day. They are exact once the last of them can have ended
/// before the boundary; `None` as long as one may go on.
fn sessions(
    history: &History,
    manifest: &Manifest,
    day: Minute,
) -> Result<Option<Document>, BatchError> {
    let mut joined: HashMap<u64, Vec<Fragment>> = HashMap::new();
    let before = Minute(day.0 - 60);
    let end = Grain::Day.end(day);
    for folder in folders(manifest, before, manifest.boundary) {
        for fragment in history.read_fragments(&folder)? {
            let known = joined.get_mut(&fragment.visitor).and_then(|sessions| sessions.last_mut());
            match known {
                Some(session) if fragment.first - session.last <= GAP => {
                    session.last = session.last.max(fragment.last);
                    session.requests += fragment.requests;
                }
                _ if fragment.first < end.start_ms() => {
                    joined.entry(fragment.visitor).or_default().push(fragment);
                }
                _ => {}
            }
        }
    }
    let began = |session: &&Fragment| (day.start_ms()..end.start_ms()).contains(&session.first);
    let sessions: Vec<&Fragment> = joined.values().flatten().filter(began).collect();
    let sure = manifest.end_of_input
        || sessions.iter().all(|session| session.last + GAP < manifest.boundary.start_ms());
    Ok(sure.then(|| document("sessions", day, statistics(&sessions))))
}

fn statistics(sessions: &[&Fragment]) -> serde_json::Value {
    let count = sessions.len();
    let mut seconds: Vec<i64> = sessions.iter().map(|s| (s.last - s.first) / 1000).collect();
    seconds.sort_unstable();
    let requests: u64 = sessions.iter().map(|session| session.requests).sum();
    let bounces = sessions.iter().filter(|session| session.requests == 1).count();
    let share = |value: f64| if count == 0 { 0.0 } else { value / count as f64 };
    json!({
        "sessions": count,
        "requests": requests,
        "requests_per_session": share(requests as f64),
        "mean_seconds": share(seconds.iter().sum::<i64>() as f64),
        "median_seconds": seconds.get(count / 2).copied().unwrap_or(0),
        "bounce_share": share(bounces as f64),
        "gap_minutes": GAP / 60_000,
    })
}
