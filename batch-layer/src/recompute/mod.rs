//! One event hour, exact: from the archive's columns to rows and tables.

mod codes;
mod fold;
mod frame;
mod sessions;
mod sets;
mod sizes;
mod summaries;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use parquet::file::metadata::RowGroupMetaData;
use twofold_data::class::Classifier;
use twofold_data::minute::{MINUTE_MS, Minute};
use twofold_data::view::{CLIENTS, RowSet, Tally, VIEWS};

pub use sessions::{Fragment, GAP};

use crate::BatchError;
use crate::archive::columns::OF_RECORDS;
use crate::archive::groups::may_be_within;
use crate::archive::{Archive, Text};
use fold::Minutes;
use frame::{Frame, Reader, Tallies, Texts};
use sets::Names;
use sizes::Values;
pub(crate) use sizes::percentiles;
use summaries::Summaries;

/// What an hour's records add up to.
#[derive(Debug, Default)]
pub struct HourResult {
    /// The rows of each minute and of the hour.
    pub sets: Vec<RowSet>,
    /// The tables of distinct keys, by view, as Parquet.
    pub tables: BTreeMap<&'static str, Bytes>,
    /// Sizes of responses with how often each occurred, in order.
    pub sizes: Vec<(u64, u64)>,
    /// Durations likewise.
    pub durations: Vec<(u64, u64)>,
    /// Runs of requests of a client with a user agent, in order.
    pub fragments: Vec<Fragment>,
    /// All records of the hour.
    pub tally: Tally,
}

/// Requests that are folded at once; more are folded in parts, so that memory is bounded.
const CHUNK: usize = 1 << 20;

/// What computes hours: the archive, and what a run brings along.
pub struct Recompute<'a> {
    /// Where the records are.
    pub archive: &'a Archive,
    /// The generation that the rows will be of.
    pub generation: u64,
    /// What the records are classified by.
    pub classifier: &'a mut Classifier,
    /// Whether a sample of the requests is counted a second time, by Polars.
    pub verify: bool,
}

/// Computes an hour from the files that have records of it.
///
/// # Errors
/// Of the store; [`BatchError::Damaged`] where a file doesn't read; [`BatchError::Failed`] where
/// the second count of the sample differs.
pub fn hour(
    with: Recompute<'_>,
    files: &BTreeSet<String>,
    hour: Minute,
) -> Result<HourResult, BatchError> {
    let Recompute { archive, generation, classifier, verify } = with;
    let mut reader = Reader::new(hour, classifier);
    let mut parts = Parts::new();
    let mut frame = Frame::default();
    let (from, to) = (hour.start_ms(), hour.start_ms() + 60 * MINUTE_MS);
    let wanted = |group: &RowGroupMetaData| may_be_within(group, from, to);
    for path in files {
        for batch in archive.read(path, &OF_RECORDS, Text::Dictionary, wanted)? {
            reader.read(path, &batch?, &mut frame)?;
            if frame.len() >= CHUNK {
                parts.add(&frame, &reader.texts);
                frame.clear();
            }
        }
    }
    if verify {
        verify::verify(&frame, &reader.texts)?;
    }
    parts.add(&frame, &reader.texts);
    drop(frame);
    parts.finish(hour, generation, &reader.texts, &reader.tallies)
}

/// What the chunks of an hour add up to so far.
struct Parts {
    /// For each of [`VIEWS`].
    groups: Vec<Minutes>,
    sizes: Values,
    durations: Values,
    visits: sessions::Visits,
}

impl Parts {
    fn new() -> Self {
        Self {
            groups: vec![vec![Vec::new(); 60]; VIEWS.len()],
            sizes: Values::default(),
            durations: Values::default(),
            visits: sessions::Visits::default(),
        }
    }

    fn add(&mut self, frame: &Frame, texts: &Texts) {
        self.sizes.add(frame.minute.iter().copied().zip(frame.bytes.iter().copied()));
        self.durations.add(frame.durations.iter().copied());
        self.visits.add(frame);
        fold::add(frame, texts, &mut self.groups);
    }

    /// There may be millions of keys, so what is counted of a view is let go as soon as it is a table.
    fn finish(
        self,
        hour: Minute,
        generation: u64,
        texts: &Texts,
        tallies: &Tallies,
    ) -> Result<HourResult, BatchError> {
        let Self { groups, mut sizes, mut durations, visits } = self;
        let mut result = HourResult::default();
        let mut summaries = Summaries::new(tallies, &mut sizes, &mut durations);
        let names = Names::of(texts);
        for (at, (view, minutes)) in VIEWS.iter().zip(groups).enumerate() {
            let whole = fold::hour(&minutes, fold::codes_of(view, texts));
            if at == CLIENTS {
                summaries.count_clients(&minutes, &whole, texts);
            }
            let span = sets::Span { view, names: &names, generation };
            span.minutes(hour, &minutes, &mut result.sets);
            drop(minutes);
            span.hour(hour, &whole, &mut result)?;
        }
        (result.sizes, result.durations) = (sizes.counted(), durations.counted());
        summaries.rank_hour(&result.sizes, &result.durations);
        sets::traffic(&mut result.sets, summaries, hour, generation);
        result.fragments = visits.fragments(texts);
        for tally in tallies {
            result.tally += tally;
        }
        Ok(result)
    }
}
