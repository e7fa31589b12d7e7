//! Reading a range day by day: in bounded memory, and through one generation.

use std::collections::BTreeSet;
use std::sync::Arc;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::RowSet;

use super::{QueryError, Range, Stores};
use crate::index::{Index, IndexError, Layer, Publication, Query};

/// What a scan reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) views: &'a [&'a str],
    pub(super) range: Range,
    pub(super) coarsest: Grain,
    pub(super) sketches: bool,
}

/// What a scan was read through.
#[derive(Debug, Clone, Default)]
pub(super) struct Scanned {
    pub(super) publication: Option<Publication>,
    /// Whether any row came from the speed layer.
    pub(super) speed: bool,
    /// The part of the range that can have rows; in whole hours or days where finer rows have faded.
    pub(super) range: Option<Range>,
}

impl Scanned {
    /// Whether nothing in the range is an estimate.
    pub(super) fn is_settled(&self, range: Range) -> bool {
        is_settled(self.publication.as_ref(), range, self.speed)
    }

    /// The part of `range` that the history can answer for.
    pub(super) fn in_history(&self, range: Range) -> Option<(&Publication, Range)> {
        let publication = self.publication.as_ref().filter(|_| self.is_settled(range))?;
        let range = self.range?;
        let range = range.within(Range::new(range.from.0, publication.boundary));
        (!range.is_empty()).then_some((publication, range))
    }
}

/// Whether nothing in a range is an estimate: no row of the speed layer is in it, and it
/// lies before the boundary, or the run that set the boundary knew that nothing follows.
pub(super) fn is_settled(publication: Option<&Publication>, range: Range, speed: bool) -> bool {
    publication.is_some_and(|publication| {
        !speed && (publication.end_of_input || range.to.0 <= publication.boundary)
    })
}

/// The finest rows that a reader of a publication finds at a minute.
pub(super) fn finest(publication: Option<&Publication>, minute: Minute) -> Grain {
    publication.map_or(Grain::Minute, |publication| publication.finest(minute))
}

/// The range in whole rows of what has not faded at its ends.
fn widened(range: Range, finest: impl Fn(Minute) -> Grain) -> Range {
    let (from, last) = (range.from.0, Minute(range.to.0.0 - 1));
    Range::new(finest(from).start(from), finest(last).end(last))
}

/// Of a range of more days than these, the empty ones are left out before they are read.
const MANY_DAYS: usize = 400;

/// How often a question starts over because a generation was published in the middle of it.
const ATTEMPTS: usize = 10;

/// Answers a question that reads several times, all of them through one generation.
pub(super) fn consistently<T>(
    stores: &Stores<'_>,
    mut question: impl FnMut(&mut Reader<'_>) -> Result<T, QueryError>,
) -> Result<T, QueryError> {
    for _ in 0..ATTEMPTS {
        let mut reader =
            Reader { index: stores.index, through: None, changed: false, extent: None };
        let answer = question(&mut reader);
        if !reader.changed {
            return answer;
        }
    }
    let reason = "it publishes faster than it can be read: ask for a shorter range";
    Err(IndexError::Unavailable(reason.to_owned()).into())
}

/// Reads, and notices if the generation changes between two reads.
pub(super) struct Reader<'a> {
    index: &'a dyn Index,
    through: Option<Option<u64>>,
    changed: bool,
    /// What the index said of its extent, once it was asked.
    extent: Option<Option<(Minute, Minute)>>,
}

impl Reader<'_> {
    /// Shows every set of the scan to `visit`, day by day.
    pub(super) fn scan(
        &mut self,
        scan: &Scan<'_>,
        mut visit: impl FnMut(Layer, &Arc<RowSet>),
    ) -> Result<Scanned, QueryError> {
        let mut scanned = Scanned { publication: self.index.published()?, ..Scanned::default() };
        self.notice(scanned.publication.as_ref());
        let Some(range) = self.stored(scan.range)? else { return Ok(scanned) };
        let finest = |minute: Minute| finest(scanned.publication.as_ref(), minute);
        let range = widened(range, finest);
        let mut days: Vec<(Range, Grain)> =
            range.days().map(|day| (day, scan.coarsest.max(finest(day.from.0)))).collect();
        scanned.range = Some(range);
        if days.len() > MANY_DAYS {
            let occupied = self.occupied(scan, range)?;
            days.retain(|(day, _)| occupied.contains(&Grain::Day.start(day.from.0)));
        }
        for (day, coarsest) in days {
            let answer = self.index.read(&Query {
                views: scan.views,
                from: day.from.0,
                to: day.to.0,
                coarsest,
                sketches: scan.sketches,
            })?;
            self.notice(answer.publication.as_ref());
            if self.changed {
                break;
            }
            scanned.speed |= !answer.speed.is_empty();
            answer.exact.iter().for_each(|set| visit(Layer::Batch, set));
            answer.speed.iter().for_each(|set| visit(Layer::Speed, set));
        }
        Ok(scanned)
    }

    /// The days of a range that have rows, out of one read of the days' rows: of a log that begins with malformed
    /// lines, the first minute is that of 1970, and most days since are empty.
    fn occupied(&mut self, scan: &Scan<'_>, range: Range) -> Result<BTreeSet<Minute>, QueryError> {
        let (from, to) = (range.from.0, range.to.0);
        let (views, coarsest) = (scan.views, Grain::Day);
        let answer = self.index.read(&Query { views, from, to, coarsest, sketches: false })?;
        self.notice(answer.publication.as_ref());
        let sets = answer.exact.iter().chain(&answer.speed);
        Ok(sets.map(|set| Grain::Day.start(set.start)).collect())
    }

    /// The part of a range that can have rows.
    pub(super) fn stored(&mut self, range: Range) -> Result<Option<Range>, QueryError> {
        let extent = match self.extent {
            Some(known) => known,
            None => *self.extent.insert(self.index.extent()?),
        };
        let stored = extent.map(|(from, to)| range.within(Range::new(from, to)));
        Ok(stored.filter(|range| !range.is_empty()))
    }

    fn notice(&mut self, publication: Option<&Publication>) {
        let generation = publication.map(|publication| publication.generation);
        self.changed |= *self.through.get_or_insert(generation) != generation;
    }
}
