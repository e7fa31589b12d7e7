//! Documents: what a set of rows looks like in the index, and back.
//!
//! A set is one document of its own (`set`), with everything that twofold reads, and one
//! more (`row`) for each rank of a list, which is what Kibana reads. The one row of
//! `traffic` stands on the `set` document itself. Bodies are written by hand, since an
//! emission has thousands of them: what the rows of a set share is written once.

use std::io::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Counts, Key, MEASURES, RowSet, State, Summary, view};
use twofold_data::window::sketch::Quantiles;

use super::mapping::key_field;
use crate::index::body::{Head, Rows, Sketches, decode, finality, sketches_json};
use crate::index::encode::{rows, string};
use crate::index::{IndexError, Layer};

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

/// The id of a row; no set's id begins with a digit.
pub(super) fn row_id(set_id: &str, rank: usize) -> String {
    format!("{rank}.{set_id}")
}

/// The external version: of two equal versions the more final state is the newer one.
/// Versions lie below 2^60.
pub(super) fn external_version(set: &RowSet) -> i64 {
    i64::try_from(set.version).unwrap_or(i64::MAX / 8).min(i64::MAX / 8) * 4 + finality(set.state)
}

/// How many documents of their own a set's rows have.
pub(super) fn row_count(set: &RowSet) -> usize {
    if view_key(set) == Key::None { 0 } else { set.rows.len() }
}

fn view_key(set: &RowSet) -> Key {
    view(&set.view).map_or(Key::None, |view| view.key)
}

/// What all documents of a set begin with.
pub(super) struct Shared {
    text: Vec<u8>,
    key: Key,
}

impl Shared {
    pub(super) fn of(kind: Kind, set: &RowSet, id: &str) -> Self {
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
        Self { text, key: view_key(set) }
    }

    /// Writes the document of the set itself.
    pub(super) fn set(
        &self,
        kind: Kind,
        set: &RowSet,
        out: &mut Vec<u8>,
    ) -> Result<(), IndexError> {
        out.extend_from_slice(&self.text);
        let whole = kind != Kind::Speed;
        let _ = write!(
            out,
            r#","doc":"{}","whole":{whole},"version":{},"count":{}"#,
            kind.doc(),
            set.version,
            row_count(set)
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
        out.extend_from_slice(&rows(set)?);
        if let Some(summary) = &set.summary {
            out.extend_from_slice(br#","sketches":"#);
            out.extend_from_slice(&sketches_json(summary)?);
        }
        out.extend_from_slice(b"}}");
        Ok(())
    }

    /// Writes the document of the row of that rank, from 1.
    pub(super) fn row(&self, set: &RowSet, rank: usize, out: &mut Vec<u8>) {
        let Some(row) = rank.checked_sub(1).and_then(|at| set.rows.get(at)) else { return };
        out.extend_from_slice(&self.text);
        let _ = write!(out, r#","doc":"row","rank":{rank}"#);
        counts(out, &row.counts);
        if row.missed > 0 {
            let _ = write!(out, r#","missed":{}"#, long(row.missed));
        }
        out.push(b'}');
        key(out, self.key, &row.key);
        out.push(b'}');
    }
}

/// The key under its name, as its type.
fn key(out: &mut Vec<u8>, kind: Key, text: &str) {
    let Some(field) = key_field(kind) else { return };
    match (kind, text.parse::<u16>()) {
        (Key::Status, Ok(status)) => {
            let _ = write!(out, r#","{field}":{status}"#);
        }
        (Key::Status, Err(_)) => {}
        _ => {
            let _ = write!(out, r#","{field}":"#);
            string(out, text);
        }
    }
    if kind == Key::Client && text.parse::<std::net::IpAddr>().is_ok() {
        let _ = write!(out, r#","source.ip":"{text}""#);
    }
}

/// Measures by name; what is 0 is left out.
fn counts(out: &mut Vec<u8>, counts: &Counts) {
    for (measure, value) in MEASURES.iter().zip(counts.0) {
        if value > 0 || measure.name == "requests" {
            let _ = write!(out, r#","{}":{}"#, measure.name, long(value));
        }
    }
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

/// A query's range of starts.
pub(super) fn range(from: Minute, to: Minute) -> Value {
    let time = |minute| super::names::clamp(minute).to_string();
    json!({ "range": { "@timestamp": { "gte": time(from), "lt": time(to) } } })
}

/// What a search or a get finds.
#[derive(Debug, Deserialize)]
pub(super) struct Hit {
    #[serde(rename = "_id")]
    pub(super) id: String,
    #[serde(rename = "_index")]
    pub(super) index: String,
    #[serde(rename = "_source")]
    pub(super) source: Option<Source>,
    pub(super) sort: Option<Vec<Value>>,
}

/// A document.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    #[serde(rename = "@timestamp")]
    pub(super) timestamp: Option<String>,
    #[serde(default)]
    pub(super) twofold: Fields,
}

/// The part of a document that twofold reads.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Fields {
    pub(super) view: Option<String>,
    pub(super) layer: Option<Layer>,
    grain: Option<Grain>,
    topic: Option<String>,
    partition: Option<u32>,
    state: Option<State>,
    pub(super) version: Option<u64>,
    pub(super) count: Option<usize>,
    rows: Option<Rows>,
    sketches: Option<Sketches>,
    pub(super) document: Option<Named>,
    pub(super) body: Option<Value>,
    pub(super) run: Option<String>,
    pub(super) letter: Option<Letter>,
}

/// What a document of the batch layer is called.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) kind: String,
    pub(super) id: String,
}

/// What a dead letter says.
#[derive(Debug, Deserialize)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) source: String,
}

impl Hit {
    /// The set that a document holds.
    pub(super) fn set(self) -> Result<RowSet, IndexError> {
        let id = self.id;
        let read = || {
            let source = self.source?;
            let fields = source.twofold;
            let partition = match fields.topic {
                Some(topic) => Some(Partition::new(&topic, fields.partition?)),
                None => None,
            };
            let head = Head {
                view: fields.view?,
                grain: fields.grain?,
                start: Minute::parse(&source.timestamp?)?,
                partition,
                version: fields.version?,
                state: fields.state?,
            };
            Some(decode(head, fields.rows?, fields.sketches))
        };
        read().ok_or_else(|| IndexError::Failed(format!("the stored set {id} lacks a field")))
    }
}
