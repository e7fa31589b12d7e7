//! One open window.

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State};
use twofold_data::window::{Aggregate, Resume};

/// A window that still takes records.
#[derive(Debug)]
pub(super) struct Window {
    /// What its records add up to.
    pub aggregate: Aggregate,
    /// Where a replay must start to fold it again.
    pub resume: Resume,
    /// One more than the last offset that changed it.
    pub version: u64,
    emitted: u64,
}

impl Window {
    /// A window that counts into an empty aggregate.
    pub fn new(aggregate: Aggregate, resume: Resume) -> Self {
        Self { aggregate, resume, version: 0, emitted: 0 }
    }

    /// Its rows, if it changed since they were last asked for.
    pub fn changed_rows(&mut self, partition: &Partition, minute: Minute) -> Vec<RowSet> {
        if self.emitted == self.version {
            return Vec::new();
        }
        self.emitted = self.version;
        self.rows(partition, minute, State::Open)
    }

    pub fn rows(&self, partition: &Partition, minute: Minute, state: State) -> Vec<RowSet> {
        self.aggregate.row_sets(partition, Grain::Minute, minute, self.version, state)
    }
}
