//! A time zone by its name, so that a wrong one is found where it is written.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twofold_data::zone::Zone;

/// `UTC`, `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimeZone(pub Zone);

impl Serialize for TimeZone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Zone::named(&name).map(Self).map_err(serde::de::Error::custom)
    }
}
