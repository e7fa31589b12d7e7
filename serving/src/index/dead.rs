//! What an index refused.

use serde::{Deserialize, Serialize};
use twofold_data::view::RowSet;

/// A set that the index refused, or of which it refused a row. It can be put again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its name, made of view, grain, start and partition.
    pub id: String,
    /// When it was refused: wall clock, RFC 3339.
    pub refused_at: String,
    /// The index's status for it, as in HTTP.
    pub status: u16,
    /// The index's reason.
    pub reason: String,
    /// What was refused. Its version is one more than the last offset folded into it.
    pub set: RowSet,
}
