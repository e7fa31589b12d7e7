//! One run of the batch layer: idempotent, and harmless beside another one.

mod days;
mod hours;

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use twofold_data::class::{Classifier, PageRules};
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, declaration};
use twofold_data::zone::Zone;
use twofold_serving::index::{Index, Publication};

use crate::BatchError;
use crate::accuracy::Exact;
use crate::archive::Archive;
use crate::boundary::boundary;
use crate::discover::{Discovery, discover};
use crate::history::History;
use crate::manifest::{Manifest, SCHEMA_VERSION};
use crate::publish::Staging;
use crate::spikes;

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
    /// Whether the caller has read the source to its end: where it holds nothing at all, that is
    /// exact, too.
    pub at_end: bool,
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
    /// Whether any minute is exact yet: the boundary stands where it was as long as a partition is not known.
    #[serde(skip)]
    pub any_exact: bool,
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
        Some(_) if discovery.left.contains(hour) => "malformed records are read now",
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
    /// What accuracy compares of the hours that were computed last.
    digests: BTreeMap<i64, Vec<Exact>>,
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
        // Before the chains are asked, so that each corrected file is among theirs.
        let mut corrections = archive.corrections()?;
        corrections.retain(|path, correction| before.takes(path, correction));
        archive.see(corrections);
        Ok(Self {
            archive,
            history,
            index,
            options,
            name: run_name(),
            before,
            classifier,
            fingerprint: format!("{:016x}", twofold_data::window::sketch::key_hash(&fingerprint)),
            digests: BTreeMap::new(),
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
        let (boundary, over) = self.boundary(&discovery);
        if self.knows(&discovery, boundary, over) {
            return Ok(self.outcome(&self.before, false, &discovery));
        }
        let mut manifest = self.manifest(&discovery, boundary, over);
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
        self.publish(&manifest)?;
        Ok(self.outcome(&manifest, true, &discovery))
    }

    /// Where the boundary goes, and whether no record will follow.
    fn boundary(&self, discovery: &Discovery) -> (Minute, bool) {
        let Options { settle, everything, at_end, .. } = *self.options;
        let (boundary, over) = boundary(discovery.ends.iter(), settle, self.before.boundary);
        // Of nothing at all every number is known, too.
        if at_end && discovery.ends.is_empty() {
            return (boundary.max(Minute(0)), true);
        }
        match discovery.touched.keys().next_back() {
            Some(last) if over && everything => {
                (boundary.max(Grain::Hour.end(Minute(*last))), over)
            }
            _ => (boundary, over),
        }
    }

    /// Whether the generation before says all this already.
    fn knows(&self, discovery: &Discovery, boundary: Minute, over: bool) -> bool {
        let before = &self.before;
        let zone = self.options.timezone.to_string();
        discovery.touched.is_empty()
            && discovery.refused.is_empty()
            && (before.generation == 0 || before.timezone == zone)
            && boundary == before.boundary
            && over == before.end_of_input
    }

    /// The next generation's manifest, as far as it is known before its hours are computed.
    fn manifest(&self, discovery: &Discovery, boundary: Minute, over: bool) -> Manifest {
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
            corrected: self.archive.seen().keys().cloned().collect(),
        };
        manifest.refused.extend(discovery.refused.clone());
        manifest
    }

    /// Publishes what is staged; what follows from it may wait for the next run.
    fn publish(&self, manifest: &Manifest) -> Result<(), BatchError> {
        self.history.put_manifest(manifest)?;
        let publication = publication(manifest);
        self.index.publish(&self.name, &publication)?;
        if let Err(error) = spikes::review(self.index, &publication) {
            tracing::warn!(%error, "spikes wait for the next run to be reviewed");
        }
        if let Err(error) = self.history.clean(manifest) {
            tracing::warn!(%error, "superseded tables of the history stay for the next run");
        }
        metrics::gauge!("twofold_generation").set(manifest.generation as f64);
        Ok(())
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

    fn abandon(&self) -> Result<(), BatchError> {
        Ok(self.index.abandon(&self.name)?)
    }

    fn outcome(&self, manifest: &Manifest, published: bool, discovery: &Discovery) -> Outcome {
        Outcome {
            generation: manifest.generation,
            boundary: (manifest.generation > 0).then(|| manifest.boundary.to_string()),
            any_exact: manifest.generation > 0 && manifest.boundary > Minute(0),
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
            "corrected": manifest.corrected,
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
