//! What only the rows of single minutes tell of a range.

use std::collections::BTreeMap;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::RowSet;

use super::Hour;
use crate::query::scan::{Reader, Scan};
use crate::query::totals::sums;
use crate::query::{Instant, QueryError, Range};

/// What only the rows of single minutes tell.
#[derive(Default)]
pub(super) struct Minutes {
    pub(super) first: Option<Minute>,
    pub(super) last: Option<Minute>,
    pub(super) busiest: Vec<(Instant, u64)>,
    /// Requests and errors by the hour's first minute.
    by_hour: BTreeMap<Minute, (u64, u64)>,
}

impl Minutes {
    pub(super) fn read(
        reader: &mut Reader<'_>,
        range: Range,
        top: usize,
    ) -> Result<Self, QueryError> {
        let mut minutes = Self::default();
        let mut open: Option<(Minute, u64)> = None;
        let scan = Scan { views: &["traffic"], range, coarsest: Grain::Minute, sketches: false };
        reader.scan(&scan, |_, set| {
            let requests = minutes.add(&set);
            // A minute has one set per partition, one after the other.
            match &mut open {
                Some((minute, sum)) if *minute == set.start => *sum += requests,
                _ => {
                    let before = open.replace((set.start, requests));
                    minutes.rank(before, top);
                }
            }
        })?;
        minutes.rank(open, top);
        Ok(minutes)
    }

    /// Counts a set; returns its requests.
    fn add(&mut self, set: &RowSet) -> u64 {
        let (measures, _) = sums(Some(set));
        let measure = |name| measures.0.get(name).unwrap_or(0);
        let requests = measure("requests");
        if requests > 0 {
            self.first = Some(self.first.map_or(set.start, |first| first.min(set.start)));
            self.last = self.last.max(Some(set.start));
            let hour = self.by_hour.entry(Grain::Hour.start(set.start)).or_default();
            hour.0 += requests;
            hour.1 += measure("client_errors") + measure("server_errors");
        }
        requests
    }

    /// Puts a minute where it belongs among the busiest, if it does.
    fn rank(&mut self, minute: Option<(Minute, u64)>, top: usize) {
        let Some((minute, requests)) = minute.filter(|(_, requests)| *requests > 0) else { return };
        let place = self.busiest.partition_point(|(at, most)| {
            (*most, std::cmp::Reverse(at.0)) > (requests, std::cmp::Reverse(minute))
        });
        if place < top {
            self.busiest.insert(place, (Instant(minute), requests));
            self.busiest.truncate(top);
        }
    }

    /// The hours with requests.
    pub(super) fn hours(&self) -> Vec<Hour> {
        let hour = |(start, (requests, errors)): (&Minute, &(u64, u64))| Hour {
            start: Instant(*start),
            requests: *requests,
            errors: *errors,
        };
        self.by_hour.iter().map(hour).collect()
    }
}
