//! What only the rows of single minutes tell of a range.

use std::collections::BTreeMap;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::RowSet;
use twofold_data::zone::{LocalDay, Zone};

use super::{Day, Hour};
use crate::query::scan::{Reader, Scan};
use crate::query::totals::sums;
use crate::query::{Instant, QueryError, Range};

/// What only the rows of single minutes tell.
#[derive(Default)]
pub(super) struct Minutes {
    pub(super) first: Option<Minute>,
    pub(super) last: Option<Minute>,
    pub(super) busiest: Vec<(Instant, u64)>,
    /// The coarsest rows that stand in for minutes which have faded.
    pub(super) coarsest: Option<Grain>,
    /// Requests and errors by the hour's first minute.
    by_hour: BTreeMap<Minute, (u64, u64)>,
    /// The same by the date.
    by_day: BTreeMap<String, (u64, u64)>,
    zone: Zone,
    /// The day of the set before, since the next is nearly always of the same.
    day: Option<LocalDay>,
}

impl Minutes {
    pub(super) fn read(
        reader: &mut Reader<'_>,
        range: Range,
        top: usize,
        zone: &Zone,
    ) -> Result<Self, QueryError> {
        let mut minutes = Self { zone: zone.clone(), ..Self::default() };
        let mut open: Option<(Minute, u64)> = None;
        let scan = Scan { views: &["traffic"], range, coarsest: Grain::Minute, sketches: false };
        reader.scan(&scan, |_, set| {
            let requests = minutes.add(set);
            // A minute has one set per partition, one after the other.
            match &mut open {
                Some((minute, sum)) if *minute == set.start => *sum += requests,
                _ if set.grain != Grain::Minute => {}
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
            self.last = self.last.max(Some(Minute(set.grain.end(set.start).0 - 1)));
            self.coarsest = self.coarsest.max(Some(set.grain));
            self.count(set.start, requests, measure("client_errors") + measure("server_errors"));
        }
        requests
    }

    fn count(&mut self, start: Minute, requests: u64, errors: u64) {
        let day = self.day.take().filter(|day| (day.from..day.to).contains(&start));
        let day = day.unwrap_or_else(|| self.zone.day(start));
        let of_day = self.by_day.entry(day.date.clone()).or_default();
        let of_hour = self.by_hour.entry(self.zone.hour_start(start)).or_default();
        for sums in [of_day, of_hour] {
            sums.0 += requests;
            sums.1 += errors;
        }
        self.day = Some(day);
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

    /// The days with requests.
    pub(super) fn days(&self) -> Vec<Day> {
        let day = |(day, (requests, errors)): (&String, &(u64, u64))| Day {
            day: day.clone(),
            requests: *requests,
            errors: *errors,
        };
        self.by_day.iter().map(day).collect()
    }

    /// Whether hours and days are right although some rows are coarser than minutes.
    pub(super) fn tell_days_and_hours(&self) -> bool {
        match self.coarsest {
            Some(Grain::Day) => false,
            Some(Grain::Hour) => self.zone.is_utc(),
            Some(Grain::Minute) | None => true,
        }
    }

    /// The time zone's name.
    pub(super) fn timezone(&self) -> String {
        self.zone.to_string()
    }
}
