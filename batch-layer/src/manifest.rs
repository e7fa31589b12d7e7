//! The manifest of a generation: what it covers and where its tables are.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use twofold_data::archive::Correction;
use twofold_data::minute::{Grain, Minute};

/// The history's schema; a newer binary migrates, an older one refuses. Version 2 knows
/// retention; a manifest of version 1 reads as one from which nothing has faded. From version 3 on
/// rows are columns, and archives have corrections; the hours of older versions are read as they are.
pub const SCHEMA_VERSION: u32 = 3;

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
    /// What retention took away.
    #[serde(default)]
    pub faded: Faded,
    /// The time zone that decides days and hours in the access patterns.
    #[serde(default = "utc")]
    pub timezone: String,
    /// The days of which a session may still go on, by date.
    #[serde(default)]
    pub settling: BTreeSet<String>,
    /// Files with records of hours that were sealed or gone when they came, and these hours:
    /// such records are archived, and counted nowhere.
    #[serde(default)]
    pub refused: BTreeMap<String, BTreeSet<i64>>,
    /// The corrections of the archive that its hours are computed with, by their paths.
    #[serde(default)]
    pub corrected: BTreeSet<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What is gone by age: everything that starts before these minutes, which are midnights (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Faded {
    /// Rows of single minutes in the index.
    pub minutes: Option<Minute>,
    /// Rows of hours in the index.
    pub hours: Option<Minute>,
    /// The history's tables: these hours are not in the manifest any more.
    pub history: Option<Minute>,
    /// Records of the hours that are not in the manifest any more.
    pub records: u64,
}

impl Faded {
    /// Whether rows of this grain and start are gone from the index.
    pub fn covers(&self, grain: Grain, start: Minute) -> bool {
        let before = match grain {
            Grain::Minute => self.minutes,
            Grain::Hour => self.hours,
            Grain::Day => None,
        };
        before.is_some_and(|before| start < before)
    }
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
    /// Whether a file of it is retired: it stays as it is, since it can't be computed again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
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
            faded: Faded::default(),
            timezone: utc(),
            settling: BTreeSet::new(),
            refused: BTreeMap::new(),
            corrected: BTreeSet::new(),
        }
    }

    /// Counts the records that it covers.
    pub fn count(&mut self) {
        let hours = self.hours.values().map(|hour| hour.records).sum::<u64>();
        self.records = hours + self.faded.records;
    }

    /// Whether a correction can be computed with, or is: none of its hours must come too late.
    pub fn takes(&self, path: &str, correction: &Correction) -> bool {
        let files = correction.files.values();
        let mut hours = files.flat_map(|file| file.left.keys().chain(file.hours.keys()));
        self.corrected.contains(path) || !hours.any(|hour| self.refuses(*hour))
    }

    /// Whether records of the hour come too late even for the batch layer.
    pub fn refuses(&self, hour: i64) -> bool {
        self.faded.history.is_some_and(|before| Minute(hour) < before)
            || self.hours.get(&hour).is_some_and(|known| known.sealed)
    }
}

/// The path of a generation's manifest.
pub fn path(generation: u64) -> String {
    format!("generations/{generation:08}.json")
}
