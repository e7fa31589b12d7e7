//! Where records come from: partitions, each an ordered run of records with offsets.
//!
//! Nothing after a source knows whether a file or a broker stands behind it, so
//! the same rules of resuming and of lateness hold for both.

mod batch;
pub mod file;
pub mod kafka;
mod shared;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use twofold_data::partition::Partition;

pub use batch::{Batch, Record, Span};
pub use shared::{Shared, share};

/// A set of partitions that delivers its records in the order of their offsets.
///
/// A source blocks the thread that polls it (on files, on its registry), so it
/// belongs on a thread of its own and not into an async task.
pub trait Source: Send {
    /// What comes next. Waits at most about `wait` where there is nothing to
    /// deliver, and then returns [`Delivery::CaughtUp`], or [`Delivery::Idle`]
    /// where it can't tell whether there is more.
    ///
    /// # Errors
    /// Only where going on would be wrong; what concerns one file is a
    /// [`Delivery::Notice`], and the others go on.
    fn poll(&mut self, wait: Duration) -> Result<Delivery, SourceError>;

    /// Hears that the records of a partition before `offset` are stored for good. A source whose
    /// broker keeps such offsets passes it on, for those who watch the lag; nothing
    /// resumes from it.
    fn stored(&mut self, _partition: &Partition, _offset: u64) {}

    /// Starts a partition again where [`Positions`] says, and tells whether it can: it is
    /// [`Delivery::Started`] once more, and what comes of it before that is to be left out.
    fn again(&mut self, _partition: &Partition) -> bool {
        false
    }
}

impl Source for Box<dyn Source> {
    fn poll(&mut self, wait: Duration) -> Result<Delivery, SourceError> {
        self.as_mut().poll(wait)
    }

    fn stored(&mut self, partition: &Partition, offset: u64) {
        self.as_mut().stored(partition, offset);
    }

    fn again(&mut self, partition: &Partition) -> bool {
        self.as_mut().again(partition)
    }
}

/// One step of a source.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// A partition's records follow, from `offset` on. A partition that had
    /// ended starts again where something was appended to it nevertheless.
    Started {
        /// The partition.
        partition: Partition,
        /// What the partition is, such as `file:4096:91b2…`; the same in every process.
        identity: String,
        /// The first offset that will be delivered.
        offset: u64,
        /// How many partitions the source has; 0 where that grows (files).
        partitions: u32,
    },
    /// Records of one started partition, at least one.
    Records(Batch),
    /// No record of the partition follows, as far as the source can tell; what
    /// is held for it may be released.
    Ended(Partition),
    /// The partition went to another process, or is about to be started again elsewhere: what is
    /// held for it is dropped, and nothing of it is closed.
    Revoked(Partition),
    /// Everything that the partition had at an instant has been delivered.
    AtEnd {
        /// The partition.
        partition: Partition,
        /// The instant (ms since the epoch, this machine's clock).
        at: i64,
    },
    /// Something that people should know.
    Notice(Notice),
    /// Nothing came for a while, which doesn't say that nothing is there.
    Idle,
    /// Everything that there is now has been delivered. Comes once per wait.
    CaughtUp,
    /// Everything has been delivered and the input was declared to end. Every
    /// started partition has ended before, except those of unreadable files.
    /// Comes again if polled again.
    EndOfInput,
}

/// What happened to a source beside its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Something was taken away unread and can't be read again: no exactly-once
    /// is claimed for this partition.
    Lost {
        /// The partition.
        partition: Partition,
        /// The first offset that is gone.
        offset: u64,
        /// How many bytes (Kafka: records) are known to be gone; there may be more.
        at_least: u64,
        /// What was lost, where, and what to do.
        message: String,
    },
    /// A file can't be read (on); the others go on.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The offset in the uncompressed text up to which it was read.
        offset: u64,
        /// What is wrong, where, and what to do.
        message: String,
    },
    /// Nothing is wrong with what has been read, but the user may have expected otherwise.
    Warning(String),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { message, .. } | Self::Unreadable { message, .. } => f.write_str(message),
            Self::Warning(message) => f.write_str(message),
        }
    }
}

/// How far a partition has been processed before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The first offset to deliver.
    pub offset: u64,
    /// Whether the partition had ended when `offset` was reached: a compressed
    /// file is then not opened again.
    pub ended: bool,
}

/// Says where to resume a partition; asked once, when the partition is found.
/// A partition that it does not know starts at `Position::default()`.
pub type Positions = Box<dyn FnMut(&Partition) -> Result<Position, SourceError> + Send>;

/// [`Positions`] from a map by partition number.
pub fn positions(known: BTreeMap<u32, Position>) -> Positions {
    Box::new(move |partition| Ok(known.get(&partition.number).copied().unwrap_or_default()))
}

/// What a source reads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To the end of what there is; an unfinished last line is a record.
    ToEnd,
    /// On and on; an unfinished last line waits for its end.
    Follow,
}

/// Why a source can't go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// A file or folder that was asked for can't be read.
    #[error("{}: {reason}", path.display())]
    Input {
        /// What was asked for.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The registry of partitions can't be read or written.
    #[error("the registry of partitions ({location}): {reason}")]
    Registry {
        /// The object in the archive's store.
        location: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Nobody could say where to resume.
    #[error("can't tell where to resume {partition}: {reason}")]
    Position {
        /// The partition.
        partition: Partition,
        /// What is wrong.
        reason: String,
        /// Whether it may be known if it is asked again.
        again: bool,
    },
    /// The broker refuses, or is not what was configured.
    #[error("Kafka: {0}")]
    Kafka(String),
    /// The thread that reads a shared source is gone without having said why.
    #[error("the thread that reads the source has stopped; its own message says why")]
    Stopped,
}
