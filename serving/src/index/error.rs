//! What can go wrong with an index.

use std::error::Error;
use std::io::{self, ErrorKind};

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
    /// Its disk is full or fails: stop, and say so. What is stored stays.
    #[error("{0}; {MAKE_ROOM}")]
    NoRoom(String),
    /// Anything else: give up, and say so.
    #[error("the index failed: {0}")]
    Failed(String),
}

/// What to do where a disk is full. Nothing is lost: what is not stored is read again.
pub const MAKE_ROOM: &str =
    "make room on that disk and start twofold again: it goes on where it stopped";

/// Whether an error comes of a disk that takes no more.
pub fn is_no_room(error: &(dyn Error + 'static)) -> bool {
    let full = |error: &io::Error| {
        matches!(
            error.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        )
    };
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(full) {
            return true;
        }
        cause = error.source();
    }
    false
}
