//! The index: versioned rows of the speed layer, numbered generations of the
//! batch layer, and one consistent read across the boundary between them.
//!
//! The trait is synchronous: writers own a thread, and a server reads on its
//! blocking pool. One conformance suite ([`conformance`]) runs against every backend.

pub mod plan;
pub mod sqlite;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;

/// An index. Every method is safe to repeat.
pub trait Index: Send + Sync {
    /// Upserts speed rows. A set replaces the stored one of the same view, grain,
    /// start and partition if its version is at least as large; an older one is
    /// [`Put::Stale`], which is no error. A `Closed` set replaces an `Open` one of equal version.
    /// (Equal versions with a state less final than the stored one are stale.)
    fn put(&self, sets: &[RowSet]) -> Result<Vec<Put>, IndexError>;

    /// Upserts a partition's state, unless the stored one has processed more.
    /// Called after the rows it covers were acknowledged.
    fn put_state(&self, state: &PartitionState) -> Result<Put, IndexError>;

    /// A partition's state.
    fn state(&self, partition: &Partition) -> Result<Option<PartitionState>, IndexError>;

    /// The states of all partitions, in order.
    fn states(&self) -> Result<Vec<PartitionState>, IndexError>;

    /// The speed layer's rows whose start lies in `from..to`, on whichever side of the
    /// boundary: for restarts, accuracy and the spike detector. In order of start, then partition.
    fn speed_rows(&self, select: &Select<'_>) -> Result<Vec<RowSet>, IndexError>;

    /// Adds rows and documents to the staging area of `run`. Readers don't see them.
    fn stage(&self, run: &str, rows: &[RowSet], documents: &[Document]) -> Result<(), IndexError>;

    /// How many row sets and documents are staged for `run`.
    fn staged(&self, run: &str) -> Result<u64, IndexError>;

    /// Makes what `run` staged visible as generation `publication.generation`, and moves
    /// the boundary, in one step: staged sets replace the exact sets of the same view,
    /// grain and start (of the same kind and id, for documents), all others stay.
    ///
    /// # Errors
    /// [`IndexError::Lost`] if the current generation is not the one before it:
    /// another run has published; start over.
    fn publish(&self, run: &str, publication: &Publication) -> Result<(), IndexError>;

    /// Throws away what `run` staged, and the leftovers of runs that died
    /// (staged more than a day ago).
    fn abandon(&self, run: &str) -> Result<(), IndexError>;

    /// The current generation; `None` before the first.
    fn published(&self) -> Result<Option<Publication>, IndexError>;

    /// One consistent answer: exact rows before the boundary and speed rows from it
    /// on, with the publication that they belong to, out of one snapshot.
    fn read(&self, query: &Query<'_>) -> Result<Answer, IndexError>;

    /// Documents of one kind whose start lies in `from..to`, of the current generation, in
    /// order of start, then id.
    fn documents(&self, kind: &str, from: Minute, to: Minute) -> Result<Vec<Document>, IndexError>;

    /// Retention: deletes rows of `layer` and `grain` that start before `before`.
    /// Returns how many row sets went.
    fn delete_before(&self, layer: Layer, grain: Grain, before: Minute) -> Result<u64, IndexError>;
}

/// What became of one upsert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is stored.
    Stored,
    /// A newer one was there already: done, too.
    Stale,
}

/// Which layer a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Estimated, within seconds.
    Speed,
    /// Exact, from the archive.
    Batch,
}

/// Selects speed rows.
#[derive(Debug, Clone, Copy)]
pub struct Select<'a> {
    /// The view's name; `None` for all views.
    pub view: Option<&'a str>,
    /// The grain.
    pub grain: Grain,
    /// The first start.
    pub from: Minute,
    /// The first start that is too late.
    pub to: Minute,
    /// One partition only.
    pub partition: Option<&'a Partition>,
}

/// A question to both layers.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The views' names.
    pub views: &'a [&'a str],
    /// The first minute.
    pub from: Minute,
    /// The first minute after the range.
    pub to: Minute,
    /// The coarsest grain that the asker can use: `Day` to add the whole range up,
    /// `Minute` to draw minutes.
    pub coarsest: Grain,
}

/// The answer to a [`Query`]: sets that cover the range once, without overlap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The generation and boundary that the rows belong to.
    pub publication: Option<Publication>,
    /// Exact rows, all before the boundary; in order of view and start.
    pub exact: Vec<RowSet>,
    /// Estimated rows, all from the boundary on; one set per partition.
    pub speed: Vec<RowSet>,
}

/// One stretch of a query's range: rows of one layer and grain whose start lies in `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The layer.
    pub layer: Layer,
    /// The grain.
    pub grain: Grain,
    /// The first start.
    pub from: Minute,
    /// The first start that is too late.
    pub to: Minute,
}

/// One numbered publication of the batch layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// The number, from 1.
    pub generation: u64,
    /// Readers see batch rows before it and speed rows from it on.
    pub boundary: Minute,
    /// Whether the run knew that no record will follow.
    pub end_of_input: bool,
    /// When it was published: milliseconds since the Unix epoch, wall clock.
    pub published_at: i64,
    /// What else the batch layer says of it (offsets covered, totals).
    pub info: Value,
}

/// A piece of the batch layer's output that is no view: a day's sessions, accuracy, a heatmap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What it is, such as `accuracy` or `sessions`.
    pub kind: String,
    /// Its name within its kind.
    pub id: String,
    /// The first minute that it speaks of.
    pub start: Minute,
    /// Its content.
    pub body: Value,
}

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

/// What the caller of an index has to decide about.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Another run has published in the meantime: start over from its generation.
    #[error("generation {current} is already published")]
    Lost {
        /// The generation that is current now.
        current: u64,
    },
    /// The index was written by a newer twofold: upgrade the binary.
    #[error("the index has schema version {found}, this binary knows {known}: use a newer twofold")]
    TooNew {
        /// The version found.
        found: u32,
        /// The version this binary writes.
        known: u32,
    },
    /// The index is busy or away: wait and try again.
    #[error("the index does not answer: {0}")]
    Unavailable(String),
    /// Anything else: give up, and say so.
    #[error("the index failed: {0}")]
    Failed(String),
}
