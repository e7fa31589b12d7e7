//! What is known of a slice, step by step.

use std::collections::BTreeMap;

use twofold_data::minute::Minute;
use twofold_data::view::{Counts, MEASURES, RowSet, Tally};

use crate::index::Layer;
use crate::query::scan::{Scanned, is_settled};
use crate::query::series::{classify, numbers};
use crate::query::{Instant, Measures, Point, Range};

/// What is known of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// The measures.
    pub counts: Counts,
    /// How many more requests there can be.
    pub missed: u64,
    /// Requests by class of status.
    pub classes: [u64; 10],
    /// Whether a row of the speed layer is part of it.
    pub speed: bool,
}

impl Known {
    /// Adds what the rows of a set tell that `wanted` admits.
    pub(super) fn add_rows(
        &mut self,
        layer: Layer,
        set: &RowSet,
        wanted: impl Fn(&str) -> bool,
        one: bool,
    ) {
        self.speed |= layer == Layer::Speed;
        let mut found = false;
        for row in set.rows.iter().filter(|row| wanted(&row.key)) {
            found = true;
            self.counts += &row.counts;
            self.missed = self.missed.saturating_add(row.missed);
            if set.view == "statuses" {
                self.classify(&row.key, row.counts.requests());
            }
        }
        // A key that has no row may have as many requests as the set's floor.
        if !found && one {
            self.missed = self.missed.saturating_add(set.floor);
        }
    }

    /// Adds requests to the class of their status.
    pub fn classify(&mut self, status: &str, requests: u64) {
        classify(&mut self.classes, status, requests);
    }
}

/// The steps of a slice.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) known: BTreeMap<i64, Known>,
    /// The measures that are known; none: all of them.
    pub(super) measures: &'static [&'static str],
    /// Whether requests by class of status are known.
    pub(super) classes: bool,
}

impl Steps {
    /// The steps of a range in order, those without a request included.
    pub(super) fn points(&self, range: Range, step: i64, scanned: &Scanned) -> Vec<Point> {
        let point = |number: i64| {
            let known = self.known.get(&number).copied().unwrap_or_default();
            let start = Minute(number.saturating_mul(step));
            let span = Range::new(start, Minute(start.0.saturating_add(step))).within(range);
            let settled = is_settled(scanned.publication.as_ref(), span, known.speed);
            Point {
                start: Instant(span.from.0),
                minutes: span.to.0.0 - span.from.0.0,
                exact: settled && known.missed == 0,
                measures: Measures(known.counts),
                missed: known.missed,
                tally: Tally::default(),
                classes: self.classes.then_some(known.classes),
                spread: None,
            }
        };
        numbers(range, step).map(point).collect()
    }
}

/// The sums of the measures that are known.
pub(super) fn measures(
    points: &[Point],
    known: &'static [&'static str],
) -> BTreeMap<&'static str, u64> {
    let mut sum = Counts::default();
    points.iter().for_each(|point| sum += &point.measures.0);
    let names = MEASURES.iter().map(|measure| measure.name);
    let pairs = names.zip(sum.0);
    pairs.filter(|(name, _)| known.is_empty() || known.contains(name)).collect()
}
