//! A spike as it is stored.

use serde::{Deserialize, Serialize};
use twofold_data::minute::Minute;
use twofold_data::spike::{Direction, Ending, Series, Severity, Spike};

use super::Causes;

/// A spike of the traffic, as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpikeRow {
    /// Source, series and start minute.
    pub id: String,
    /// The topics whose traffic it is.
    pub source: String,
    /// What it counts, and of what part of the traffic.
    #[serde(flatten)]
    pub series: Series,
    /// Its first minute.
    pub start: Minute,
    /// The first minute after it so far.
    pub end: Minute,
    /// `end`, for people.
    #[serde(default)]
    pub until: String,
    /// `start`, for people and for Elasticsearch.
    #[serde(rename = "@timestamp")]
    pub timestamp: String,
    /// How many minutes were observed in it.
    pub minutes: u64,
    /// Whether it has ended; until then it may grow.
    pub closed: bool,
    /// Why it ended.
    pub ending: Option<Ending>,
    /// The mean of the observed values, per minute.
    pub observed: f64,
    /// The mean of the expected values, per minute.
    pub expected: f64,
    /// The value furthest from what was expected.
    pub peak: f64,
    /// The largest score of its minutes, 0 to 1.
    pub score: f64,
    /// Above or below what was expected.
    pub direction: Direction,
    /// How much it matters.
    pub severity: Severity,
    /// Which layer found it.
    pub found: Found,
    /// Who made it.
    #[serde(default)]
    pub causes: Causes,
}

/// Which layer found a spike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// The live minutes.
    Speed,
    /// Only the exact minutes: the live ones did not show it.
    Batch,
}

/// The part of bots in a spike.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Bots {
    /// The part of requests by bots during the spike, 0 to 1.
    pub during: f64,
    /// The part of requests by bots before it, 0 to 1.
    pub before: f64,
}

/// What the exact minutes say of a spike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The spike's id.
    pub id: String,
    /// The spike's first minute.
    pub start: Minute,
    /// Whether the exact minutes show it, too.
    pub standing: Standing,
    /// Why it was withdrawn; what it was confirmed by.
    pub reason: String,
    /// The mean of the exact values in its minutes.
    pub observed: f64,
    /// The mean of what was expected in the exact series.
    pub expected: f64,
    /// The generation whose minutes they are.
    pub generation: u64,
}

/// Whether a spike stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// The exact minutes show it, too.
    Confirmed,
    /// They don't.
    Withdrawn,
}

impl SpikeRow {
    /// The row of a spike whose name is its first minute `start`, without its causes.
    pub fn new(source: &str, series: &Series, start: Minute, spike: &Spike, found: Found) -> Self {
        Self {
            id: format!("{source}/{series}/{start}"),
            source: source.to_owned(),
            series: series.clone(),
            start,
            end: Minute::of(spike.end * 1000),
            until: Minute::of(spike.end * 1000).to_string(),
            timestamp: start.to_string(),
            minutes: spike.steps,
            closed: spike.closed,
            ending: spike.ending,
            observed: spike.observed,
            expected: spike.expected,
            peak: spike.peak,
            score: spike.score,
            direction: spike.direction,
            severity: spike.severity,
            found,
            causes: Causes::default(),
        }
    }

    /// Whether it has a minute in common with the span `from..to`, or is next to it.
    pub fn touches(&self, from: Minute, to: Minute) -> bool {
        self.start <= to && from <= self.end
    }

    /// How many times what was expected was observed.
    pub fn ratio(&self) -> f64 {
        self.observed / self.expected.max(1.0)
    }
}
