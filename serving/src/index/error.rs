//! What can go wrong with an index.

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
