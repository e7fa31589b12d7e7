//! The minutes of the traffic as the detector sees them: merged over partitions, exact where they are.

use std::collections::BTreeMap;

use twofold_data::minute::{Grain, Minute};
use twofold_data::spike::Quantity;
use twofold_data::view::{Counts, RowSet, Union};

use crate::index::{Index, IndexError, Query};

/// What one minute comes to.
#[derive(Debug, Clone, Default)]
pub struct MinuteValues {
    /// The measures of the whole traffic.
    pub counts: Counts,
    /// Distinct clients.
    pub clients: u64,
    /// The 95th percentile of the durations, in microseconds; `None` without any.
    pub duration_p95: Option<u64>,
    /// The hosts.
    pub hosts: Option<RowSet>,
    /// The pages.
    pub pages: Option<RowSet>,
}

impl MinuteValues {
    /// The value of one quantity; `None` where there is nothing to measure.
    pub fn value(&self, quantity: Quantity) -> Option<f64> {
        match quantity {
            Quantity::Clients => Some(self.clients as f64),
            Quantity::DurationP95 => self.duration_p95.map(|value| value as f64),
            _ => Some(self.counts.0[quantity.measure()] as f64),
        }
    }

    fn of(traffic: &RowSet) -> Self {
        let mut values = Self::default();
        traffic.rows.iter().for_each(|row| values.counts += &row.counts);
        if let Some(summary) = &traffic.summary {
            values.clients = match &summary.exact {
                Some(exact) => exact.clients,
                None => summary.clients.estimate().round() as u64,
            };
            values.duration_p95 = match &summary.exact {
                Some(exact) => exact.durations.map(|durations| durations[2]),
                None => summary.durations.quantile(0.95),
            };
        }
        values
    }
}

/// Minutes with traffic, in order; one that isn't in it had none.
pub type Minutes = BTreeMap<Minute, MinuteValues>;

/// How many minutes one read takes.
const CHUNK: i64 = 360;

/// The stretch of time of the traffic, without the first minute of 1970, where malformed records before any request
/// stand: nobody wants to go through the minutes from there on.
pub fn extent(index: &dyn Index) -> Result<Option<(Minute, Minute)>, IndexError> {
    let Some((first, last)) = index.extent()? else { return Ok(None) };
    if first != Minute(0) {
        return Ok(Some((first, last)));
    }
    let from = Minute(Grain::Day.minutes());
    let coarsest = Grain::Day;
    let query = Query { views: &["traffic"], from, to: last, coarsest, sketches: false };
    let answer = index.read(&query)?;
    let starts = answer.exact.iter().chain(&answer.speed).map(|set| set.start);
    Ok(starts.min().map(|first| (first, last)))
}

/// Reads the minutes `from..to`, with hosts and pages where they are wanted, and shows them to `visit` in
/// order, those without traffic included.
pub fn each_minute(
    index: &dyn Index,
    (from, to): (Minute, Minute),
    keyed: bool,
    mut visit: impl FnMut(Minute, &MinuteValues),
) -> Result<(), IndexError> {
    let none = MinuteValues::default();
    let mut start = from;
    while start < to {
        let end = Minute((start.0 + CHUNK).min(to.0));
        let minutes = read(index, start, end, keyed)?;
        for minute in start.0..end.0 {
            visit(Minute(minute), minutes.get(&Minute(minute)).unwrap_or(&none));
        }
        start = end;
    }
    Ok(())
}

/// Reads the sums of the minutes `from..to` that have traffic, without distinct clients and
/// percentiles, whose sketches are most of what there is to read.
pub(super) fn sums(index: &dyn Index, from: Minute, to: Minute) -> Result<Minutes, IndexError> {
    take(index, &Query { views: &["traffic"], from, to, coarsest: Grain::Minute, sketches: false })
}

/// Reads the minutes `from..to` that have traffic.
fn read(index: &dyn Index, from: Minute, to: Minute, keyed: bool) -> Result<Minutes, IndexError> {
    let boundary = index.published()?.map(|publication| publication.boundary);
    // Exact minutes carry their exact values: no need to read their sketches.
    let sketches = boundary.is_none_or(|boundary| to > boundary);
    let query = |views, sketches| Query { views, from, to, coarsest: Grain::Minute, sketches };
    let mut minutes = take(index, &query(&["traffic"], sketches))?;
    if keyed {
        for (minute, keys) in take(index, &query(&["hosts", "pages"], false))? {
            let values = minutes.entry(minute).or_default();
            (values.hosts, values.pages) = (keys.hosts, keys.pages);
        }
    }
    Ok(minutes)
}

fn take(index: &dyn Index, query: &Query<'_>) -> Result<Minutes, IndexError> {
    let answer = index.read(query)?;
    let mut unions: BTreeMap<(Minute, String), Union> = BTreeMap::new();
    for set in answer.exact.iter().chain(&answer.speed) {
        unions.entry((set.start, set.view.clone())).or_default().add(set);
    }
    let mut minutes = Minutes::new();
    for ((minute, view), union) in unions {
        let Some(set) = union.finish() else { continue };
        let values = minutes.entry(minute).or_default();
        match view.as_str() {
            "traffic" => {
                let MinuteValues { hosts, pages, .. } = std::mem::take(values);
                *values = MinuteValues { hosts, pages, ..MinuteValues::of(&set) };
            }
            "hosts" => values.hosts = Some(set),
            _ => values.pages = Some(set),
        }
    }
    Ok(minutes)
}
