//! What is new since a generation, and which event hours that touches.

use std::collections::{BTreeMap, BTreeSet};

use twofold_data::archive::{Corrected, End};

use crate::BatchError;
use crate::archive::{Archive, File};
use crate::manifest::{Hour, Manifest};

/// What a run has to do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Discovery {
    /// The hours to compute again, with the files that have records of them.
    pub touched: BTreeMap<i64, BTreeSet<String>>,
    /// The offset up to which each partition is covered afterwards.
    pub offsets: BTreeMap<String, u64>,
    /// The ends of all partitions.
    pub ends: Vec<End>,
    /// Records that are new.
    pub new_records: u64,
    /// New files with records of hours that can't be computed again, and these hours.
    pub refused: BTreeMap<String, BTreeSet<i64>>,
    /// Hours from which new corrections take records.
    pub left: BTreeSet<i64>,
}

/// Asks each partition's chain for the files behind the manifest's offsets; hours
/// whose fingerprint is another are computed again, too, and those that corrections touch.
pub fn discover(
    archive: &Archive,
    manifest: &Manifest,
    fingerprint: &str,
) -> Result<Discovery, BatchError> {
    let mut found = Discovery { offsets: manifest.offsets.clone(), ..Discovery::default() };
    for (origin, end) in archive.partitions()? {
        let name = origin.partition.to_string();
        let since = manifest.offsets.get(&name).copied().unwrap_or(origin.first_offset);
        for file in archive.files(&origin.partition, since)? {
            found.new_records += file.meta.records;
            found.offsets.insert(name.clone(), file.meta.next_offset);
            found.touch(&file, manifest);
        }
        found.ends.extend(end);
    }
    for (hour, known) in &manifest.hours {
        if known.fingerprint != fingerprint && !known.sealed {
            found.touch_again(*hour, known);
        }
    }
    for (path, correction) in archive.seen().iter() {
        if !manifest.corrected.contains(path) {
            correction.files.iter().for_each(|(file, what)| found.correct(file, what, manifest));
        }
    }
    Ok(found)
}

impl Discovery {
    fn touch(&mut self, file: &File, manifest: &Manifest) {
        for hour in file.meta.hours.keys() {
            if manifest.refuses(*hour) {
                self.refused.entry(file.path.clone()).or_default().insert(*hour);
                continue;
            }
            if let Some(known) = manifest.hours.get(hour) {
                self.touch_again(*hour, known);
            }
            self.touched.entry(*hour).or_default().insert(file.path.clone());
        }
    }

    /// Marks the hours that records of the file leave and come to.
    fn correct(&mut self, file: &str, corrected: &Corrected, manifest: &Manifest) {
        self.left.extend(corrected.left.keys());
        for hour in corrected.left.keys().chain(corrected.hours.keys()) {
            if let Some(known) = manifest.hours.get(hour) {
                self.touch_again(*hour, known);
            }
            self.touched.entry(*hour).or_default().insert(file.to_owned());
        }
    }

    /// Marks an hour that is known already, with the files that made it.
    pub fn touch_again(&mut self, hour: i64, known: &Hour) {
        self.touched.entry(hour).or_default().extend(known.files.iter().cloned());
    }
}
