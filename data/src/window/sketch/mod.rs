//! Sketches: mergeable estimates in bounded memory, from Apache DataSketches.
//!
//! Both kinds allocate nothing until they are used, and travel as the base64 of
//! DataSketches' own bytes, which its Java, C++ and Python libraries read too.

mod dense;
mod distinct;
mod quantiles;

pub use distinct::Distinct;
pub use quantiles::Quantiles;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most values that a stored sketch may claim to hold; a larger number is
/// damage, and could overflow a sum.
const MOST: u64 = 1 << 56;

/// The hash by which both layers feed a key to [`Distinct`] and the speed layer
/// finds it in its tables. It is stable across versions (rapidhash V3, its default seed).
#[inline]
pub fn key_hash(key: &str) -> u64 {
    rapidhash::v3::rapidhash_v3(key.as_bytes())
}

macro_rules! travels_as_base64 {
    ($sketch:ty) => {
        impl Serialize for $sketch {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&STANDARD_NO_PAD.encode(self.to_bytes()))
            }
        }

        impl<'de> Deserialize<'de> for $sketch {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(D::Error::custom)?;
                Self::from_bytes(&bytes).map_err(D::Error::custom)
            }
        }
    };
}

travels_as_base64!(Distinct);
travels_as_base64!(Quantiles);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distinct(values: std::ops::Range<u64>) -> Distinct {
        let mut sketch = Distinct::default();
        values.for_each(|value| sketch.update(key_hash(&value.to_string())));
        sketch
    }

    fn quantiles(values: std::ops::Range<u64>) -> Quantiles {
        let mut sketch = Quantiles::default();
        values.for_each(|value| sketch.update(value));
        sketch
    }

    #[test]
    fn sketches_survive_json() {
        for size in [0, 1, 7, 8, 100, 383, 384, 385, 5000, 100_000] {
            // What waits to be sketched is sketched by writing it.
            let sizes = Quantiles::from_bytes(&quantiles(0..size).to_bytes()).unwrap();
            let clients = distinct(0..size);
            let text = serde_json::to_string(&(&clients, &sizes)).unwrap();
            let read: (Distinct, Quantiles) = serde_json::from_str(&text).unwrap();
            assert_eq!(read.0, clients, "{size} values");
            assert_eq!(read.1, sizes, "{size} values");
            assert_eq!(serde_json::to_string(&read).unwrap(), text, "{size} values");
        }
    }

    #[test]
    fn distinct_counts_lie_within_their_bounds() {
        for size in [0, 1, 5, 50, 1000, 30_000, 1_000_000] {
            let mut halves = distinct(0..size / 2);
            halves.merge(&distinct(size / 4..size));
            for sketch in [distinct(0..size), halves] {
                let (low, high) = sketch.bounds();
                assert!(low <= sketch.estimate() && sketch.estimate() <= high);
                let error = (sketch.estimate() - size as f64).abs();
                assert!(error <= 0.05 * size as f64, "{size}: {}", sketch.estimate());
            }
        }
    }

    #[test]
    fn a_merge_does_not_depend_on_the_order() {
        let (a, b) = (distinct(0..3000), distinct(2000..2100));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b);
        ba.merge(&a);
        assert_eq!(ab.estimate(), ba.estimate());
    }

    #[test]
    fn quantiles_lie_within_their_rank_error() {
        for size in [1u64, 10, 1000, 100_000] {
            let mut halves = quantiles(0..size / 3);
            halves.merge(&quantiles(size / 3..size));
            for sketch in [quantiles(0..size), halves] {
                assert_eq!(sketch.count(), size);
                for rank in [0.0, 0.5, 0.9, 0.95, 0.99, 1.0] {
                    let value = sketch.quantile(rank).unwrap() as f64;
                    let error = (value - rank * size as f64).abs();
                    assert!(error <= (2.0 * sketch.rank_error() * size as f64).max(1.0));
                }
            }
        }
        assert_eq!(Quantiles::default().quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_an_error_or_a_sketch_that_works(
            size in 0u64..2000,
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = [distinct(0..size).to_bytes(), quantiles(0..size).to_bytes()];
            for mut bytes in whole {
                for (index, byte) in &damage {
                    if !bytes.is_empty() {
                        let index = index.index(bytes.len());
                        bytes[index] = *byte;
                    }
                }
                bytes.truncate(bytes.len() - cut.index(bytes.len() + 1) / 7);
                if let Ok(mut read) = Distinct::from_bytes(&bytes) {
                    read.merge(&distinct(0..500));
                    (0..500).for_each(|value| read.update(value));
                    read.bounds();
                }
                if let Ok(mut read) = Quantiles::from_bytes(&bytes) {
                    read.merge(&quantiles(0..500));
                    (0..500).for_each(|value| read.update(value));
                    read.quantile(0.5);
                }
            }
        }
    }
}
