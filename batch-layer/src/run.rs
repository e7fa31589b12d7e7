//! One run of the batch layer: idempotent, and harmless beside another one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use twofold_data::class::{Classifier, PageRules};
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, declaration};
use twofold_data::zone::Zone;
use twofold_serving::index::{Document, Index, Publication};

use crate::BatchError;
use crate::archive::Archive;
use crate::boundary::boundary;
use crate::discover::{Discovery, discover};
use crate::history::{History, day, hour};
use crate::manifest::{Hour, Manifest, SCHEMA_VERSION};
use crate::publish::Staging;
use crate::recompute::{self, Recompute};
use crate::{accuracy, patterns, spikes};

/// How a run works.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How far (ms) the boundary keeps behind the end of the archive.
    pub settle: i64,
    /// The rules by which paths become pages.
    pub rules: PageRules,
    /// Whether requests far in the future, which nothing confirmed, are published as well once no
    /// record will follow: right for a report, while a log that may go on is better
    /// off without, since the boundary never moves back.
    pub everything: bool,
    /// The time zone that decides days and hours in the access patterns.
    pub timezone: Zone,
    /// Hours to compute again, changed or not: the first minute, and the first one after.
    pub again: Option<(Minute, Minute)>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    /// The current generation.
    pub generation: u64,
    /// The current boundary; `None` before the first generation.
    pub boundary: Option<String>,
    /// Whether this run published it.
    pub published: bool,
    /// Records that were new.
    pub new_records: u64,
    /// Hours that were computed.
    pub hours: usize,
    /// Whether no record will follow.
    pub end_of_input: bool,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// The hours to compute, and why.
    pub hours: Vec<(String, &'static str)>,
    /// Records that are new.
    pub new_records: u64,
    /// The boundary afterwards.
    pub boundary: String,
}

/// Another run may be quicker; after so many tries something else is wrong.
const TRIES: usize = 5;

/// Computes what is new and publishes it. `progress` hears how many hours of how many are done.
///
/// # Errors
/// [`BatchError::Lost`] only if other runs were quicker again and again.
pub fn run(
    archive: &Archive,
    history: &History,
    index: &dyn Index,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Outcome, BatchError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut attempt = Attempt::begin(archive, history, index, options)?;
        match attempt.run(progress) {
            Err(BatchError::Lost { .. }) if tries < TRIES => attempt.abandon()?,
            Err(error) => {
                attempt.abandon().unwrap_or_default();
                return Err(error);
            }
            Ok(outcome) => return Ok(outcome),
        }
    }
}

/// Says what [`run`] would do, and does nothing.
///
/// # Errors
/// Of the stores.
pub fn plan(
    archive: &Archive,
    history: &History,
    index: &dyn Index,
    options: &Options,
) -> Result<Plan, BatchError> {
    let attempt = Attempt::begin(archive, history, index, options)?;
    let discovery = attempt.discover()?;
    let (boundary, _) = boundary(discovery.ends.iter(), options.settle, attempt.before.boundary);
    let why = |hour: &i64| match attempt.before.hours.get(hour) {
        None => "new",
        Some(known) if known.fingerprint != attempt.fingerprint => {
            "formats, classes or views changed"
        }
        Some(_) if options.again.is_some() => "asked for",
        Some(_) => "more records",
    };
    Ok(Plan {
        hours: discovery
            .touched
            .keys()
            .map(|hour| (Minute(*hour).to_string(), why(hour)))
            .collect(),
        new_records: discovery.new_records,
        boundary: boundary.to_string(),
    })
}

struct Attempt<'a> {
    archive: &'a Archive,
    history: &'a History,
    index: &'a dyn Index,
    options: &'a Options,
    name: String,
    before: Manifest,
    classifier: Classifier,
    fingerprint: String,
}

impl<'a> Attempt<'a> {
    fn begin(
        archive: &'a Archive,
        history: &'a History,
        index: &'a dyn Index,
        options: &'a Options,
    ) -> Result<Self, BatchError> {
        let classifier = Classifier::with_rules(options.rules);
        let fingerprint = format!("{};{}", classifier.fingerprint(), declaration());
        let before = history.newest()?;
        Ok(Self {
            archive,
            history,
            index,
            options,
            name: run_name(),
            before,
            classifier,
            fingerprint: format!("{:016x}", twofold_data::window::sketch::key_hash(&fingerprint)),
        })
    }

    fn discover(&self) -> Result<Discovery, BatchError> {
        let mut discovery = discover(self.archive, &self.before, &self.fingerprint)?;
        if let Some((from, to)) = self.options.again {
            let from = Grain::Hour.start(from).0;
            let asked = self
                .before
                .hours
                .iter()
                .filter(|(hour, known)| (from..to.0).contains(hour) && !known.sealed);
            asked.for_each(|(hour, known)| discovery.touch_again(*hour, known));
        }
        Ok(discovery)
    }

    fn run(&mut self, progress: &mut dyn FnMut(usize, usize)) -> Result<Outcome, BatchError> {
        self.repeat()?;
        let discovery = self.discover()?;
        let (boundary, over) =
            boundary(discovery.ends.iter(), self.options.settle, self.before.boundary);
        // Of nothing at all every number is known, too.
        let empty = self.options.everything && discovery.ends.is_empty();
        let (boundary, over) =
            (boundary.max(if empty { Minute(0) } else { boundary }), over || empty);
        let boundary = match discovery.touched.keys().next_back() {
            Some(last) if over && self.options.everything => {
                boundary.max(Grain::Hour.end(Minute(*last)))
            }
            _ => boundary,
        };
        let nothing = discovery.touched.is_empty()
            && discovery.refused.is_empty()
            && (self.before.generation == 0
                || self.before.timezone == self.options.timezone.to_string())
            && boundary == self.before.boundary
            && over == self.before.end_of_input;
        if nothing {
            return Ok(self.outcome(&self.before, false, &discovery));
        }
        let mut manifest = Manifest {
            schema: SCHEMA_VERSION,
            generation: self.before.generation + 1,
            run: self.name.clone(),
            boundary,
            end_of_input: over,
            made_at: now(),
            offsets: discovery.offsets.clone(),
            hours: self.before.hours.clone(),
            records: 0,
            faded: self.before.faded,
            timezone: self.options.timezone.to_string(),
            settling: self.before.settling.clone(),
            refused: self.before.refused.clone(),
        };
        manifest.refused.extend(discovery.refused.clone());
        let name = self.name.clone();
        let mut staging = Staging::new(self.index, &name);
        let start = Instant::now();
        self.recompute(&discovery, &mut manifest, &mut staging, progress)?;
        tracing::info!(elapsed = ?start.elapsed(), hours = discovery.touched.len(), "hours computed");
        self.stage_known(&discovery, &manifest, &mut staging)?;
        self.stage_days(&discovery, &manifest, &mut staging)?;
        self.stage_patterns(&discovery, &mut manifest, &mut staging)?;
        tracing::info!(elapsed = ?start.elapsed(), "days merged");
        manifest.count();
        staging.documents(&spikes::usual(self.index, boundary)?)?;
        staging.verify()?;
        self.history.put_manifest(&manifest)?;
        let publication = publication(&manifest);
        self.index.publish(&self.name, &publication)?;
        // It is published whatever becomes of this: the next run reviews what is left.
        if let Err(error) = spikes::review(self.index, &publication) {
            tracing::warn!(%error, "spikes wait for the next run to be reviewed");
        }
        if let Err(error) = self.history.clean(&manifest) {
            tracing::warn!(%error, "superseded tables of the history stay for the next run");
        }
        metrics::gauge!("twofold_generation").set(manifest.generation as f64);
        Ok(self.outcome(&manifest, true, &discovery))
    }

    /// Publishes the newest generation again, if the index lacks it: a run died in between.
    fn repeat(&self) -> Result<(), BatchError> {
        let published = self.index.published()?.map_or(0, |publication| publication.generation);
        if published >= self.before.generation {
            return Ok(());
        }
        let mut staging = Staging::new(self.index, &self.before.run);
        for (hour, known) in &self.before.hours {
            let sets = self.history.read_rows(&known.folder, |_, _| true)?;
            staging.add(sets.into_iter().filter(|set| is_published(set, &self.before)))?;
            let start = Grain::Day.start(Minute(*hour));
            if self.before.hours.range(start.0..*hour).next().is_none() {
                staging.add(self.day(start, &self.before)?)?;
            }
        }
        Ok(self.index.publish(&self.before.run, &publication(&self.before))?)
    }

    /// Computes the touched hours, writes their tables, and stages their rows before the boundary.
    fn recompute(
        &mut self,
        discovery: &Discovery,
        manifest: &mut Manifest,
        staging: &mut Staging<'_>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), BatchError> {
        for (done, (start, files)) in discovery.touched.iter().enumerate() {
            progress(done, discovery.touched.len());
            let hour = Minute(*start);
            let begun = Instant::now();
            let with = Recompute {
                archive: self.archive,
                generation: manifest.generation,
                classifier: &mut self.classifier,
                verify: done == 0,
            };
            let result = recompute::hour(with, files, hour)?;
            tracing::debug!(elapsed = ?begun.elapsed(), %hour, "computed");
            let folder = hour::folder(hour, manifest.generation, &self.name);
            self.history.write_hour(&folder, &result)?;
            tracing::debug!(elapsed = ?begun.elapsed(), %hour, "tables written");
            let gone = self.gone(*start, &result.sets)?;
            let sets = result.sets.into_iter().chain(gone);
            staging.add(sets.filter(|set| is_published(set, manifest)))?;
            let fingerprint = self.fingerprint.clone();
            let files = files.iter().cloned().collect();
            let known =
                Hour { folder, files, records: result.tally.records, fingerprint, sealed: false };
            manifest.hours.insert(*start, known);
        }
        progress(discovery.touched.len(), discovery.touched.len());
        Ok(())
    }

    /// Rows that were published of an hour and are no more, as empty ones: a changed
    /// bot list may leave a list without rows.
    fn gone(&self, hour: i64, sets: &[RowSet]) -> Result<Vec<RowSet>, BatchError> {
        let Some(known) = self.before.hours.get(&hour) else { return Ok(Vec::new()) };
        if known.fingerprint == self.fingerprint {
            return Ok(Vec::new());
        }
        let key = |set: &RowSet| (set.view.clone(), set.grain, set.start);
        let present: BTreeSet<_> = sets.iter().map(key).collect();
        let old = self.history.read_rows(&known.folder, |_, _| true)?.into_iter();
        let empty = |set: RowSet| RowSet {
            rows: Vec::new(),
            floor: 0,
            keys: Some(0),
            summary: None,
            ..set
        };
        Ok(old.filter(|set| !present.contains(&key(set))).map(empty).collect())
    }

    /// Stages rows of hours that did not change, but over which the boundary has moved.
    fn stage_known(
        &self,
        discovery: &Discovery,
        manifest: &Manifest,
        staging: &mut Staging<'_>,
    ) -> Result<(), BatchError> {
        let before = self.before.boundary;
        let from = Grain::Hour.start(before).0;
        for (hour, known) in self.before.hours.range(from..manifest.boundary.0.max(from)) {
            if discovery.touched.contains_key(hour) {
                continue;
            }
            let sets = self.history.read_rows(&known.folder, |_, _| true)?.into_iter();
            let new = |set: &RowSet| is_published(set, manifest) && !lies_before(set, before);
            staging.add(sets.filter(new))?;
        }
        Ok(())
    }

    /// Stages the days that are over and have changed, or have just ended.
    fn stage_days(
        &self,
        discovery: &Discovery,
        manifest: &Manifest,
        staging: &mut Staging<'_>,
    ) -> Result<(), BatchError> {
        let days: BTreeMap<Minute, bool> = manifest
            .hours
            .keys()
            .map(|hour| {
                let start = Grain::Day.start(Minute(*hour));
                (start, Grain::Day.end(start) > self.before.boundary)
            })
            .collect();
        let touched: BTreeSet<Minute> =
            discovery.touched.keys().map(|hour| Grain::Day.start(Minute(*hour))).collect();
        for (start, new) in days {
            if new || touched.contains(&start) {
                staging.add(self.day(start, manifest)?)?;
                staging.documents(&self.accuracy(start, manifest)?)?;
            }
        }
        Ok(())
    }

    /// Stages the access patterns of the days that are due, by the time zone's days.
    fn stage_patterns(
        &self,
        discovery: &Discovery,
        manifest: &mut Manifest,
        staging: &mut Staging<'_>,
    ) -> Result<(), BatchError> {
        let touched: BTreeSet<i64> = discovery.touched.keys().copied().collect();
        let zone = &self.options.timezone;
        staging.documents(&patterns::due(self.history, &self.before, manifest, &touched, zone)?)
    }

    /// The rows of a day, if it is over.
    fn day(&self, start: Minute, manifest: &Manifest) -> Result<Vec<RowSet>, BatchError> {
        let end = Grain::Day.end(start);
        if end > manifest.boundary {
            return Ok(Vec::new());
        }
        let hours = manifest.hours.range(start.0..end.0);
        let folders: Vec<String> = hours.map(|(_, hour)| hour.folder.clone()).collect();
        day(self.history, start, &folders, manifest.generation)
    }

    /// Accuracy of a day, as far as the boundary has come.
    fn accuracy(&self, start: Minute, manifest: &Manifest) -> Result<Vec<Document>, BatchError> {
        let end = Grain::Day.end(start);
        if !accuracy::has_estimates(self.index, start)? {
            return Ok(Vec::new());
        }
        let mut exact = Vec::new();
        for (_, hour) in manifest.hours.range(start.0..end.0.min(manifest.boundary.0.max(start.0)))
        {
            let sets = self.history.read_rows(&hour.folder, accuracy::wanted)?.into_iter();
            exact.extend(sets.filter(|set| lies_before(set, manifest.boundary)));
        }
        Ok(accuracy::day(self.index, start, &exact)?.into_iter().collect())
    }

    fn abandon(&self) -> Result<(), BatchError> {
        Ok(self.index.abandon(&self.name)?)
    }

    fn outcome(&self, manifest: &Manifest, published: bool, discovery: &Discovery) -> Outcome {
        Outcome {
            generation: manifest.generation,
            boundary: (manifest.generation > 0).then(|| manifest.boundary.to_string()),
            published,
            new_records: discovery.new_records,
            hours: discovery.touched.len(),
            end_of_input: manifest.end_of_input,
        }
    }
}

/// Whether the whole span of a set lies before the boundary.
fn lies_before(set: &RowSet, boundary: Minute) -> bool {
    set.grain.end(set.start) <= boundary
}

/// Whether a set of the generation stands in the index.
fn is_published(set: &RowSet, manifest: &Manifest) -> bool {
    lies_before(set, manifest.boundary) && !manifest.faded.covers(set.grain, set.start)
}

pub(crate) fn publication(manifest: &Manifest) -> Publication {
    Publication {
        generation: manifest.generation,
        boundary: manifest.boundary,
        end_of_input: manifest.end_of_input,
        published_at: now(),
        info: serde_json::json!({
            "offsets": manifest.offsets,
            "records": manifest.records,
            "faded": manifest.faded,
            "timezone": manifest.timezone,
            "refused": manifest.refused,
        }),
    }
}

/// A name that no other run has: the time, to the nanosecond, and the process.
pub(crate) fn run_name() -> String {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", elapsed.as_nanos(), std::process::id())
}

pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
