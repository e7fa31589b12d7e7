//! Which spikes somebody is told of, and that nobody is told twice.
//!
//! An alert's key is put before the alert is sent: who puts it first sends it, so that neither a
//! restart nor a second judge sends it again. A process that dies between the two sends none: of
//! losing one alert and sending one twice, this is the first.

use serde::{Deserialize, Serialize};
use serde_json::json;
use twofold_data::minute::Minute;
use twofold_data::spike::{Scope, Severity};

use super::row::SpikeRow;
use super::store::live;
use crate::index::{Document, Index, IndexError, LiveDocument, Put};

/// The kind of live documents that are alerts.
const ALERT: &str = "alert";

/// When somebody is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// How many minutes a spike has lasted at least.
    pub min_minutes: u64,
    /// How much it matters at least.
    pub severity: Severity,
    /// For so many minutes after an alert no other one of the same series is sent.
    pub quiet: i64,
    /// Whether the end of a spike is told, too.
    pub resolve: bool,
    /// Whether spikes of single hosts and pages are told, too.
    pub keys: bool,
}

/// What happens to a spike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It goes on.
    Spike,
    /// It is over.
    Resolved,
}

/// A message to somebody.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// The key under which it is remembered.
    pub key: String,
    /// What happens.
    pub event: Event,
    /// A sentence for people.
    pub text: String,
    /// The spike.
    pub spike: SpikeRow,
}

/// Spikes of several series that begin within so many minutes are one event: the first is told.
const TOGETHER: i64 = 10;

/// Nobody is told of what ended so long ago (minutes): it comes from going through old minutes.
const OLD: i64 = 60;

/// The alerts that these changed spikes call for, each claimed for the caller. `now` is the wall
/// clock (ms).
pub fn claim(
    index: &dyn Index,
    rules: &Rules,
    changed: &[SpikeRow],
    now: i64,
) -> Result<Vec<Alert>, IndexError> {
    let mut alerts = Vec::new();
    for row in changed {
        if Minute::of(now).0 - row.end.0 > OLD {
            continue;
        }
        let mut told = told(index, row, rules.quiet)?;
        let wanted = row.minutes >= rules.min_minutes
            && row.severity >= rules.severity
            && (rules.keys || row.series.scope == Scope::All);
        if !told.this && !told.another && wanted && claimed(index, row, Event::Spike, now)? {
            alerts.push(alert(row, Event::Spike));
            told.this = true;
        }
        let over = row.closed && rules.resolve && told.this;
        if over && claimed(index, row, Event::Resolved, now)? {
            alerts.push(alert(row, Event::Resolved));
        }
    }
    Ok(alerts)
}

/// What was told already.
struct Told {
    /// Of this spike.
    this: bool,
    /// Of another one of its series within the quiet time, or of one of any series that began with it.
    another: bool,
}

fn told(index: &dyn Index, row: &SpikeRow, quiet: i64) -> Result<Told, IndexError> {
    let from = Minute(row.start.0 - quiet.max(TOGETHER));
    let alerts = index.live_documents(ALERT, from, Minute(row.start.0 + TOGETHER + 1))?;
    let mut told = Told { this: false, another: false };
    for LiveDocument { document: Document { start, body, .. }, .. } in &alerts {
        if body["event"] != json!(Event::Spike) {
            continue;
        }
        let apart = (row.start.0 - start.0).abs();
        let same = body["series"] == json!(row.series.to_string()) && apart <= quiet;
        match body["spike"] == json!(row.id) {
            true => told.this = true,
            false => told.another |= same || apart <= TOGETHER,
        }
    }
    Ok(told)
}

fn key(row: &SpikeRow, event: Event) -> String {
    let event = if event == Event::Spike { "spike" } else { "resolved" };
    format!("{}/{event}", row.id)
}

/// Whether this call is the one that has put the alert's key.
fn claimed(index: &dyn Index, row: &SpikeRow, event: Event, now: i64) -> Result<bool, IndexError> {
    let body = json!({
        "spike": row.id,
        "series": row.series.to_string(),
        "event": event,
        "claimed_at": now,
    });
    let document = live(ALERT, &key(row, event), row.start, body, 1);
    Ok(index.put_documents(&[document])? == [Put::Stored])
}

fn alert(row: &SpikeRow, event: Event) -> Alert {
    Alert { key: key(row, event), event, text: sentence(row, event), spike: row.clone() }
}

/// Removes the alerts, reviews and spikes that begin before `before`.
pub fn forget(index: &dyn Index, before: Minute) -> Result<u64, IndexError> {
    let kinds = [ALERT, super::store::SPIKE, super::store::REVIEW];
    kinds.iter().map(|kind| index.delete_documents_before(kind, before)).sum()
}

/// `requests: 2,310 a minute where 410 were expected, for 4 minutes since 2026-11-23T18:04Z; mostly …`.
fn sentence(row: &SpikeRow, event: Event) -> String {
    let since = row.start;
    let lasted = match row.minutes {
        1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    };
    let (observed, expected) = (row.observed.round(), row.expected.round());
    let mut text = match event {
        Event::Spike => format!(
            "{} {}: {observed} a minute where {expected} were expected, for {lasted} since {since}",
            row.series,
            row.direction.name()
        ),
        Event::Resolved => format!("{} back after {lasted} from {since}", row.series),
    };
    if let (Event::Spike, Some(client)) = (event, row.causes.clients.first()) {
        text += &format!("; client {} makes {:.0} % of it", client.key, client.part * 100.0);
    }
    if let (Event::Spike, Some(page)) = (event, row.causes.pages.first()) {
        text += &format!("; page {} {:.0} %", page.key, page.part * 100.0);
    }
    text
}
