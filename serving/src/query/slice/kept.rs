//! Slices that the rows of the index can tell, live too.

use twofold_data::view::{Counts, measure_index};

use super::steps::Steps;
use super::{LISTS, Slice, SliceQuery, without_lists};
use crate::index::Layer;
use crate::query::scan::{Reader, Scan, Scanned};
use crate::query::series::coarsest;
use crate::query::{QueryError, Range, Stores, Top, TopQuery, top};

/// A slice by a measure: every row of every view has it.
pub(super) fn whole(
    stores: &Stores<'_>,
    reader: &mut Reader<'_>,
    query: &SliceQuery<'_>,
    measure: &'static str,
) -> Result<Slice, QueryError> {
    let (steps, scanned) = steps(reader, query, query.range, measure)?;
    let mut slice = without_lists(query, &scanned, &steps, None);
    for (name, view, only) in LISTS {
        // Two conditions are in no row: who is a bot and has 404s may have had them apart.
        if only == "requests" || only == measure {
            let (view, by) = rows_of(view, measure);
            let list = list(stores, reader, &TopQuery { view, by, ..top_query(query) }, only)?;
            slice.lists.insert(name.to_owned(), list);
        }
    }
    Ok(slice)
}

fn top_query<'a>(query: &SliceQuery<'_>) -> TopQuery<'a> {
    TopQuery { view: "traffic", range: query.range, n: query.n, by: 0, trend: query.trend }
}

/// The rows, and their measure, that tell a list of what `measure` counts. All 404s and 5xx
/// are in the rows of errors, whose lists leave out less than those of all pages.
fn rows_of(view: &'static str, measure: &'static str) -> (&'static str, usize) {
    let (view, measure) = match (view, measure) {
        ("pages", "not_found" | "server_errors") => ("errors", measure),
        ("errors", "client_errors") => ("errors", "not_found"),
        _ => (view, measure),
    };
    (view, measure_index(measure).unwrap_or(0))
}

fn list(
    stores: &Stores<'_>,
    reader: &mut Reader<'_>,
    query: &TopQuery<'_>,
    only: &str,
) -> Result<Top, QueryError> {
    let mut list = top::read(stores, reader, query)?;
    for row in &mut list.rows {
        let value = row.measures.0.0.get(query.by).copied().unwrap_or(0);
        row.measures.0 = only_requests(value, only);
    }
    Ok(list)
}

/// A row of a slice counts what the filter admits; what else it counts is not known.
fn only_requests(value: u64, only: &str) -> Counts {
    let mut counts = Counts::default();
    counts.0[0] = value;
    if let Some(at) = measure_index(only) {
        counts.0[at] = value;
    }
    counts
}

/// The steps of a slice by a measure. Of statuses the rows by status tell all measures, of
/// a kind the traffic tells its requests.
fn steps(
    reader: &mut Reader<'_>,
    query: &SliceQuery<'_>,
    range: Range,
    measure: &'static str,
) -> Result<(Steps, Scanned), QueryError> {
    if query.only.view().is_some() {
        return by_rows(reader, query, range);
    }
    let by = measure_index(measure).unwrap_or(0);
    let mut steps = Steps { measures: &["requests"], ..Steps::default() };
    let scan = Scan { views: &["traffic"], range, coarsest: coarsest(query.step), sketches: false };
    let scanned = reader.scan(&scan, |layer, set| {
        let known = steps.known.entry(set.start.0.div_euclid(query.step)).or_default();
        known.speed |= layer == Layer::Speed;
        for row in &set.rows {
            known.counts.0[0] += row.counts.0.get(by).copied().unwrap_or(0);
        }
    })?;
    Ok((steps, scanned))
}

/// The steps of a slice whose requests have rows of their own.
pub(super) fn by_rows(
    reader: &mut Reader<'_>,
    query: &SliceQuery<'_>,
    range: Range,
) -> Result<(Steps, Scanned), QueryError> {
    let mut steps = Steps::default();
    let views: Vec<&str> = query.only.view().map(|view| view.name).into_iter().collect();
    steps.classes = views == ["statuses"];
    let one = !query.only.keys.is_empty();
    let scan = Scan { views: &views, range, coarsest: coarsest(query.step), sketches: false };
    let scanned = reader.scan(&scan, |layer, set| {
        let known = steps.known.entry(set.start.0.div_euclid(query.step)).or_default();
        known.add_rows(layer, set, |key| query.only.counts_row(key), one);
    })?;
    Ok((steps, scanned))
}
