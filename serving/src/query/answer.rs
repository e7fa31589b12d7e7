//! What answers are made of: numbers that say how exact they are.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use twofold_data::minute::Minute;
use twofold_data::view::{Counts, MEASURES, RowSet};
use twofold_data::window::sketch::{Distinct, Quantiles};

use crate::index::Publication;

/// A minute that is written as `2026-11-23T18:04Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Minute);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an answer was read through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// The generation of the exact rows; 0 before the first.
    pub generation: u64,
    /// Before it all rows are exact, from it on none is; `None` before the first generation.
    pub boundary: Option<Instant>,
}

impl Stamp {
    pub(super) fn of(publication: Option<&Publication>) -> Self {
        Self {
            generation: publication.map_or(0, |publication| publication.generation),
            boundary: publication.map(|publication| Instant(publication.boundary)),
        }
    }
}

/// The measures by name: `{"requests": 7, "bytes": 123, …}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measures(pub Counts);

impl Serialize for Measures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(MEASURES.len()))?;
        for (measure, value) in MEASURES.iter().zip(self.0.0) {
            map.serialize_entry(measure.name, &value)?;
        }
        map.end()
    }
}

/// A count that may be an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Estimate {
    /// The count.
    pub value: u64,
    /// The smallest that the true count is likely to be (95 times of 100).
    pub low: u64,
    /// The largest that the true count is likely to be (95 times of 100).
    pub high: u64,
    /// Whether the value is the true count.
    pub exact: bool,
}

impl Estimate {
    /// A count that is known.
    pub fn exact(value: u64) -> Self {
        Self { value, low: value, high: value, exact: true }
    }

    pub(super) fn of(sketch: &Distinct) -> Self {
        // Counts lie far below 2^53, where floating point would lose a unit.
        let (low, high) = sketch.bounds();
        let value = sketch.estimate().round() as u64;
        let (low, high) = (low.floor() as u64, high.ceil() as u64);
        Self { value, low: low.min(value), high: high.max(value), exact: false }
    }
}

/// Percentiles by nearest rank: of sizes in bytes, of durations in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 95th percentile.
    pub p95: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// By how much the ranks can be off (0 to 1, 99 times of 100).
    pub rank_error: f64,
    /// Whether the values are the true ones.
    pub exact: bool,
}

impl Percentiles {
    fn exact([p50, p90, p95, p99]: [u64; 4]) -> Self {
        Self { p50, p90, p95, p99, rank_error: 0.0, exact: true }
    }

    fn of(sketch: &Quantiles) -> Option<Self> {
        Some(Self {
            p50: sketch.quantile(0.50)?,
            p90: sketch.quantile(0.90)?,
            p95: sketch.quantile(0.95)?,
            p99: sketch.quantile(0.99)?,
            rank_error: sketch.rank_error(),
            exact: false,
        })
    }
}

/// The numbers of a set of the view `traffic` that don't add up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Distinct clients.
    pub distinct_clients: Estimate,
    /// Distinct clients that people used.
    pub distinct_human_clients: Estimate,
    /// Sizes of responses in bytes; `None` without requests.
    pub sizes: Option<Percentiles>,
    /// Durations in microseconds; `None` where the log has none.
    pub durations: Option<Percentiles>,
}

impl Spread {
    /// Of a union: exact where it is one exact set, which carries its exact values, or
    /// (where `settled`) none at all.
    pub(super) fn of(set: Option<&RowSet>, settled: bool) -> Self {
        let Some(summary) = set.and_then(|set| set.summary.as_deref()) else {
            let clients = Estimate { exact: settled, ..Estimate::default() };
            let (distinct_clients, distinct_human_clients) = (clients, clients);
            return Self { distinct_clients, distinct_human_clients, sizes: None, durations: None };
        };
        let exact = summary.exact.filter(|_| settled);
        let any = set.is_some_and(|set| set.rows.iter().any(|row| row.counts.requests() > 0));
        Self {
            distinct_clients: exact.map_or_else(
                || Estimate::of(&summary.clients),
                |exact| Estimate::exact(exact.clients),
            ),
            distinct_human_clients: exact.map_or_else(
                || Estimate::of(&summary.human_clients),
                |exact| Estimate::exact(exact.human_clients),
            ),
            sizes: match exact {
                Some(exact) => any.then(|| Percentiles::exact(exact.sizes)),
                None => Percentiles::of(&summary.sizes),
            },
            durations: match exact {
                Some(exact) => exact.durations.map(Percentiles::exact),
                None => Percentiles::of(&summary.durations),
            },
        }
    }
}
