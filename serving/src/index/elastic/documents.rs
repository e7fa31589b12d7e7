//! Documents: what a set of rows looks like in the index. [`super::body`] reads them.
//!
//! A set is one document of its own (`set`), with everything that twofold reads, and one
//! more (`row`) for each rank of a list, which is what Kibana reads. The one row of
//! `traffic` stands on the `set` document itself. They are written by hand, since an
//! emission has thousands of them: what the rows of a set share is written once.

use std::io::Write as _;

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Counts, Key, MEASURES, Row, RowSet, State, Summary, view};
use twofold_data::window::sketch::Quantiles;

use super::bulk::{Target, Version, Writes};
use super::mapping::key_field;
use crate::index::IndexError;
use crate::index::body::{finality, sketches_json};
use crate::index::encode::{number, rows, string};

/// Which of a set's layers and unions a document speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A partition's rows of the speed layer.
    Speed,
    /// The union of all partitions' rows of the speed layer.
    Merged,
    /// Exact rows.
    Batch,
}

impl Kind {
    fn doc(self) -> &'static str {
        if self == Self::Merged { "merged" } else { "set" }
    }

    fn layer(self) -> &'static str {
        if self == Self::Batch { "batch" } else { "speed" }
    }
}

/// A set on its way into the index.
pub(super) struct Documents<'a> {
    pub(super) set: &'a RowSet,
    pub(super) id: String,
    kind: Kind,
    target: Target,
    key: Key,
    /// What all of them begin with.
    shared: Vec<u8>,
}

impl<'a> Documents<'a> {
    /// What a partition's set is in the speed layer: the newest counts.
    pub(super) fn of_speed(set: &'a RowSet) -> Self {
        Self::of(Kind::Speed, set, Version::AtLeast(external_version(set)))
    }

    pub(super) fn of(kind: Kind, set: &'a RowSet, version: Version) -> Self {
        let id = set_id(kind, set);
        let shared = shared(kind, set, &id);
        let key = view(&set.view).map_or(Key::None, |view| view.key);
        let target = Target::new(&id, version);
        Self { set, id, kind, target, key, shared }
    }

    /// How many documents of their own the rows have.
    pub(super) fn rows(&self) -> usize {
        if self.key == Key::None { 0 } else { self.set.rows.len() }
    }

    /// Writes the document of the set itself.
    pub(super) fn write_set(&self, writes: &mut Writes) -> Result<(), IndexError> {
        writes.index(&self.target, |out| self.whole(out))
    }

    /// Writes those of the rows, and clears what a list of `before` rows had beyond them.
    pub(super) fn write_rows(&self, writes: &mut Writes, before: usize) {
        for (row, rank) in self.set.rows.iter().take(self.rows()).zip(1..) {
            writes.index_row(rank, &self.target, |out| self.row(rank, row, out));
        }
        (self.rows() + 1..=before).for_each(|rank| writes.delete_row(rank, &self.target));
    }

    fn whole(&self, out: &mut Vec<u8>) -> Result<(), IndexError> {
        let Self { set, kind, .. } = self;
        out.extend_from_slice(&self.shared);
        let _ = write!(
            out,
            r#","doc":"{}","whole":{},"version":{},"count":{}"#,
            kind.doc(),
            *kind != Kind::Speed,
            set.version,
            self.rows()
        );
        if self.key == Key::None {
            if let Some(row) = set.rows.first() {
                counts(out, &row.counts);
            }
            calendar(out, set);
        }
        if let Some(summary) = &set.summary {
            summary_fields(out, summary);
        }
        out.extend_from_slice(br#","rows":"#);
        rows(out, set)?;
        if let Some(summary) = &set.summary {
            out.extend_from_slice(br#","sketches":"#);
            out.extend_from_slice(&sketches_json(summary)?);
        }
        out.extend_from_slice(b"}}");
        Ok(())
    }

    fn row(&self, rank: usize, row: &Row, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.shared);
        out.extend_from_slice(br#","doc":"row""#);
        field(out, "rank", rank as u64);
        counts(out, &row.counts);
        if row.missed > 0 {
            field(out, "missed", long(row.missed));
        }
        out.push(b'}');
        key(out, self.key, &row.key);
        out.push(b'}');
    }
}

/// The id of a set. Topics may hold any text, so they come last.
pub(super) fn set_id(kind: Kind, set: &RowSet) -> String {
    let RowSet { view, grain, start, .. } = set;
    let name = grain.name();
    match (kind, &set.partition) {
        (Kind::Speed, Some(partition)) => speed_id(view, *grain, *start, partition),
        (Kind::Merged, _) => format!("{view}.{name}.{}.all", start.0),
        _ => format!("{view}.{name}.{}", start.0),
    }
}

/// The id of a partition's set of the speed layer.
pub(super) fn speed_id(view: &str, grain: Grain, start: Minute, partition: &Partition) -> String {
    let Partition { topic, number } = partition;
    format!("{view}.{}.{}.{number}.{topic}", grain.name(), start.0)
}

/// The external version: of two equal versions the more final state is the newer one.
/// Versions lie below 2^60.
pub(super) fn external_version(set: &RowSet) -> i64 {
    i64::try_from(set.version).unwrap_or(i64::MAX / 8).min(i64::MAX / 8) * 4 + finality(set.state)
}

fn shared(kind: Kind, set: &RowSet, id: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(300);
    let start = super::names::clamp(set.start);
    let layer = kind.layer();
    let _ = write!(text, r#"{{"@timestamp":"{start}","twofold":{{"layer":"{layer}","view":"#);
    string(&mut text, &set.view);
    let _ = write!(text, r#","grain":"{}","set":"#, set.grain.name());
    string(&mut text, id);
    if let Some(partition) = &set.partition {
        text.extend_from_slice(br#","topic":"#);
        string(&mut text, &partition.topic);
        let _ = write!(text, r#","partition":{}"#, partition.number);
    }
    let _ = write!(text, r#","state":"{}""#, state_name(set.state));
    text
}

/// The key under its name, as its type.
fn key(out: &mut Vec<u8>, kind: Key, text: &str) {
    let Some(name) = key_field(kind) else { return };
    if kind == Key::Status {
        text.parse::<u16>().iter().for_each(|status| field(out, name, (*status).into()));
        return;
    }
    text_field(out, name, text);
    if kind == Key::Client && text.parse::<std::net::IpAddr>().is_ok() {
        text_field(out, "source.ip", text);
    }
}

/// Measures by name; what is 0 is left out.
fn counts(out: &mut Vec<u8>, counts: &Counts) {
    for (measure, value) in MEASURES.iter().zip(counts.0) {
        if value > 0 || measure.name == "requests" {
            field(out, measure.name, long(value));
        }
    }
}

fn field(out: &mut Vec<u8>, name: &str, value: u64) {
    name_of_field(out, name);
    number(out, value);
}

fn text_field(out: &mut Vec<u8>, name: &str, value: &str) {
    name_of_field(out, name);
    string(out, value);
}

fn name_of_field(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// The largest number that the engine's `long` holds. Sizes come from hostile input.
fn long(value: u64) -> u64 {
    value.min(i64::MAX as u64)
}

/// The hour and the weekday (UTC) of an hour's row, for heatmaps.
fn calendar(out: &mut Vec<u8>, set: &RowSet) {
    const DAYS: [&str; 7] = ["4 Thu", "5 Fri", "6 Sat", "7 Sun", "1 Mon", "2 Tue", "3 Wed"];
    if set.grain != Grain::Hour {
        return;
    }
    let hours = set.start.0.div_euclid(60);
    let day = usize::try_from(hours.div_euclid(24).rem_euclid(7)).unwrap_or(0);
    let name = DAYS.get(day).copied().unwrap_or_default();
    let _ = write!(out, r#","hour_of_day":{},"weekday":"{name}""#, hours.rem_euclid(24));
}

fn summary_fields(out: &mut Vec<u8>, summary: &Summary) {
    let tally = summary.tally;
    let (clients, human) = summary.exact.map_or_else(
        || {
            let estimate = |sketch: f64| sketch.round() as u64;
            (estimate(summary.clients.estimate()), estimate(summary.human_clients.estimate()))
        },
        |exact| (exact.clients, exact.human_clients),
    );
    let _ = write!(
        out,
        r#","records":{},"malformed":{},"blank":{},"clients":{{"distinct":{clients},"distinct_human":{human}}}"#,
        long(tally.records),
        long(tally.malformed),
        long(tally.blank),
    );
    let any = !summary.sizes.is_empty();
    let sizes = summary.exact.filter(|_| any).map(|exact| exact.sizes);
    percentiles(out, "sizes", sizes.or_else(|| estimated(&summary.sizes)));
    let durations = summary.exact.and_then(|exact| exact.durations);
    percentiles(out, "durations", durations.or_else(|| estimated(&summary.durations)));
}

fn estimated(sketch: &Quantiles) -> Option<[u64; 4]> {
    let [a, b, c, d] = [0.50, 0.90, 0.95, 0.99].map(|rank| sketch.quantile(rank));
    Some([a?, b?, c?, d?])
}

fn percentiles(out: &mut Vec<u8>, name: &str, values: Option<[u64; 4]>) {
    if let Some([p50, p90, p95, p99]) = values.map(|values| values.map(long)) {
        let _ = write!(out, r#","{name}":{{"p50":{p50},"p90":{p90},"p95":{p95},"p99":{p99}}}"#);
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Closed => "closed",
        State::Partial => "partial",
        State::Exact => "exact",
    }
}
