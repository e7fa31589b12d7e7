//! Partitions and the arithmetic of their offsets.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An ordered run of records with offsets: a Kafka topic's partition, or one
/// generation of a file (its offsets are byte offsets in the uncompressed text).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition {
    /// The topic, or the name that a source of files was given.
    pub topic: Arc<str>,
    /// The partition's number within its topic.
    pub number: u32,
}

impl Partition {
    /// The partition `number` of `topic`.
    pub fn new(topic: &str, number: u32) -> Self {
        Self { topic: topic.into(), number }
    }

    /// A record's partition and offset by its name, such as `access-00003@1234`.
    pub fn of_record(name: &str) -> Option<(Self, u64)> {
        let (partition, offset) = name.rsplit_once('@')?;
        let (topic, number) = partition.rsplit_once('-')?;
        Some((Self::new(topic, number.parse().ok()?), offset.parse().ok()?))
    }
}

/// `access-00003`, as in the names of archive files.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:05}", self.topic, self.number)
    }
}

/// A hash of one record's identity; the wrapping sum over a set of records
/// proves with overwhelming likelihood that two sets are the same one, so that
/// a missing and a doubled record don't cancel.
pub fn record_hash(partition_seed: u64, offset: u64) -> u64 {
    mix(partition_seed ^ mix(offset.wrapping_add(0x9E37_79B9_7F4A_7C15)))
}

/// What [`record_hash`] needs to know of a partition.
pub fn partition_seed(partition: &Partition) -> u64 {
    let name = partition.topic.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    mix(name ^ u64::from(partition.number))
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
