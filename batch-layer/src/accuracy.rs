//! How far the estimates were off: for minutes that the speed layer had closed, its
//! rows against the exact ones. One document a day.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, State, union};
use twofold_serving::index::{Document, Index, Select};

use crate::BatchError;

/// The name of these documents' kind.
pub const KIND: &str = "accuracy";

/// The views that are compared: one whose measures are exact, and two lists.
const VIEWS: [&str; 3] = ["traffic", "clients", "pages"];

/// Whether rows of a view and grain are compared.
pub fn wanted(view: &str, grain: &str) -> bool {
    grain == Grain::Minute.name() && VIEWS.contains(&view)
}

/// Whether the speed layer has written rows of a day.
///
/// # Errors
/// Of the index.
pub fn has_estimates(index: &dyn Index, day: Minute) -> Result<bool, BatchError> {
    let (view, to) = (Some(VIEWS[0]), Grain::Day.end(day));
    let days = Select { view, grain: Grain::Day, from: day, to, partition: None };
    Ok(!index.speed_rows(&days)?.is_empty())
}

/// How long the lists are whose recall is told.
const TOP: usize = 10;

/// Compares the exact rows of a day's minutes with the speed layer's; `None` where it closed none of them.
///
/// # Errors
/// Of the index.
pub fn day(
    index: &dyn Index,
    day: Minute,
    exact: &[RowSet],
) -> Result<Option<Document>, BatchError> {
    let mut estimates: BTreeMap<(&str, Minute), Vec<RowSet>> = BTreeMap::new();
    for view in VIEWS {
        let to = Grain::Day.end(day);
        let select =
            Select { view: Some(view), grain: Grain::Minute, from: day, to, partition: None };
        for set in index.speed_rows(&select)? {
            estimates.entry((view, set.start)).or_default().push(set);
        }
    }
    let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
    for set in exact.iter().filter(|set| set.grain == Grain::Minute) {
        let Some(view) = VIEWS.into_iter().find(|view| *view == set.view) else { continue };
        let parts = estimates.get(&(view, set.start));
        let closed = parts.filter(|parts| parts.iter().all(|part| part.state == State::Closed));
        let Some(estimate) = closed.and_then(union) else { continue };
        sums.entry(view).or_default().add(set, &estimate);
    }
    Ok(sums.get("traffic").map(|traffic| document(day, traffic, &sums)))
}

/// What the comparisons of one view add up to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    minutes: u64,
    exact: u64,
    estimated: u64,
    clients: Errors,
    sizes: Errors,
    wanted: u64,
    found: u64,
}

/// Relative errors.
#[derive(Debug, Clone, Copy, Default)]
struct Errors {
    count: u64,
    sum: f64,
    max: f64,
}

impl Errors {
    fn add(&mut self, exact: f64, estimate: f64) {
        let error = (estimate - exact).abs() / exact.max(1.0);
        self.count += 1;
        self.sum += error;
        self.max = self.max.max(error);
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

impl Sums {
    fn add(&mut self, exact: &RowSet, estimate: &RowSet) {
        self.minutes += 1;
        let requests = |set: &RowSet| set.rows.iter().map(|row| row.counts.requests()).sum::<u64>();
        self.exact += requests(exact);
        self.estimated += requests(estimate);
        let top = |set: &RowSet| -> HashSet<String> {
            set.rows.iter().take(TOP).map(|row| row.key.clone()).collect()
        };
        let (wanted, got) = (top(exact), top(estimate));
        self.wanted += wanted.len() as u64;
        self.found += wanted.intersection(&got).count() as u64;
        self.summaries(exact, estimate);
    }

    fn summaries(&mut self, exact: &RowSet, estimate: &RowSet) {
        let (Some(exact), Some(estimate)) = (&exact.summary, &estimate.summary) else { return };
        let Some(values) = exact.exact else { return };
        self.clients.add(values.clients as f64, estimate.clients.estimate());
        for (rank, value) in [0.5, 0.9, 0.95, 0.99].into_iter().zip(values.sizes) {
            if let Some(quantile) = estimate.sizes.quantile(rank) {
                self.sizes.add(value as f64, quantile as f64);
            }
        }
    }

    fn recall(&self) -> f64 {
        self.found as f64 / self.wanted.max(1) as f64
    }
}

fn document(day: Minute, traffic: &Sums, views: &BTreeMap<&str, Sums>) -> Document {
    let name = day.to_string().get(..10).unwrap_or_default().to_owned();
    let mut body = json!({
        "day": name,
        "minutes": traffic.minutes,
        "requests": { "exact": traffic.exact, "estimated": traffic.estimated },
        "distinct_clients": { "mean_error": traffic.clients.mean(), "max_error": traffic.clients.max },
        "size_percentiles": { "mean_error": traffic.sizes.mean(), "max_error": traffic.sizes.max },
    });
    for (view, sums) in views.iter().filter(|(view, _)| **view != "traffic") {
        body[format!("top_{view}")] =
            json!({ "recall": sums.recall(), "exact": sums.exact, "estimated": sums.estimated });
    }
    Document { kind: KIND.into(), id: name, start: day, body }
}
