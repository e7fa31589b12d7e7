//! The manifest of a generation: what it covers and where its tables are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use twofold_data::minute::Minute;

/// The history's schema; a newer binary migrates, an older one refuses.
pub const SCHEMA_VERSION: u32 = 1;

/// One generation. It is put create-if-absent: of two runs one wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// The number, from 1.
    pub generation: u64,
    /// The run that made it.
    pub run: String,
    /// Readers see batch rows before it.
    pub boundary: Minute,
    /// Whether no record will follow.
    pub end_of_input: bool,
    /// When it was made (ms, wall clock).
    pub made_at: i64,
    /// The offset up to which each partition is covered.
    pub offsets: BTreeMap<String, u64>,
    /// The event hours, by their first minute.
    pub hours: BTreeMap<i64, Hour>,
    /// Records covered.
    pub records: u64,
}

/// One event hour of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// The folder of its tables.
    pub folder: String,
    /// The archive files that have records of it.
    pub files: Vec<String>,
    /// Its records.
    pub records: u64,
    /// The fingerprint of formats, classes and views that made it.
    pub fingerprint: String,
}

impl Manifest {
    /// What comes before the first generation.
    pub fn none() -> Self {
        Self {
            schema: SCHEMA_VERSION,
            generation: 0,
            run: String::new(),
            boundary: Minute(i64::MIN / 2),
            end_of_input: false,
            made_at: 0,
            offsets: BTreeMap::new(),
            hours: BTreeMap::new(),
            records: 0,
        }
    }
}

/// The path of a generation's manifest.
pub fn path(generation: u64) -> String {
    format!("generations/{generation:08}.json")
}
