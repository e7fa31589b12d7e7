//! What only the view `traffic` carries: for each minute, and for the hour.

use std::collections::BTreeMap;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{Distincts, Key, Summary};
use twofold_data::window::sketch::Distinct;

use super::fold::{Group, Minutes};
use super::frame::{Tallies, Texts};
use super::sizes::{Values, percentiles};

/// The summaries of an hour and its minutes.
pub struct Summaries {
    minutes: BTreeMap<u32, Summary>,
    hour: Summary,
}

impl Summaries {
    /// Summaries of all but the clients.
    pub fn new(tallies: &Tallies, sizes: &mut Values, durations: &mut Values) -> Self {
        let mut hour = Summary::default();
        let mut minutes = BTreeMap::new();
        let present = (0..).zip(tallies).filter(|(_, tally)| tally.records > 0);
        for (minute, tally) in present {
            let mut summary = Summary { tally: *tally, ..Summary::default() };
            summary.exact = Some(Distincts {
                sizes: sizes.ranked(minute, &mut summary.sizes).unwrap_or_default(),
                durations: durations.ranked(minute, &mut summary.durations),
                ..Distincts::default()
            });
            hour.tally += tally;
            hour.sizes.merge(&summary.sizes);
            hour.durations.merge(&summary.durations);
            minutes.insert(minute, summary);
        }
        Self { minutes, hour }
    }

    /// Exact percentiles of the hour, by its histograms.
    pub fn rank_hour(&mut self, sizes: &[(u64, u64)], durations: &[(u64, u64)]) {
        let exact = self.hour.exact.get_or_insert_default();
        exact.sizes = percentiles(sizes).unwrap_or_default();
        exact.durations = percentiles(durations);
    }

    /// Counts the distinct clients of each minute and of the hour.
    pub fn count_clients(&mut self, minutes: &Minutes, hour: &[Group], texts: &Texts) {
        for (minute, groups) in minutes.iter().enumerate().filter(|(_, groups)| !groups.is_empty())
        {
            count(self.minutes.entry(minute as u32).or_default(), groups, texts);
        }
        count(&mut self.hour, hour, texts);
    }

    /// The summaries by grain and first minute.
    pub fn into_sets(self, hour: Minute) -> impl Iterator<Item = (Grain, Minute, Summary)> {
        let minutes = self.minutes.into_iter();
        let minutes = minutes.map(move |(minute, summary)| {
            (Grain::Minute, Minute(hour.0 + i64::from(minute)), summary)
        });
        minutes.chain(std::iter::once((Grain::Hour, hour, self.hour)))
    }
}

fn count(summary: &mut Summary, groups: &[Group], texts: &Texts) {
    let Some(codes) = texts.of(Key::Client) else { return };
    let (mut clients, mut humans) = (Distinct::default(), Distinct::default());
    let mut exact = summary.exact.unwrap_or_default();
    for group in groups {
        let hash = codes.hash(group.code);
        clients.update(hash);
        exact.clients += 1;
        if group.counts.get("human").is_some_and(|human| human > 0) {
            humans.update(hash);
            exact.human_clients += 1;
        }
    }
    (summary.clients, summary.human_clients, summary.exact) = (clients, humans, Some(exact));
}
