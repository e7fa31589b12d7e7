//! The exact index held against the archive, minute by minute.

use std::ops::Range;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::Tally;
use twofold_serving::index::{Index, Publication, Query};

use super::{Audit, Minutes};
use crate::BatchError;

impl Audit {
    /// Holds each exact minute (hour or day, where minutes have faded) against the archive and
    /// what was retired from it.
    pub(super) fn index(
        &mut self,
        index: &dyn Index,
        publication: &Publication,
        mut minutes: Minutes,
    ) -> Result<(), BatchError> {
        let boundary = publication.boundary;
        let stored = index.extent()?.map_or(boundary, |(from, _)| from);
        let from = minutes.keys().next().copied().unwrap_or(boundary).min(stored);
        let mut day = Grain::Day.start(from);
        while day < boundary {
            // A stretch of days without a record is read at once, from the days' rows.
            let next = minutes
                .range(day..)
                .next()
                .map_or(boundary, |(minute, _)| Grain::Day.start(*minute));
            let (to, grain) = match next > day {
                true => (next.min(boundary), Grain::Day),
                false => (Grain::Day.end(day).min(boundary), publication.finest(day)),
            };
            let query =
                Query { views: &["traffic"], from: day, to, coarsest: grain, sketches: false };
            for set in index.read(&query)?.exact {
                let tally = set.summary.as_ref().map(|summary| summary.tally).unwrap_or_default();
                let span = set.start..set.grain.end(set.start);
                self.compare(set.start, tally, take(&mut minutes, span));
            }
            day = to;
        }
        for (minute, tally) in minutes.range(..boundary) {
            self.missing += tally.records;
            self.find(format!(
                "{minute}: the exact index lacks the minute's {} records",
                tally.records
            ));
        }
        Ok(())
    }

    fn compare(&mut self, minute: Minute, exact: Tally, archived: Tally) {
        self.minutes += 1;
        if exact == archived {
            return;
        }
        let (has, should) = (exact.records, archived.records);
        self.missing += should.saturating_sub(has);
        match self.lossy {
            true => self.missing += has.saturating_sub(should),
            false => self.duplicated += has.saturating_sub(should),
        }
        self.find(match has == should {
            true => {
                format!("{minute}: the exact index counts {has} records, but not the archive's")
            }
            false => {
                format!("{minute}: the exact index counts {has} records, the archive {should}")
            }
        });
    }
}

/// Takes the minutes of a span out, and adds them up.
fn take(minutes: &mut Minutes, span: Range<Minute>) -> Tally {
    let found: Vec<Minute> = minutes.range(span).map(|(minute, _)| *minute).collect();
    let mut sum = Tally::default();
    found.iter().filter_map(|minute| minutes.remove(minute)).for_each(|tally| sum += &tally);
    sum
}
