//! A range as a whole.

use serde::Serialize;
use twofold_data::minute::Grain;
use twofold_data::view::{RowSet, Tally, Union};

use super::answer::Spread;
use super::scan::{Scan, Scanned, consistently};
use super::{Measures, QueryError, Range, Stamp, Stores};

/// What a range adds up to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Totals {
    /// The generation and boundary it was read through.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The range, cut to what is stored; `None` where that is nothing.
    pub range: Option<Range>,
    /// Whether measures and tally are exact.
    pub exact: bool,
    /// The measures.
    pub measures: Measures,
    /// What the records were.
    pub tally: Tally,
    /// What doesn't add up.
    #[serde(flatten)]
    pub spread: Spread,
}

/// Adds a range up.
///
/// # Errors
/// If a store fails.
pub fn totals(stores: &Stores<'_>, range: Range) -> Result<Totals, QueryError> {
    consistently(stores, |reader| {
        let mut union = Union::default();
        let views = &["traffic"];
        let scan = Scan { views, range, coarsest: Grain::Day, sketches: true };
        let scanned = reader.scan(&scan, |_, set| union.add(set))?;
        of_union(stores, &scanned, range, union.top(0))
    })
}

/// The totals that a union of sets of the view `traffic` says.
pub(super) fn of_union(
    stores: &Stores<'_>,
    scanned: &Scanned,
    range: Range,
    set: Option<RowSet>,
) -> Result<Totals, QueryError> {
    let settled = scanned.is_settled(range);
    let mut spread = Spread::of(set.as_ref(), settled);
    if !spread.distinct_clients.exact
        && let Some(exact) = from_history(stores, scanned, "traffic", range, 0)?
    {
        spread = Spread::of(Some(&exact), true);
    }
    let (measures, tally) = sums(set.as_ref());
    let stamp = Stamp::of(scanned.publication.as_ref());
    let range = scanned.range;
    Ok(Totals { stamp, range, exact: settled, measures, tally, spread })
}

/// Measures and tally of a set of the view `traffic`.
pub(super) fn sums(set: Option<&RowSet>) -> (Measures, Tally) {
    let row = set.and_then(|set| set.rows.first());
    let tally = set.and_then(|set| set.summary.as_ref()).map(|summary| summary.tally);
    (Measures(row.map(|row| row.counts).unwrap_or_default()), tally.unwrap_or_default())
}

/// The exact set that the history computes for a range, where there is a history that can.
pub(super) fn from_history(
    stores: &Stores<'_>,
    scanned: &Scanned,
    view: &str,
    range: Range,
    top: usize,
) -> Result<Option<RowSet>, QueryError> {
    let Some((history, (publication, range))) = stores.history.zip(scanned.in_history(range))
    else {
        return Ok(None);
    };
    history.exact_set(publication, view, range, top).map_err(QueryError::History)
}
