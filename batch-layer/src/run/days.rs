//! What a run stages beside the hours that it computed: rows over which the boundary has moved, days,
//! access patterns, accuracy.

use std::collections::{BTreeMap, BTreeSet};

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::RowSet;
use twofold_serving::index::Document;

use super::{Attempt, is_published, lies_before};
use crate::BatchError;
use crate::accuracy::{self, Exact};
use crate::discover::Discovery;
use crate::history::day;
use crate::manifest::Manifest;
use crate::patterns;
use crate::publish::Staging;

impl Attempt<'_> {
    /// Stages rows of hours that did not change, but over which the boundary has moved.
    pub(super) fn stage_known(
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
    pub(super) fn stage_days(
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
    pub(super) fn stage_patterns(
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
    pub(super) fn day(
        &self,
        start: Minute,
        manifest: &Manifest,
    ) -> Result<Vec<RowSet>, BatchError> {
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
        for (start, hour) in
            manifest.hours.range(start.0..end.0.min(manifest.boundary.0.max(start.0)))
        {
            match self.digests.get(start) {
                Some(digest) => exact.extend_from_slice(digest),
                None => {
                    let sets = self.history.read_rows(&hour.folder, accuracy::wanted)?;
                    exact.extend(sets.iter().filter_map(Exact::of));
                }
            }
        }
        exact.retain(|minute| minute.start < manifest.boundary);
        Ok(accuracy::day(self.index, start, &exact)?.into_iter().collect())
    }
}
