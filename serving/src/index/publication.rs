//! What the batch layer publishes beside its rows.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use twofold_data::minute::{Grain, Minute};
use twofold_data::zone::Zone;

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

impl Publication {
    /// The time zone by whose days and hours the batch layer tells the access patterns.
    pub fn timezone(&self) -> Option<Zone> {
        Zone::named(self.info["timezone"].as_str()?).ok()
    }

    /// The finest grain that rows which start at `start` still have: minutes fade into hours, and
    /// hours into days. What has faded starts before a midnight (UTC), so that a day has one finest grain.
    pub fn finest(&self, start: Minute) -> Grain {
        let gone = |grain: &str| {
            self.info["faded"][grain].as_i64().is_some_and(|before| start < Minute(before))
        };
        match (gone("hours"), gone("minutes")) {
            (true, _) => Grain::Day,
            (false, true) => Grain::Hour,
            (false, false) => Grain::Minute,
        }
    }
}

/// A document that lives outside of generations: versioned like the speed layer's rows, and
/// seen as soon as it is put.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveDocument {
    /// The document; its kind and id say which stored one it replaces.
    pub document: Document,
    /// A larger version replaces a smaller one, an equal one does not. At least 1.
    pub version: u64,
}

/// A piece of output that is no view: a day's sessions, accuracy, a heatmap, a spike.
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
