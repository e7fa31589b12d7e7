//! One event hour, exact: from the archive's columns to rows and tables.

mod codes;
mod frame;
mod sessions;
mod sets;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;
use twofold_data::class::Classifier;
use twofold_data::minute::{Grain, MINUTE_MS, Minute};
use twofold_data::view::{Distincts, RowSet, Summary, Tally, VIEWS};
use twofold_data::window::sketch::{Distinct, Quantiles};

pub use sessions::{Fragment, GAP};

use crate::BatchError;
use crate::archive::{Archive, Text};
use crate::history::Table;
use frame::{COLUMNS, Frame, Reader, Texts};
use views::Groups;

/// What an hour's records add up to.
#[derive(Debug, Default)]
pub struct HourResult {
    /// The rows of each minute and of the hour.
    pub sets: Vec<RowSet>,
    /// The tables of distinct keys, by view.
    pub tables: BTreeMap<&'static str, Table>,
    /// Sizes of responses with how often each occurred, in order.
    pub sizes: Vec<(u64, u64)>,
    /// Durations likewise.
    pub durations: Vec<(u64, u64)>,
    /// Runs of requests of a client with a user agent, in order.
    pub fragments: Vec<Fragment>,
    /// All records of the hour.
    pub tally: Tally,
}

/// Requests that are grouped at once; more are grouped in parts, so that memory is bounded.
const CHUNK: usize = 1 << 20;

/// Computes an hour from the files that have records of it.
pub fn hour(
    archive: &Archive,
    files: &BTreeSet<String>,
    hour: Minute,
    generation: u64,
    classifier: &mut Classifier,
) -> Result<HourResult, BatchError> {
    let mut reader = Reader::new(hour, classifier);
    let mut parts = Parts::default();
    let mut frame = Frame::default();
    for path in files {
        for batch in
            archive.read(path, &COLUMNS, Text::Dictionary, |group| may_hold(group, hour))?
        {
            reader.read(path, &batch?, &mut frame)?;
            if frame.len() >= CHUNK {
                parts.add(std::mem::take(&mut frame))?;
            }
        }
    }
    if frame.len() > 0 {
        parts.add(frame)?;
    }
    parts.finish(hour, generation, &reader.texts, &reader.tallies)
}

/// Whether a row group may hold records of the hour, by the statistics of its times.
fn may_hold(group: &parquet::file::metadata::RowGroupMetaData, hour: Minute) -> bool {
    use parquet::file::statistics::Statistics;
    let Some(Statistics::Int64(times)) = group.column(0).statistics() else { return true };
    let from = hour.start_ms();
    let to = from + 60 * MINUTE_MS;
    times.min_opt().is_none_or(|least| *least < to)
        && times.max_opt().is_none_or(|most| *most >= from)
}

/// What the chunks of an hour add up to so far.
#[derive(Default)]
struct Parts {
    groups: Vec<Vec<DataFrame>>,
    sizes: Vec<Vec<u64>>,
    durations: Vec<Vec<u64>>,
    visits: sessions::Visits,
}

impl Parts {
    fn add(&mut self, frame: Frame) -> Result<(), BatchError> {
        self.sizes.resize(60, Vec::new());
        self.durations.resize(60, Vec::new());
        self.groups.resize(VIEWS.len(), Vec::new());
        for (minute, bytes) in frame.minute.iter().zip(&frame.bytes) {
            self.sizes[*minute as usize % 60].push(*bytes);
        }
        for (minute, duration) in &frame.durations {
            self.durations[*minute as usize % 60].push(*duration);
        }
        self.visits.add(&frame);
        let measured = views::measured(frame.to_polars()?)?;
        drop(frame);
        let few = views::few(&measured)?;
        for (view, groups) in VIEWS.iter().zip(&mut self.groups) {
            let rows = few.as_ref().filter(|_| views::is_of_few(view)).unwrap_or(&measured);
            groups.push(views::group(rows, view)?);
        }
        Ok(())
    }

    fn finish(
        mut self,
        hour: Minute,
        generation: u64,
        texts: &Texts,
        tallies: &BTreeMap<u32, Tally>,
    ) -> Result<HourResult, BatchError> {
        let mut result = HourResult::default();
        let mut minutes = Summaries::new(tallies, &mut self.sizes, &mut self.durations);
        for (at, view) in VIEWS.iter().enumerate() {
            let parts = self.groups.get_mut(at).map(std::mem::take).unwrap_or_default();
            if parts.is_empty() {
                continue;
            }
            let merged = views::merge(parts)?;
            let of_hour = Groups::of(&views::by_hour(&merged)?)?;
            let of_minutes = Groups::of(&merged)?;
            drop(merged);
            if view.name == "clients" {
                minutes.count_clients(&of_minutes, &of_hour, texts);
            }
            sets::minutes(view, &of_minutes, texts, hour, generation, &mut result.sets);
            sets::hour(view, &of_hour, texts, hour, generation, &mut result);
        }
        sets::traffic(&mut result.sets, minutes, hour, generation);
        result.sizes = counted(self.sizes);
        result.durations = counted(self.durations);
        result.fragments = self.visits.fragments(texts);
        for tally in tallies.values() {
            result.tally += tally;
        }
        Ok(result)
    }
}

/// Values with how often each occurs, in order; the values come sorted by minute.
fn counted(minutes: Vec<Vec<u64>>) -> Vec<(u64, u64)> {
    let mut all: Vec<u64> = minutes.into_iter().flatten().collect();
    all.sort_unstable();
    all.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect()
}

/// What only the view `traffic` carries: for each minute, and last for the hour.
pub(crate) struct Summaries {
    minutes: BTreeMap<u32, Summary>,
    hour: Summary,
}

impl Summaries {
    fn new(
        tallies: &BTreeMap<u32, Tally>,
        sizes: &mut [Vec<u64>],
        durations: &mut [Vec<u64>],
    ) -> Self {
        let mut hour = Summary { exact: Some(Distincts::default()), ..Summary::default() };
        let mut minutes = BTreeMap::new();
        for (minute, tally) in tallies {
            let mut summary = Summary { tally: *tally, ..Summary::default() };
            let mut exact = Distincts::default();
            if let Some(values) = sizes.get_mut(*minute as usize) {
                exact.sizes = ranked(values, &mut summary.sizes).unwrap_or_default();
            }
            if let Some(values) = durations.get_mut(*minute as usize) {
                exact.durations = ranked(values, &mut summary.durations);
            }
            summary.exact = Some(exact);
            hour.tally += tally;
            hour.sizes.merge(&summary.sizes);
            hour.durations.merge(&summary.durations);
            minutes.insert(*minute, summary);
        }
        hour.exact = Some(Distincts {
            sizes: of_all(sizes).unwrap_or_default(),
            durations: of_all(durations),
            ..Distincts::default()
        });
        Self { minutes, hour }
    }

    fn count_clients(&mut self, of_minutes: &Groups, of_hour: &Groups, texts: &Texts) {
        let of_minute = of_minutes.by_minute();
        for (minute, groups) in
            of_minute.iter().enumerate().filter(|(_, groups)| !groups.is_empty())
        {
            let summary = self.minutes.entry(minute as u32).or_default();
            count(summary, of_minutes, groups.iter().copied(), texts);
        }
        count(&mut self.hour, of_hour, 0..of_hour.keys.len() as u32, texts);
    }

    /// The summaries by first minute and grain.
    pub(crate) fn into_sets(self, hour: Minute) -> impl Iterator<Item = (Grain, Minute, Summary)> {
        let minutes = self.minutes.into_iter();
        let minutes = minutes.map(move |(minute, summary)| {
            (Grain::Minute, Minute(hour.0 + i64::from(minute)), summary)
        });
        minutes.chain(std::iter::once((Grain::Hour, hour, self.hour)))
    }
}

fn count(summary: &mut Summary, groups: &Groups, of: impl Iterator<Item = u32>, texts: &Texts) {
    let Some(codes) = texts.of(twofold_data::view::Key::Client) else { return };
    let (mut clients, mut humans) = (Distinct::default(), Distinct::default());
    let mut exact = summary.exact.unwrap_or_default();
    for at in of {
        let hash = codes.hash(groups.code(at));
        clients.update(hash);
        exact.clients += 1;
        if groups.counts[at as usize].get("human").is_some_and(|human| human > 0) {
            humans.update(hash);
            exact.human_clients += 1;
        }
    }
    (summary.clients, summary.human_clients, summary.exact) = (clients, humans, Some(exact));
}

/// p50, p90, p95 and p99 by nearest rank; the sketch sees every value. Sorts.
fn ranked(values: &mut [u64], sketch: &mut Quantiles) -> Option<[u64; 4]> {
    values.iter().for_each(|value| sketch.update(*value));
    values.sort_unstable();
    nearest(values.len(), |rank| values[rank])
}

/// The same over all minutes, which are sorted each.
fn of_all(minutes: &[Vec<u64>]) -> Option<[u64; 4]> {
    let mut all: Vec<u64> = minutes.iter().flatten().copied().collect();
    all.sort_unstable();
    nearest(all.len(), |rank| all[rank])
}

/// The values at the nearest ranks of p50, p90, p95 and p99 among `count`.
pub(crate) fn nearest(count: usize, at: impl Fn(usize) -> u64) -> Option<[u64; 4]> {
    (count > 0).then(|| [50, 90, 95, 99].map(|percent| at((count * percent).div_ceil(100) - 1)))
}
