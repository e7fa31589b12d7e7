//! Slices that only the archive can tell: it is asked for what lies before the boundary.

use std::sync::Arc;

use twofold_data::minute::Minute;
use twofold_data::view::measure_index;

use super::steps::Steps;
use super::{LISTS, Slice, SliceQuery, Sliced, Slices, Slicing, kept, nothing, without_lists};
use crate::query::answer::{Estimate, Spread};
use crate::query::course::Course;
use crate::query::scan::{Reader, Scanned};
use crate::query::top::of_set;
use crate::query::{QueryError, Range, TopQuery};

/// The archive's answer before the boundary; from there on what rows there are.
pub(super) fn whole(
    archive: Option<&dyn Slices>,
    reader: &mut Reader<'_>,
    query: &SliceQuery<'_>,
) -> Result<Slice, QueryError> {
    let scanned = nothing(reader, query.range)?;
    let published = scanned.publication.as_ref().filter(|_| archive.is_some());
    let settled = scanned.range.zip(published).and_then(|(range, publication)| {
        let range = range.within(Range::new(Minute(i64::MIN), publication.boundary));
        (!range.is_empty()).then_some((range, publication))
    });
    let mut sliced = match (settled, archive) {
        (Some((range, publication)), Some(archive)) => {
            let question = Slicing {
                only: query.only.clone(),
                range,
                step: query.step,
                publication: publication.clone(),
                course: query.trend.then(|| Course::new(range, 0).step),
            };
            archive.slice(&question).map_err(QueryError::History)?
        }
        _ => Sliced::default(),
    };
    let live = live(&scanned, settled.map(|(range, _)| range));
    let kept = live.filter(|_| query.only.view().is_some());
    let known = std::mem::take(&mut sliced.steps);
    let mut steps = Steps { known, classes: true, ..Steps::default() };
    if let Some(live) = kept {
        add_live(reader, query, live, &mut steps)?;
    }
    let shown = shown(&scanned, &sliced, kept);
    let mut slice = without_lists(query, &scanned, &steps, shown);
    slice.source = "archive";
    slice.not_kept = live.filter(|_| kept.is_none());
    let until = settled.map(|(range, _)| range);
    slice.covered = sliced.covered.filter(|covered| Some(covered.from) != until.map(|u| u.from));
    slice.lists_until = until.map(|range| range.to);
    lists(&mut slice, &scanned, query, until, &sliced);
    Ok(slice)
}

/// What lies from the boundary on.
fn live(scanned: &Scanned, settled: Option<Range>) -> Option<Range> {
    let range = scanned.range?;
    let live = Range { from: settled.map_or(range.from, |settled| settled.to), to: range.to };
    (!live.is_empty()).then_some(live)
}

/// What the answer speaks of: from where the archive was searched to the end of what is kept.
fn shown(scanned: &Scanned, sliced: &Sliced, kept: Option<Range>) -> Option<Range> {
    let from = sliced.covered.map(|covered| covered.from).or(kept.map(|kept| kept.from));
    let to = kept.map(|kept| kept.to).or(sliced.covered.map(|covered| covered.to));
    let empty = scanned.range.map(|range| Range { from: range.from, to: range.from });
    from.zip(to).map(|(from, to)| Range { from, to }).or(empty)
}

fn add_live(
    reader: &mut Reader<'_>,
    query: &SliceQuery<'_>,
    live: Range,
    steps: &mut Steps,
) -> Result<(), QueryError> {
    let (rows, _) = kept::by_rows(reader, query, live)?;
    steps.classes &= rows.classes;
    for (number, known) in rows.known {
        let sum = steps.known.entry(number).or_default();
        sum.counts += &known.counts;
        sum.missed = sum.missed.saturating_add(known.missed);
        sum.speed |= known.speed;
        for (sum, class) in sum.classes.iter_mut().zip(known.classes) {
            *sum = sum.saturating_add(class);
        }
    }
    Ok(())
}

fn lists(
    slice: &mut Slice,
    scanned: &Scanned,
    query: &SliceQuery<'_>,
    until: Option<Range>,
    sliced: &Sliced,
) {
    let Some(range) = until else { return };
    let set = |view: &str| sliced.sets.iter().find(|set| set.view == view);
    for (name, view, only) in LISTS {
        let by = measure_index(only).unwrap_or(0);
        let top = TopQuery { view, range, n: query.n, by, trend: false };
        let mut list = of_set(scanned, &top, set(view).cloned());
        if let Some(covered) = sliced.covered.filter(|_| query.trend) {
            let mut course = Course::new(range, by).within(covered);
            let sets = sliced.courses.iter().filter(|set| set.view == view);
            sets.for_each(|set| course.add(Arc::clone(set)));
            course.tell(&mut list);
        }
        slice.lists.insert(name.to_owned(), list);
    }
    let mut spread = Spread::of(set("traffic"), true);
    // As long as every client has an entry, they are counted.
    if let Some(clients) = set("clients").and_then(|set| set.keys) {
        spread.distinct_clients = Estimate::exact(clients);
    }
    slice.totals.spread = Some(spread);
}
