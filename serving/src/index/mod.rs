//! The index: versioned rows of the speed layer, numbered generations of the
//! batch layer, and one consistent read across the boundary between them.
//!
//! The trait is synchronous: writers own a thread, and a server reads on its
//! blocking pool. One conformance suite ([`conformance`]) runs against every backend.

mod body;
pub mod conformance;
mod dead;
pub mod elastic;
mod encode;
mod error;
mod metrics;
mod plan;
mod publication;
mod question;
pub mod sqlite;
mod state;

pub use dead::DeadLetter;
pub use elastic::ElasticIndex;
pub use error::{IndexError, MAKE_ROOM, is_no_room};
pub use plan::{Span, spans};
pub use publication::{Document, LiveDocument, Publication};
pub use question::{Answer, Layer, Query, Select};
pub use sqlite::SqliteIndex;
pub use state::PartitionState;

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;

/// An index. Every method is safe to repeat.
pub trait Index: Send + Sync {
    /// Upserts speed rows. A set replaces the stored one of the same view, grain,
    /// start and partition if its version is at least as large; an older one is
    /// [`Put::Stale`], which is no error. A `Closed` set replaces an `Open` one of equal version.
    /// (Equal versions with a state less final than the stored one are stale.) Versions lie
    /// below 2^60.
    /// Every set names its partition; a union of partitions is the readers' affair.
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

    /// Adds rows and documents to the staging area of `run`. Readers don't see them. A run
    /// that publishes no row at all, only a boundary, stages empty lists once.
    fn stage(&self, run: &str, rows: &[RowSet], documents: &[Document]) -> Result<(), IndexError>;

    /// How many row sets and documents are staged for `run`.
    fn staged(&self, run: &str) -> Result<u64, IndexError>;

    /// Makes what `run` staged visible as generation `publication.generation`, and moves
    /// the boundary, in one step: staged sets replace the exact sets of the same view,
    /// grain and start (of the same kind and id, for documents), all others stay.
    ///
    /// # Errors
    /// [`IndexError::Lost`] if the current generation is not the one before it:
    /// another run has published; start over. [`IndexError::Failed`] if the run has staged
    /// nothing (somebody abandoned it), or if the boundary would move back.
    fn publish(&self, run: &str, publication: &Publication) -> Result<(), IndexError>;

    /// Throws away what `run` staged, and the leftovers of runs that died
    /// (staged more than a day ago).
    fn abandon(&self, run: &str) -> Result<(), IndexError>;

    /// The current generation; `None` before the first.
    fn published(&self) -> Result<Option<Publication>, IndexError>;

    /// One consistent answer: exact rows before the boundary and speed rows from it
    /// on, with the publication that they belong to, out of one snapshot.
    fn read(&self, query: &Query<'_>) -> Result<Answer, IndexError>;

    /// A mark of what readers see: as long as it stays the same, so does every answer of this
    /// index. It is to be had in microseconds; `None` where the index can't tell at that price.
    fn mark(&self) -> Result<Option<Mark>, IndexError> {
        Ok(None)
    }

    /// A stretch of time outside of which no reader sees a row of the view `traffic`: its first
    /// minute, and the first one after it. It may be a little too wide. `None` for an empty index.
    fn extent(&self) -> Result<Option<(Minute, Minute)>, IndexError>;

    /// Documents of one kind whose start lies in `from..to`, of the current generation, in
    /// order of start, then id.
    fn documents(&self, kind: &str, from: Minute, to: Minute) -> Result<Vec<Document>, IndexError>;

    /// Upserts documents that live outside of generations, such as the spike detector's: seen as
    /// soon as they are put. One replaces the stored one of the same kind and id if its version
    /// is larger; of equal or larger stored versions it is [`Put::Stale`]. So version 1, put
    /// twice, is [`Put::Stored`] once, whoever else puts it at the same moment. All versions of
    /// one id have the same start. Seen by [`Index::live_documents`] as soon as this returns.
    fn put_documents(&self, documents: &[LiveDocument]) -> Result<Vec<Put>, IndexError>;

    /// Documents put by [`Index::put_documents`] of one kind whose start lies in `from..to`, in
    /// order of start, then id. (Those of a generation are [`Index::documents`].)
    fn live_documents(
        &self,
        kind: &str,
        from: Minute,
        to: Minute,
    ) -> Result<Vec<LiveDocument>, IndexError>;

    /// Retention: deletes the live documents of one kind that start before `before`.
    /// Returns how many went.
    fn delete_documents_before(&self, kind: &str, before: Minute) -> Result<u64, IndexError>;

    /// Retention: deletes rows of `layer` and `grain` that start before `before`.
    /// Returns how many row sets went.
    fn delete_before(&self, layer: Layer, grain: Grain, before: Minute) -> Result<u64, IndexError>;

    /// Whether nothing can be written here: an index on a medium that is only read.
    fn is_read_only(&self) -> bool {
        false
    }

    /// What the index refused ([`Put::Refused`]), the oldest first. An index that refuses
    /// nothing has none.
    fn dead_letters(&self) -> Result<Vec<DeadLetter>, IndexError> {
        Ok(Vec::new())
    }

    /// Removes a dead letter: it was put again, or nobody wants it any more.
    fn forget_dead_letter(&self, _id: &str) -> Result<(), IndexError> {
        Ok(())
    }
}

/// What readers see: see [`Index::mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The current generation; 0 before the first.
    pub generation: u64,
    /// Another number after each write, whatever was written.
    pub writes: u64,
}

/// What became of one upsert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is stored.
    Stored,
    /// A newer one was there already: done, too.
    Stale,
    /// The index will never take it, or some of its rows, as it is: kept among its dead letters.
    Refused,
}
