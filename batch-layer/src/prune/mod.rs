//! Retention: what is old enough goes, and what goes is recorded first.
//!
//! A prune is a generation of its own. Its manifest says which rows have faded, which hours
//! have lost their tables and which hours are sealed because a file of theirs will go;
//! it is put create-if-absent, so that a batch run beside it starts over and finds them so.
//! Then each partition's retirement is recorded beside the archive, then its files are deleted. Killed
//! in between, the next prune goes on: an hour sealed too early is only not computed again,
//! and a recorded file that is still there counts as retired.

mod choice;
mod retire;

use twofold_data::minute::{Grain, MINUTE_MS, Minute};
use twofold_serving::index::{Index, Layer};
use twofold_serving::spikes::alerts;

use crate::BatchError;
use crate::archive::Archive;
use crate::history::History;
use crate::manifest::{Faded, Manifest};
use crate::run::{now, publication, run_name};
use choice::Choice;
use retire::{forget_corrected, retire};

/// How long things are kept. Ages are in milliseconds and count back from the boundary, so that
/// a log which ended long ago does not fade away; `None` keeps for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Rows of minutes in the index.
    pub minutes: Option<i64>,
    /// Rows of hours in the index.
    pub hours: Option<i64>,
    /// Tables of the history.
    pub history: Option<i64>,
    /// Files of the archive.
    pub archive: Option<i64>,
    /// Bytes of all files of the archive.
    pub archive_bytes: Option<u64>,
}

/// What a prune did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Pruned {
    /// The boundary from which ages count.
    pub boundary: String,
    /// The generation that it published, or the current one.
    pub generation: u64,
    /// Minute rows before it are gone.
    pub minutes_before: Option<String>,
    /// Hour rows before it are gone.
    pub hours_before: Option<String>,
    /// The history's tables before it are gone.
    pub history_before: Option<String>,
    /// Row sets that were removed from the index.
    pub removed_row_sets: u64,
    /// Spikes, reviews and alerts that were removed: they go with the minutes of which they speak.
    pub removed_spikes: u64,
    /// Files that were retired from the archive.
    pub retired_files: u64,
    /// Their records.
    pub retired_records: u64,
    /// Their bytes.
    pub retired_bytes: u64,
    /// Files that an earlier prune had recorded, and was killed before it deleted them.
    pub finished_files: u64,
}

/// A batch run may be quicker; after so many tries something else is wrong.
const TRIES: usize = 3;

/// Applies the retention; with `dry` only says what would go.
///
/// # Errors
/// [`BatchError::Failed`] as long as not everything is published, since estimates and
/// archive are kept until they are counted; [`BatchError::Lost`] only if batch runs were quicker
/// again and again.
pub fn prune(
    archive: &Archive,
    history: &History,
    index: &dyn Index,
    retention: &Retention,
    dry: bool,
) -> Result<Pruned, BatchError> {
    let mut tries = 1;
    loop {
        match once(archive, history, index, retention, dry) {
            Err(BatchError::Lost { .. }) if tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

fn once(
    archive: &Archive,
    history: &History,
    index: &dyn Index,
    retention: &Retention,
    dry: bool,
) -> Result<Pruned, BatchError> {
    let before = history.newest()?;
    let published = index.published()?.map_or(0, |publication| publication.generation);
    if before.generation == 0 || published != before.generation {
        let why = "not everything is published yet: run `twofold batch` first";
        return Err(BatchError::Failed(why.into()));
    }
    let faded = faded(&before, retention);
    archive.see_those(&before.corrected)?;
    let choice = Choice::make(archive, &before, retention)?;
    let mut pruned = Pruned {
        boundary: before.boundary.to_string(),
        generation: before.generation,
        minutes_before: faded.minutes.map(|minute| minute.to_string()),
        hours_before: faded.hours.map(|minute| minute.to_string()),
        history_before: faded.history.map(|minute| minute.to_string()),
        retired_files: choice.files().count() as u64,
        retired_records: choice.files().map(|file| file.meta.records).sum(),
        retired_bytes: choice.bytes,
        finished_files: choice.leftovers.len() as u64,
        ..Pruned::default()
    };
    if dry {
        return Ok(pruned);
    }
    let manifest = publish(history, index, before, faded, &choice)?;
    pruned.generation = manifest.generation;
    choice.leftovers.iter().try_for_each(|path| archive.delete(path))?;
    for (partition, files) in &choice.retired {
        retire(archive, &manifest, partition, files, &choice.reason)?;
    }
    forget_corrected(archive)?;
    pruned.removed_row_sets = fade(index, &manifest.faded)?;
    if let Some(before) = manifest.faded.minutes {
        pruned.removed_spikes = alerts::forget(index, before)?;
    }
    Ok(pruned)
}

/// What the retention says of rows and tables; what has faded stays so.
fn faded(before: &Manifest, retention: &Retention) -> Faded {
    let old = before.faded;
    let midnight = |age: Option<i64>, known: Option<Minute>| {
        let before = age.map(|age| Grain::Day.start(Minute(before.boundary.0 - age / MINUTE_MS)));
        before.max(known)
    };
    Faded {
        minutes: midnight(retention.minutes, old.minutes).max(midnight(retention.hours, old.hours)),
        hours: midnight(retention.hours, old.hours),
        history: midnight(retention.history, old.history),
        records: old.records,
    }
}

/// Publishes the generation that knows what goes, where anything does.
fn publish(
    history: &History,
    index: &dyn Index,
    before: Manifest,
    faded: Faded,
    choice: &Choice,
) -> Result<Manifest, BatchError> {
    let mut manifest = before.clone();
    manifest.faded = faded;
    seal(&mut manifest, choice);
    forget(&mut manifest, faded.history);
    if manifest == before {
        return Ok(before);
    }
    manifest.schema = crate::manifest::SCHEMA_VERSION;
    manifest.generation += 1;
    manifest.run = run_name();
    manifest.made_at = now();
    manifest.count();
    index.stage(&manifest.run, &[], &[])?;
    history.put_manifest(&manifest)?;
    index.publish(&manifest.run, &publication(&manifest))?;
    if let Err(error) = history.clean(&manifest) {
        tracing::warn!(%error, "superseded tables of the history stay for the next run");
    }
    Ok(manifest)
}

/// An hour of which a file goes can't be computed again.
fn seal(manifest: &mut Manifest, choice: &Choice) {
    for file in choice.files() {
        let refused = manifest.refused.get(&file.path);
        for hour in file.meta.hours.keys() {
            if refused.is_some_and(|hours| hours.contains(hour)) {
                continue;
            }
            if let Some(known) = manifest.hours.get_mut(hour) {
                known.sealed = true;
            }
        }
    }
}

/// Leaves out the hours whose tables go.
fn forget(manifest: &mut Manifest, history: Option<Minute>) {
    let Some(before) = history else { return };
    let kept = manifest.hours.split_off(&before.0);
    let gone = std::mem::replace(&mut manifest.hours, kept);
    manifest.faded.records += gone.values().map(|hour| hour.records).sum::<u64>();
}

/// Removes rows that have faded from the index.
fn fade(index: &dyn Index, faded: &Faded) -> Result<u64, BatchError> {
    let mut removed = 0;
    for (grain, before) in [(Grain::Minute, faded.minutes), (Grain::Hour, faded.hours)] {
        let Some(before) = before else { continue };
        for layer in [Layer::Batch, Layer::Speed] {
            removed += index.delete_before(layer, grain, before)?;
        }
    }
    Ok(removed)
}
