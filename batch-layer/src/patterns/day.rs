//! The access patterns of one day: the heatmap's row, new and returning clients, sessions.

use hashbrown::HashMap;
use serde_json::{Value, json};
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{CLIENTS, TRAFFIC, VIEWS};
use twofold_data::zone::{LocalDay, Zone};
use twofold_serving::index::Document;

use super::document;
use crate::BatchError;
use crate::history::{History, hour::table_path, merge};
use crate::manifest::{Hour, Manifest};
use crate::recompute::{Fragment, GAP};

/// A client is new on a day if it was not seen on the so many days before.
const NEW_AFTER_DAYS: i64 = 30;

/// What the patterns of a day are computed from.
pub struct Patterns<'a> {
    pub history: &'a History,
    pub manifest: &'a Manifest,
    pub day: &'a LocalDay,
    pub zone: &'a Zone,
}

impl Patterns<'_> {
    /// Requests by hour of the day, with the weekday. An hour that the clock
    /// leaves out has none, one that it repeats has those of both.
    pub fn heatmap(&self) -> Result<Document, BatchError> {
        let mut hours = [0u64; 24];
        for (start, known) in self.hours(self.day.from, self.day.to) {
            for (minute, requests) in self.requests(start, known)? {
                if (self.day.from..self.day.to).contains(&minute) {
                    hours[self.zone.hour(minute).min(23)] += requests;
                }
            }
        }
        let body = json!({
            "weekday": self.day.weekday, "hours": hours, "timezone": self.zone.to_string(),
        });
        Ok(document("heatmap", self.day, body))
    }

    /// Requests of an hour: by its minutes only where the zone's hours begin within it.
    fn requests(&self, start: Minute, known: &Hour) -> Result<Vec<(Minute, u64)>, BatchError> {
        let grain = match self.zone.hour_start(start) == start {
            true => Grain::Hour,
            false => Grain::Minute,
        };
        let wanted = |view: &str, of: &str| view == VIEWS[TRAFFIC].name && of == grain.name();
        let sets = self.history.read_rows(&known.folder, wanted)?;
        let sum = |rows: &[twofold_data::view::Row]| {
            rows.iter().map(|row| row.counts.requests()).sum::<u64>()
        };
        Ok(sets.iter().map(|set| (set.start, sum(&set.rows))).collect())
    }

    /// Distinct clients of the day: how many were not seen on the days before. Of an hour that is
    /// only partly in a span a client's first and last request tell.
    pub fn newcomers(&self) -> Result<Document, BatchError> {
        let since = Minute(self.day.from.0 - NEW_AFTER_DAYS * 1440);
        let (since_ms, from_ms) = (since.start_ms(), self.day.from.start_ms());
        let to_ms = self.day.to.start_ms();
        let (mut distinct, mut new) = (0u64, 0u64);
        merge(
            self.history,
            &self.client_tables(since, self.day.to)?,
            1,
            |seen| seen.last >= since_ms && seen.first < to_ms,
            |client| {
                distinct += u64::from(client.last >= from_ms);
                new += u64::from(client.first >= from_ms);
            },
        )?;
        let body = json!({
            "clients": distinct, "new": new, "returning": distinct - new,
            "timezone": self.zone.to_string(),
        });
        Ok(document("newcomers", self.day, body))
    }

    /// The tables of clients of the hours that have a part in a span.
    fn client_tables(&self, from: Minute, to: Minute) -> Result<Vec<String>, BatchError> {
        let mut paths = Vec::new();
        for (_, known) in self.hours(from, to) {
            let path = table_path(&known.folder, VIEWS[CLIENTS].name);
            if self.history.exists(&path)? {
                paths.push(path);
            }
        }
        Ok(paths)
    }

    /// Sessions that began on the day, and whether one of them may still go on: then they are not
    /// exact yet.
    pub fn sessions(&self) -> Result<(Document, bool), BatchError> {
        let (from, to) = (self.day.from.start_ms(), self.day.to.start_ms());
        let boundary = self.manifest.boundary;
        let mut joined: HashMap<u64, Vec<Fragment>> = HashMap::new();
        for (_, known) in self.hours(Minute(self.day.from.0 - 60), boundary) {
            for fragment in self.history.read_fragments(&known.folder)? {
                join(&mut joined, fragment, to);
            }
        }
        let began = |session: &&Fragment| (from..to).contains(&session.first);
        let sessions: Vec<&Fragment> = joined.values().flatten().filter(began).collect();
        let may_go_on = |session: &&&Fragment| session.last + GAP >= boundary.start_ms();
        let open = match self.manifest.end_of_input {
            true => 0,
            false => sessions.iter().filter(may_go_on).count(),
        };
        let mut body = statistics(&sessions);
        body["exact"] = json!(open == 0);
        body["open"] = json!(open);
        body["timezone"] = json!(self.zone.to_string());
        Ok((document("sessions", self.day, body), open > 0))
    }

    /// The hours that have a part in a span.
    fn hours(&self, from: Minute, to: Minute) -> impl Iterator<Item = (Minute, &Hour)> {
        let first = Grain::Hour.start(from).0;
        self.manifest
            .hours
            .range(first..to.0.max(first))
            .map(|(start, hour)| (Minute(*start), hour))
    }
}

/// Goes on with the visitor's session, or begins one if that is before `to`.
fn join(joined: &mut HashMap<u64, Vec<Fragment>>, fragment: Fragment, to: i64) {
    let known = joined.get_mut(&fragment.visitor).and_then(|sessions| sessions.last_mut());
    match known {
        Some(session) if fragment.first - session.last <= GAP => {
            session.last = session.last.max(fragment.last);
            session.requests += fragment.requests;
        }
        _ if fragment.first < to => joined.entry(fragment.visitor).or_default().push(fragment),
        _ => {}
    }
}

fn statistics(sessions: &[&Fragment]) -> Value {
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
