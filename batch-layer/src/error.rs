//! What a caller of the batch layer has to decide about.

use twofold_serving::index::{IndexError, MAKE_ROOM, is_no_room};
use twofold_serving::store::explain;

/// Why a run can't go on.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Another run has published in the meantime: start over.
    #[error("another run has published generation {generation}; start over")]
    Lost {
        /// The generation.
        generation: u64,
    },
    /// A newer twofold wrote it: upgrade the binary.
    #[error("{path} has schema version {found}, this binary knows {known}: use a newer twofold")]
    TooNew {
        /// The object.
        path: String,
        /// The version found.
        found: u32,
        /// The version this binary writes.
        known: u32,
    },
    /// An object is gone or does not read: `twofold audit` tells what is lost.
    #[error("{path} is damaged: {reason}; `twofold audit` tells what is lost")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The object store does not answer or refuses: try again.
    #[error("the object store: {path}: {reason}")]
    Store {
        /// The object.
        path: String,
        /// What the store said.
        reason: String,
    },
    /// The object store's disk is full: nothing is published; the next run starts over.
    #[error("the object store: {path}: {reason}; {MAKE_ROOM}")]
    NoRoom {
        /// The object.
        path: String,
        /// What the store said.
        reason: String,
    },
    /// The index does not answer or refuses.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// What was to be written to has gone.
    #[error("cannot write the output")]
    Output(#[source] std::io::Error),
    /// Anything else: give up, and say so.
    #[error("the batch layer failed: {0}")]
    Failed(String),
}

impl BatchError {
    pub(crate) fn store(path: &str, error: &object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => {
                Self::Damaged { path: path.to_owned(), reason: "it has gone".into() }
            }
            _ if is_no_room(error) => {
                Self::NoRoom { path: path.to_owned(), reason: explain(error) }
            }
            _ => Self::Store { path: path.to_owned(), reason: explain(error) },
        }
    }
}

impl From<polars::error::PolarsError> for BatchError {
    fn from(error: polars::error::PolarsError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<parquet::errors::ParquetError> for BatchError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<arrow_schema::ArrowError> for BatchError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Failed(error.to_string())
    }
}
