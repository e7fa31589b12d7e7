//! The rows of a view, as the index holds them.

use serde::{Deserialize, Serialize};

use super::Counts;
use crate::minute::{Grain, Minute};
use crate::partition::Partition;
use crate::window::sketch::{Distinct, Quantiles};

/// All rows of one view, one span of time and one partition. They are written
/// together under one version, so that no rank of an older list stays behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowSet {
    /// The view's name.
    pub view: String,
    /// How much time the rows span.
    pub grain: Grain,
    /// The first minute of the span.
    pub start: Minute,
    /// The partition whose records are counted; `None` where it is all of them
    /// (the batch layer's rows, and unions).
    pub partition: Option<Partition>,
    /// One more than the last offset folded into the window; in the batch
    /// layer's rows the generation. A larger one replaces a smaller one.
    pub version: u64,
    /// How final the rows are.
    pub state: State,
    /// The rows, most requests first, ties in name order.
    pub rows: Vec<Row>,
    /// The most requests that a key which is not in `rows` can have had; 0
    /// where every key is in it.
    pub floor: u64,
    /// How many distinct keys there were, where that is known exactly.
    pub keys: Option<u64>,
    /// What only the view `traffic` carries.
    pub summary: Option<Box<Summary>>,
}

/// How final a set of rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The window still takes records.
    Open,
    /// The watermark has passed the window.
    Closed,
    /// Records that the window needed are gone: left as it stands until the batch run.
    Partial,
    /// Computed by the batch layer from the archive.
    Exact,
}

/// One row of a keyed view (the key of `traffic` is the empty string).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The key.
    pub key: String,
    /// The measures: exact where `missed` is 0, else lower bounds.
    pub counts: Counts,
    /// How many more requests the key can have had.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// What the view `traffic` carries beside its measures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// What the span's records were.
    pub tally: Tally,
    /// Distinct clients, mergeable.
    pub clients: Distinct,
    /// Distinct clients that people used, mergeable.
    pub human_clients: Distinct,
    /// Sizes of responses in bytes, mergeable.
    pub sizes: Quantiles,
    /// Durations in microseconds, mergeable; empty where the format has none.
    pub durations: Quantiles,
    /// The exact distinct counts, where the rows are exact.
    pub exact: Option<Distincts>,
}

/// Exact values beside the sketches, as the batch layer computes them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Distincts {
    /// Distinct clients.
    pub clients: u64,
    /// Distinct clients that people used.
    pub human_clients: u64,
    /// p50, p90, p95 and p99 of the size in bytes, by nearest rank.
    pub sizes: [u64; 4],
    /// p50, p90, p95 and p99 of the duration in microseconds; `None` where there is none.
    pub durations: Option<[u64; 4]>,
}

/// What a span's records were. Unlike measures this counts records, not requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// All records: requests, malformed and blank ones.
    pub records: u64,
    /// Records that no format matched.
    pub malformed: u64,
    /// Blank records.
    pub blank: u64,
    /// The wrapping sum of [`crate::partition::record_hash`] over all records.
    pub hash: u64,
}

impl std::ops::AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.records += other.records;
        self.malformed += other.malformed;
        self.blank += other.blank;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}
