//! Where a partition's fold stands.

use serde::{Deserialize, Serialize};
use twofold_data::minute::Minute;
use twofold_data::partition::Partition;

/// Where a partition's fold stands: DESIGN.md, "The speed layer", rules 3 and 4.
///
/// A restart reads from `resume_offset` with the watermark as it was there, so
/// that every verdict falls as it fell the first time; windows up to
/// `closed_through` are final, and counters count only from `processed_through` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionState {
    /// The partition.
    pub partition: Partition,
    /// What the partition is, as in its origin: a re-created topic is an error.
    pub identity: String,
    /// The smallest first offset among all windows still open.
    pub resume_offset: u64,
    /// The largest event time (ms) before `resume_offset`.
    pub resume_event_time: Option<i64>,
    /// The time (ms) that a malformed record at `resume_offset` counts for.
    pub resume_request_time: Option<i64>,
    /// The arrival time (ms) of the record before `resume_offset`; `None` for files.
    #[serde(default)]
    pub resume_arrival: Option<i64>,
    /// The offset after the last record processed.
    pub processed_through: u64,
    /// The last window that is closed.
    pub closed_through: Option<Minute>,
    /// The largest event time seen (ms).
    pub largest_event_time: Option<i64>,
    /// Records processed.
    pub records: u64,
    /// Requests for closed windows: left to the batch layer.
    pub late: u64,
    /// Requests far ahead that nothing confirmed: left to the batch layer.
    pub ahead: u64,
    /// Malformed records, by reason in the order of `Malformed::ALL`.
    pub malformed: Vec<u64>,
    /// Blank records.
    pub blank: u64,
    /// Whether the partition has ended.
    pub ended: bool,
}
