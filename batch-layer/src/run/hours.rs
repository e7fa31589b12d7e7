//! A run's hours: computed, written to the history, staged.

use std::collections::BTreeSet;
use std::time::Instant;

use twofold_data::minute::Minute;
use twofold_data::view::RowSet;

use super::{Attempt, is_published};
use crate::BatchError;
use crate::accuracy::Exact;
use crate::discover::Discovery;
use crate::history::hour;
use crate::manifest::{Hour, Manifest};
use crate::publish::Staging;
use crate::recompute::{self, Recompute};

/// Of so many hours it is remembered what accuracy compares; of more it is read back.
const DIGESTS: usize = 48;

impl Attempt<'_> {
    /// Computes the touched hours, writes their tables, and stages their rows before the boundary.
    pub(super) fn recompute(
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
            self.digests.insert(*start, result.sets.iter().filter_map(Exact::of).collect());
            if self.digests.len() > DIGESTS {
                self.digests.pop_first();
            }
            let gone = self.gone(*start, &result.sets, discovery.left.contains(start))?;
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
    /// bot list may leave a list without rows, a correction a minute without records.
    fn gone(&self, hour: i64, sets: &[RowSet], corrected: bool) -> Result<Vec<RowSet>, BatchError> {
        let Some(known) = self.before.hours.get(&hour) else { return Ok(Vec::new()) };
        if known.fingerprint == self.fingerprint && !corrected {
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
}
