//! A slice: what a filter admits of a range.
//!
//! Which combinations are kept per minute is decided by the views: every row carries every measure,
//! so a class of status that is a measure (404, 4xx, 5xx) or a kind (people, bots, unknown) is known of
//! every view, live too. A key alone (a client, a page, one status code …) is known by its own rows.
//! Any other combination is in no row: the archive answers for what lies before the boundary, and
//! the rest is said to be not kept.

mod archived;
mod kept;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use twofold_data::view::{Filter, RowSet};

use super::answer::Spread;
use super::scan::{Reader, Scanned, consistently};
use super::series::check_length;
use super::{Columns, Instant, QueryError, Range, Series, Stamp, Stores, Top};
use crate::index::Publication;
use steps::Steps;

pub use steps::Known;

/// A question for what a filter admits.
#[derive(Debug, Clone, Copy)]
pub struct SliceQuery<'a> {
    /// The filter.
    pub only: &'a Filter,
    /// The range.
    pub range: Range,
    /// The length of a step in minutes.
    pub step: i64,
    /// How long the lists are, up to [`super::MAX_TOP`].
    pub n: usize,
    /// Whether the course of each row is wanted.
    pub trend: bool,
}

/// What is asked of the archive.
#[derive(Debug, Clone)]
pub struct Slicing {
    /// The filter.
    pub only: Filter,
    /// The range, which ends at the boundary of `publication` at the latest.
    pub range: Range,
    /// The length of a step in minutes.
    pub step: i64,
    /// The generation: what it does not cover is left out.
    pub publication: Publication,
    /// The minutes between two points of the keys' courses, where those are wanted.
    pub course: Option<i64>,
}

/// What the archive answered.
#[derive(Debug, Clone, Default)]
pub struct Sliced {
    /// The part of the range that was searched: its end, when there was too much to search all of it.
    pub covered: Option<Range>,
    /// What was admitted, step by step.
    pub steps: BTreeMap<i64, Known>,
    /// What was admitted as a whole: one set for each view.
    pub sets: Vec<RowSet>,
    /// What was admitted in each step of the courses: one set for each step and view.
    pub courses: Vec<Arc<RowSet>>,
}

/// The archive, which can answer for any combination.
pub trait Slices {
    /// Counts what the filter admits.
    ///
    /// # Errors
    /// Says what could not be read.
    fn slice(&self, question: &Slicing) -> Result<Sliced, String>;
}

/// What a filter admits of a range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// The generation and boundary it was read through.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// `index` or `archive`: what the lists are from.
    pub source: &'static str,
    /// The sums.
    pub totals: SliceTotals,
    /// The course; columns of what is not known are left out.
    pub series: Columns,
    /// The top lists by view; `agents:human` and `agents:bot` are the browsers and the bots.
    pub lists: BTreeMap<String, Top>,
    /// Where the lists, and what else can't be kept per minute, end.
    pub lists_until: Option<Instant>,
    /// The part of the range of which nothing is known until the next batch run.
    pub not_kept: Option<Range>,
    /// The part of the range that was searched, where the archive holds too much to search all of it.
    pub covered: Option<Range>,
}

/// The sums of a slice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SliceTotals {
    /// The range, cut to what is stored; `None` where that is nothing.
    pub range: Option<Range>,
    /// Whether the measures are exact.
    pub exact: bool,
    /// How many more requests there can be.
    pub missed: u64,
    /// The measures that are known.
    pub measures: BTreeMap<&'static str, u64>,
    /// What doesn't add up, up to `lists_until`, where the archive was asked.
    #[serde(flatten)]
    pub spread: Option<Spread>,
}

/// Answers for what the filter admits; `archive` is asked where rows can't tell.
///
/// # Errors
/// [`QueryError::Question`] if the steps would be too many; [`QueryError::History`] if the archive fails.
pub fn slice(
    stores: &Stores<'_>,
    archive: Option<&dyn Slices>,
    query: &SliceQuery<'_>,
) -> Result<Slice, QueryError> {
    consistently(stores, |reader| {
        let stored = reader.stored(query.range)?;
        check_length(stored, query.step)?;
        match query.only.measure() {
            Some(measure) => kept::whole(stores, reader, query, measure),
            None => archived::whole(archive, reader, query),
        }
    })
}

/// A slice without its lists.
fn without_lists(
    query: &SliceQuery<'_>,
    scanned: &Scanned,
    steps: &Steps,
    covered: Option<Range>,
) -> Slice {
    let stamp = Stamp::of(scanned.publication.as_ref());
    let shown = covered.or(scanned.range);
    let points = shown.map(|range| steps.points(range, query.step, scanned)).unwrap_or_default();
    let totals = SliceTotals {
        range: scanned.range,
        exact: points.iter().all(|point| point.exact),
        missed: points.iter().map(|point| point.missed).fold(0, u64::saturating_add),
        measures: steps::measures(&points, steps.measures),
        spread: None,
    };
    let series = Series { stamp, range: shown, step: query.step, points };
    Slice {
        stamp,
        source: "index",
        totals,
        series: Columns::only(series, steps.measures),
        lists: BTreeMap::new(),
        lists_until: None,
        not_kept: None,
        covered: None,
    }
}

/// The lists of a slice: name, view, the measure that must not be 0.
const LISTS: [(&str, &str, &str); 11] = [
    ("clients", "clients", "requests"),
    ("pages", "pages", "requests"),
    ("errors", "errors", "requests"),
    ("referrers", "referrers", "requests"),
    ("agents", "agents", "requests"),
    ("agents:human", "agents", "human"),
    ("agents:bot", "agents", "bot"),
    ("systems", "systems", "requests"),
    ("hosts", "hosts", "requests"),
    ("methods", "methods", "requests"),
    ("statuses", "statuses", "requests"),
];

/// Reads what was published and what is stored, and nothing else.
fn nothing(reader: &mut Reader<'_>, range: Range) -> Result<Scanned, QueryError> {
    let scan = super::scan::Scan {
        views: &[],
        range,
        coarsest: twofold_data::minute::Grain::Day,
        sketches: false,
    };
    reader.scan(&scan, |_, _| ())
}
