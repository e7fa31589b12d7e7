//! A range in steps.

use std::collections::BTreeMap;

use serde::Serialize;
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, Tally, Union};

use super::answer::Spread;
use super::scan::{Scan, Scanned, consistently, finest, is_settled};
use super::totals::sums;
use super::{Instant, Measures, QueryError, Range, Stamp, Stores};
use crate::index::Layer;

/// The most points a series has.
pub const MAX_POINTS: i64 = 20_000;

/// A question for the course of the traffic.
#[derive(Debug, Clone, Copy)]
pub struct SeriesQuery {
    /// The range.
    pub range: Range,
    /// The length of a step in minutes; steps are counted from the Unix epoch, and the
    /// first and the last one are cut to the range.
    pub step: i64,
    /// Whether distinct clients and percentiles are wanted: they cost ten times the rest.
    pub spread: bool,
    /// Whether requests by class of status are wanted.
    pub split: bool,
}

/// The course of the traffic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// The generation and boundary it was read through.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The range, cut to what is stored; `None` where that is nothing.
    pub range: Option<Range>,
    /// The length of a step in minutes.
    pub step: i64,
    /// The steps in order, those without a request included.
    pub points: Vec<Point>,
}

/// One step of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Its first minute.
    pub start: Instant,
    /// How many minutes it spans.
    pub minutes: i64,
    /// Whether measures and tally are exact.
    pub exact: bool,
    /// The measures.
    pub measures: Measures,
    /// How many more requests there can be, where they were counted in rows that don't hold every key.
    #[serde(skip_serializing_if = "is_zero")]
    pub missed: u64,
    /// What the records were.
    pub tally: Tally,
    /// Requests by class of status, from 0xx to 9xx, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<[u64; 10]>,
    /// What doesn't add up, where it was asked for.
    #[serde(flatten)]
    pub spread: Option<Spread>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[derive(Default)]
struct Step {
    union: Union,
    classes: [u64; 10],
    speed: bool,
}

impl Step {
    fn add(&mut self, layer: Layer, set: &RowSet) {
        self.speed |= layer == Layer::Speed;
        if set.view == "traffic" {
            return self.union.add(set);
        }
        for row in &set.rows {
            classify(&mut self.classes, &row.key, row.counts.requests());
        }
    }
}

/// Adds requests to the class of their status.
pub(super) fn classify(classes: &mut [u64; 10], status: &str, requests: u64) {
    let class = status.bytes().next().unwrap_or(b'0').saturating_sub(b'0');
    if let Some(sum) = classes.get_mut(usize::from(class)) {
        *sum = sum.saturating_add(requests);
    }
}

/// Counts a range step by step.
///
/// # Errors
/// [`QueryError::Question`] if the step is no length, or there would be more than
/// [`MAX_POINTS`] points.
pub fn series(stores: &Stores<'_>, query: &SeriesQuery) -> Result<Series, QueryError> {
    let SeriesQuery { range, step, spread, split } = *query;
    if step < 1 {
        return Err(QueryError::Question(format!("a step has at least one minute, not {step}")));
    }
    let coarsest = coarsest(step);
    let views: &[&str] = if split { &["traffic", "statuses"] } else { &["traffic"] };
    consistently(stores, |reader| {
        check_length(reader.stored(range)?, step)?;
        let mut steps: BTreeMap<i64, Step> = BTreeMap::new();
        let scan = Scan { views, range, coarsest, sketches: spread };
        let scanned = reader.scan(&scan, |layer, set| {
            steps.entry(set.start.0.div_euclid(step)).or_default().add(layer, set);
        })?;
        let stored = scanned.range;
        check_grain(&scanned, step)?;
        let points = stored.map(|stored| points(query, stored, &scanned, &steps));
        let stamp = Stamp::of(scanned.publication.as_ref());
        Ok(Series { stamp, range: stored, step, points: points.unwrap_or_default() })
    })
}

/// The coarsest rows of which each lies in one step.
pub(super) fn coarsest(step: i64) -> Grain {
    let fits = |grain: &Grain| step % grain.minutes() == 0;
    Grain::ALL.into_iter().rev().find(fits).unwrap_or(Grain::Minute)
}

pub(super) fn check_length(range: Option<Range>, step: i64) -> Result<(), QueryError> {
    let count = range.map_or(0, |range| {
        let numbers = numbers(range, step);
        numbers.end - numbers.start
    });
    if count <= MAX_POINTS {
        return Ok(());
    }
    Err(QueryError::Question(format!(
        "{count} steps of {step} min are more than {MAX_POINTS}: ask for longer steps or a shorter range"
    )))
}

/// A step that cuts rows which can't be cut any more has no answer.
fn check_grain(scanned: &Scanned, step: i64) -> Result<(), QueryError> {
    let Some(range) = scanned.range else { return Ok(()) };
    let grain = finest(scanned.publication.as_ref(), range.from.0);
    if step % grain.minutes() == 0 {
        return Ok(());
    }
    Err(QueryError::Question(format!(
        "rows from {} on have faded into {}s: ask for steps of whole {}s, or a later range",
        range.from,
        grain.name(),
        grain.name(),
    )))
}

/// The numbers of the steps that a range touches, counted from the epoch.
pub(super) fn numbers(range: Range, step: i64) -> std::ops::Range<i64> {
    if range.is_empty() {
        return 0..0;
    }
    range.from.0.0.div_euclid(step)..(range.to.0.0 - 1).div_euclid(step) + 1
}

fn points(
    query: &SeriesQuery,
    range: Range,
    scanned: &Scanned,
    steps: &BTreeMap<i64, Step>,
) -> Vec<Point> {
    let step = query.step;
    let empty = Step::default();
    let point = |number: i64| {
        let start = Minute(number.saturating_mul(step));
        let span = Range::new(start, Minute(start.0.saturating_add(step))).within(range);
        point(span, steps.get(&number).unwrap_or(&empty), scanned, query)
    };
    numbers(range, step).map(point).collect()
}

fn point(span: Range, step: &Step, scanned: &Scanned, query: &SeriesQuery) -> Point {
    let set = step.union.top(0);
    let (measures, tally) = sums(set.as_ref());
    let exact = is_settled(scanned.publication.as_ref(), span, step.speed);
    let spread = query.spread.then(|| Spread::of(set.as_ref(), exact));
    let minutes = span.to.0.0 - span.from.0.0;
    let classes = query.split.then_some(step.classes);
    Point { start: span.from, minutes, exact, measures, missed: 0, tally, classes, spread }
}

/// The lengths of steps that divide a clock well, in minutes.
const ROUND: [i64; 10] = [1, 5, 10, 30, 60, 180, 360, 720, 1440, 10_080];

/// Of a longer range (minutes) a chart is made of hours: more minutes than these are not kept
/// decoded, and reading those of 30 days takes half a second.
const MOST_MINUTES: i64 = 14 * 1440;

/// The shortest round step by which `range` has at most `points` points; of a long range, in whole hours.
pub fn round_step(range: Range, points: i64) -> i64 {
    let minutes = range.to.0.0.saturating_sub(range.from.0.0);
    let is_cheap = |step: &i64| minutes <= MOST_MINUTES || step % Grain::Hour.minutes() == 0;
    let fits = |step: &i64| minutes / step <= points && is_cheap(step);
    ROUND.into_iter().find(fits).unwrap_or_else(|| (minutes / points / 1440 + 1) * 1440)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_many_points_and_reads_few_rows() {
        for (days, step) in
            [(0, 1), (1, 1), (2, 5), (7, 10), (14, 30), (15, 60), (30, 60), (90, 180)]
        {
            let range = Range::new(Minute(0), Minute(days * 1440));
            assert_eq!(round_step(range, 1500), step, "{days} days");
        }
    }
}
