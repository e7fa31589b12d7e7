//! How far the estimates were off: for minutes that the speed layer had closed, its
//! rows against the exact ones. One document a day.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::json;
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{Distincts, RowSet, State, union};
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

/// What of a minute's exact rows is compared.
#[derive(Debug, Clone)]
pub struct Exact {
    /// The minute.
    pub start: Minute,
    view: &'static str,
    requests: u64,
    top: Vec<String>,
    values: Option<Distincts>,
}

impl Exact {
    /// Of a set of rows; `None` where its view or grain is not compared.
    pub fn of(set: &RowSet) -> Option<Self> {
        let view = VIEWS.into_iter().find(|view| *view == set.view)?;
        (set.grain == Grain::Minute).then(|| Self {
            start: set.start,
            view,
            requests: requests(set),
            top: top(set).map(str::to_owned).collect(),
            values: set.summary.as_ref().and_then(|summary| summary.exact),
        })
    }
}

fn requests(set: &RowSet) -> u64 {
    set.rows.iter().map(|row| row.counts.requests()).sum()
}

fn top(set: &RowSet) -> impl Iterator<Item = &str> {
    set.rows.iter().take(TOP).map(|row| row.key.as_str())
}

/// Compares the exact rows of a day's minutes with the speed layer's; `None` where it closed none of them.
///
/// # Errors
/// Of the index.
pub fn day(
    index: &dyn Index,
    day: Minute,
    exact: &[Exact],
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
    for minute in exact {
        let parts = estimates.get(&(minute.view, minute.start));
        let closed = parts.filter(|parts| parts.iter().all(|part| part.state == State::Closed));
        let estimate = match closed.map(Vec::as_slice) {
            Some([one]) => Some(Cow::Borrowed(one)),
            many => many.and_then(union).map(Cow::Owned),
        };
        if let Some(estimate) = estimate {
            sums.entry(minute.view).or_default().add(minute, &estimate);
        }
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
    fn add(&mut self, exact: &Exact, estimate: &RowSet) {
        self.minutes += 1;
        self.exact += exact.requests;
        self.estimated += requests(estimate);
        let got: HashSet<&str> = top(estimate).collect();
        self.wanted += exact.top.len() as u64;
        self.found += exact.top.iter().filter(|key| got.contains(key.as_str())).count() as u64;
        self.summaries(exact, estimate);
    }

    fn summaries(&mut self, exact: &Exact, estimate: &RowSet) {
        let (Some(values), Some(estimate)) = (exact.values, &estimate.summary) else { return };
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
