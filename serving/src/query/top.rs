//! Top lists, and how much of them is proved.

use std::sync::Arc;

use serde::Serialize;
use twofold_data::minute::Grain;
use twofold_data::view::{Row, RowSet, Union, view};

use super::course::Course;
use super::scan::{Reader, Scan, Scanned, consistently};
use super::series::coarsest;
use super::totals::from_history;
use super::{Measures, QueryError, Range, Stamp, Stores};

/// The longest list there is.
pub const MAX_TOP: usize = 1000;

/// A question for the keys with the most requests.
#[derive(Debug, Clone, Copy)]
pub struct TopQuery<'a> {
    /// The view.
    pub view: &'a str,
    /// The range.
    pub range: Range,
    /// How many rows, up to [`MAX_TOP`].
    pub n: usize,
    /// The measure that ranks, by its position in [`twofold_data::view::MEASURES`]; 0 is `requests`.
    pub by: usize,
    /// Whether the course of each row is wanted.
    pub trend: bool,
}

/// The keys with the most requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Top {
    /// The generation and boundary it was read through.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The range, cut to what is stored; `None` where that is nothing.
    pub range: Option<Range>,
    /// The view.
    pub view: String,
    /// Whether these are the right keys in the right order, with the right counts.
    pub exact: bool,
    /// How many requests a key that is not in the list can have at most.
    pub bound: u64,
    /// How many distinct keys there are, where that is known.
    pub keys: Option<u64>,
    /// The minutes between two points of the rows' courses, where those were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend_step: Option<i64>,
    /// Most requests first, ties in name order.
    pub rows: Vec<TopRow>,
}

/// One row of a top list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopRow {
    /// The key.
    pub key: String,
    /// The measures: lower bounds where requests were missed.
    #[serde(flatten)]
    pub measures: Measures,
    /// How many more requests the key can have.
    pub missed: u64,
    /// Whether the measures are the true ones.
    pub exact: bool,
    /// The course of the measure that ranks, step by step; `None` where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend: Option<Vec<Option<u64>>>,
}

/// Finds the keys with the most requests.
///
/// # Errors
/// [`QueryError::Question`] if there is no such view, or the list is too long.
pub fn top(stores: &Stores<'_>, query: &TopQuery<'_>) -> Result<Top, QueryError> {
    check(query)?;
    consistently(stores, |reader| read(stores, reader, query))
}

/// Reads the list, and the course of each of its rows where that is wanted.
pub(super) fn read(
    stores: &Stores<'_>,
    reader: &mut Reader<'_>,
    query: &TopQuery<'_>,
) -> Result<Top, QueryError> {
    let mut gathered = Gathered::default();
    let (views, range) = (&[query.view], query.range);
    let scan = Scan { views, range, coarsest: Grain::Day, sketches: false };
    let scanned = reader.scan(&scan, |_, set| gathered.add(set))?;
    let mut top = of_gathered(stores, &scanned, query, &gathered)?;
    tell_course(reader, query, &mut top)?;
    Ok(top)
}

/// Tells the course of each row of a list, where that is wanted.
fn tell_course(
    reader: &mut Reader<'_>,
    query: &TopQuery<'_>,
    top: &mut Top,
) -> Result<(), QueryError> {
    if !query.trend {
        return Ok(());
    }
    let Some(stored) = reader.stored(query.range)? else { return Ok(()) };
    // Finer rows are cut at more places: they tell the course, but not the sums.
    let mut course = Course::new(stored, query.by);
    let (views, range, coarsest) = (&[query.view], query.range, coarsest(course.step));
    let scan = Scan { views, range, coarsest, sketches: false };
    reader.scan(&scan, |_, set| course.add(Arc::clone(set)))?;
    course.tell(top);
    Ok(())
}

fn check(query: &TopQuery<'_>) -> Result<(), QueryError> {
    if view(query.view).is_none() {
        return Err(QueryError::Question(format!("there is no view {:?}", query.view)));
    }
    if !(1..=MAX_TOP).contains(&query.n) {
        let message = format!("a list has 1 to {MAX_TOP} rows, not {}", query.n);
        return Err(QueryError::Question(message));
    }
    Ok(())
}

/// The sets of one view.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) union: Union,
    sets: usize,
}

impl Gathered {
    pub(super) fn add(&mut self, set: &RowSet) {
        self.union.add(set);
        self.sets += 1;
    }
}

/// The list that some sets say, or the history where they can't prove it.
pub(super) fn of_gathered(
    stores: &Stores<'_>,
    scanned: &Scanned,
    query: &TopQuery<'_>,
    gathered: &Gathered,
) -> Result<Top, QueryError> {
    let list = list(scanned, query, gathered.union.top(0), gathered.sets == 1);
    // The history ranks by requests.
    if list.exact || query.by != REQUESTS {
        return Ok(list);
    }
    let exact = from_history(stores, scanned, query.view, query.range, query.n)?;
    Ok(exact.map_or(list, |set| self::list(scanned, query, Some(set), true)))
}

/// The list of one set that holds all there is, such as the archive's answer.
pub(super) fn of_set(scanned: &Scanned, query: &TopQuery<'_>, set: Option<RowSet>) -> Top {
    list(scanned, query, set, true)
}

/// The measure by which rows are stored in order.
pub(super) const REQUESTS: usize = 0;

/// The list of a set. One that is not a union (`single`) was cut where every key was
/// known, so that it is right even where the keys behind it tie with its last one.
fn list(scanned: &Scanned, query: &TopQuery<'_>, set: Option<RowSet>, single: bool) -> Top {
    let settled = scanned.is_settled(query.range);
    let (mut rows, floor, keys) =
        set.map_or((Vec::new(), 0, Some(0)), |set| (set.rows, set.floor, set.keys));
    let by = query.by;
    if by != REQUESTS {
        // Who lacks the measure altogether is no part of the list, unless it may have been missed.
        rows.retain(|row| most(row, by) > 0);
        rows.sort_by(|a, b| value(b, by).cmp(&value(a, by)).then_with(|| a.key.cmp(&b.key)));
    }
    let (shown, others) = rows.split_at(query.n.min(rows.len()));
    let counted = shown.iter().all(|row| row.missed == 0);
    // A list that was cut to fewer rows than are asked for lacks some.
    let long_enough = floor == 0 || query.n <= rows.len();
    let cut_where_all_were_known = single && by == REQUESTS;
    Top {
        stamp: Stamp::of(scanned.publication.as_ref()),
        range: scanned.range,
        view: query.view.to_owned(),
        exact: settled
            && counted
            && long_enough
            && (cut_where_all_were_known || is_proved(shown, others, floor, by)),
        bound: others.iter().map(|row| most(row, by)).max().unwrap_or(0).max(floor),
        keys: keys.filter(|_| settled && by == REQUESTS),
        trend_step: None,
        rows: shown.iter().map(|row| top_row(row, settled)).collect(),
    }
}

fn top_row(row: &Row, settled: bool) -> TopRow {
    TopRow {
        key: row.key.clone(),
        measures: Measures(row.counts),
        missed: row.missed,
        exact: settled && row.missed == 0,
        trend: None,
    }
}

/// The row's measure at that position.
pub(super) fn value(row: &Row, by: usize) -> u64 {
    row.counts.0.get(by).copied().unwrap_or(0)
}

/// The most that the measure of the row's key can be.
fn most(row: &Row, by: usize) -> u64 {
    value(row, by).saturating_add(row.missed)
}

/// Whether nothing that is not shown can stand in the list: neither another row, whose
/// name decides a tie, nor a key that has no row, which would win a tie as well as lose it.
fn is_proved(shown: &[Row], others: &[Row], floor: u64, by: usize) -> bool {
    let Some(last) = shown.last() else { return floor == 0 && others.is_empty() };
    let least = value(last, by);
    let others_lose = others
        .iter()
        .all(|row| most(row, by) < least || (most(row, by) == least && row.key > last.key));
    others_lose && (floor == 0 || floor < least)
}

#[cfg(test)]
mod tests {
    use twofold_data::view::Counts;

    use super::*;

    fn row((key, requests, missed): (&str, u64, u64)) -> Row {
        let mut counts = Counts::default();
        counts.0[0] = requests;
        Row { key: key.to_owned(), counts, missed }
    }

    fn check(rows: &[(&str, u64, u64)], n: usize, floor: u64, expected: bool) {
        let rows: Vec<_> = rows.iter().copied().map(row).collect();
        let (shown, others) = rows.split_at(n.min(rows.len()));
        assert_eq!(
            is_proved(shown, others, floor, REQUESTS),
            expected,
            "{rows:?}, {n} of them, {floor}"
        );
    }

    #[test]
    fn a_list_is_proved_if_nothing_can_overtake_it() {
        check(&[], 3, 0, true);
        check(&[], 3, 1, false);
        check(&[("a", 9, 0), ("b", 5, 0)], 3, 0, true);
        check(&[("a", 9, 0), ("b", 5, 0)], 2, 4, true);
        check(&[("a", 9, 0), ("b", 5, 0)], 2, 5, false);
        check(&[("a", 9, 0), ("b", 5, 3)], 1, 4, true);
        check(&[("a", 9, 0), ("b", 5, 4)], 1, 4, true);
        check(&[("b", 9, 0), ("a", 5, 4)], 1, 4, false);
        check(&[("a", 9, 0), ("b", 5, 5)], 1, 4, false);
    }
}
