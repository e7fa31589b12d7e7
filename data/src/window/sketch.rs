//! Sketches: mergeable estimates in bounded memory, from Apache DataSketches.
//!
//! Both kinds allocate nothing until they are used, and travel as the base64 of
//! DataSketches' own bytes, which its Java, C++ and Python libraries read too.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use datasketches::common::{NumStdDev, SearchCriteria};
use datasketches::hll::{HllSketch, HllType, HllUnion};
use datasketches::kll::KllSketch;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The logarithm of the number of HyperLogLog's registers: a standard error of 1.6 %.
const LG_K: u8 = 12;

/// KLL's accuracy parameter: a rank error of 1.33 %, 99 times of 100.
const K: u16 = 200;

/// The most values that a stored sketch may claim to hold; a larger number is
/// damage, and could overflow a sum.
const MOST: u64 = 1 << 56;

/// The hash by which both layers feed a key to [`Distinct`] and the speed layer
/// finds it in its tables. It is stable across versions (rapidhash V3, its default seed).
#[inline]
pub fn key_hash(key: &str) -> u64 {
    rapidhash::v3::rapidhash_v3(key.as_bytes())
}

/// Distinct values by HyperLogLog (Flajolet et al. 2007) with 2^12 registers of
/// eight bits: exact for a handful of values, 4 KiB for any number of them. (Six
/// bits are enough, but packing them costs a quarter of the time that unions take.)
#[derive(Debug, Clone, Default)]
pub struct Distinct(Option<Box<Held>>);

/// What has seen values, or what has taken in several of those: a union takes in the next one
/// without being made anew.
#[derive(Debug, Clone)]
enum Held {
    Sketch(HllSketch),
    Union(HllUnion),
}

impl Held {
    fn sketch(&self) -> Cow<'_, HllSketch> {
        match self {
            Self::Sketch(sketch) => Cow::Borrowed(sketch),
            Self::Union(union) => Cow::Owned(union.to_sketch(HllType::Hll8)),
        }
    }

    fn estimate(&self) -> f64 {
        match self {
            Self::Sketch(sketch) => sketch.estimate(),
            Self::Union(union) => union.estimate(),
        }
    }

    fn bounds(&self) -> (f64, f64) {
        const TWO: NumStdDev = NumStdDev::Two;
        match self {
            Self::Sketch(sketch) => (sketch.lower_bound(TWO), sketch.upper_bound(TWO)),
            Self::Union(union) => (union.lower_bound(TWO), union.upper_bound(TWO)),
        }
    }

    fn update(&mut self, hash: u64) {
        if let Self::Union(union) = self {
            *self = Self::Sketch(union.to_sketch(HllType::Hll8));
        }
        if let Self::Sketch(sketch) = self {
            sketch.update(hash);
        }
    }

    fn merge(&mut self, other: &Self) {
        if let Self::Sketch(sketch) = self
            && let Ok(mut union) = HllUnion::new(LG_K)
        {
            union.update(sketch);
            *self = Self::Union(union);
        }
        if let Self::Union(union) = self {
            union.update(&other.sketch());
        }
    }
}

impl Distinct {
    /// Counts the value of this [`key_hash`].
    pub fn update(&mut self, hash: u64) {
        if let Some(held) = &mut self.0 {
            held.update(hash);
        } else if let Ok(mut sketch) = HllSketch::new(LG_K, HllType::Hll8) {
            sketch.update(hash);
            self.0 = Some(Box::new(Held::Sketch(sketch)));
        }
    }

    /// Adds the values of another one: as if this one had seen both.
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.0 else { return };
        match &mut self.0 {
            Some(ours) => ours.merge(theirs),
            None => self.0 = Some(theirs.clone()),
        }
    }

    /// How many distinct values there were, about.
    pub fn estimate(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |held| held.estimate())
    }

    /// The bounds within which the true number lies 95 times of 100 (two standard deviations).
    pub fn bounds(&self) -> (f64, f64) {
        self.0.as_ref().map_or((0.0, 0.0), |held| held.bounds())
    }

    /// Whether no value was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// DataSketches' bytes; empty for an empty sketch. Equal contents give equal bytes:
    /// what a small sketch stores in the order of arrival is sorted here.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Some(held) = &self.0 else { return Vec::new() };
        let mut bytes = held.sketch().serialize();
        let coupons = match bytes.get(MODE_BYTE).map(|mode| mode & 3) {
            Some(LIST_MODE) => bytes.get_mut(8..),
            Some(SET_MODE) => bytes.get_mut(12..),
            _ => None,
        };
        if let Some(coupons) = coupons {
            let (coupons, _) = coupons.as_chunks_mut::<4>();
            coupons.sort_unstable_by_key(|coupon| u32::from_le_bytes(*coupon));
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// Says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        let sketch = HllSketch::deserialize(bytes).map_err(|error| error.to_string())?;
        if sketch.lg_config_k() != LG_K || sketch.target_type() != HllType::Hll8 {
            return Err(format!("not a HyperLogLog sketch of 2^{LG_K} eight-bit registers"));
        }
        let estimate = sketch.estimate();
        if !(0.0..=MOST as f64).contains(&estimate) {
            return Err(format!("a sketch that counts {estimate} values is damaged"));
        }
        Ok(Self(Some(Box::new(Held::Sketch(sketch)))))
    }
}

/// Where DataSketches' HyperLogLog bytes say how the rest is laid out.
const MODE_BYTE: usize = 7;
const LIST_MODE: u8 = 0;
const SET_MODE: u8 = 1;

impl PartialEq for Distinct {
    fn eq(&self, other: &Self) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

/// Quantiles by KLL (Karnin, Lang, Liberty 2016), k = 200.
///
/// KLL decides by chance what it keeps, so two folds of the same values agree
/// within the bound, not byte for byte.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Quantiles(Option<Box<KllSketch<i64>>>);

impl Quantiles {
    /// Counts a value; one above 2^63−1 counts as that.
    #[inline]
    pub fn update(&mut self, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        if let Some(sketch) = &mut self.0 {
            sketch.update(value);
        } else if let Ok(mut sketch) = KllSketch::new(K) {
            sketch.update(value);
            self.0 = Some(Box::new(sketch));
        }
    }

    /// Adds the values of another one: as if this one had seen both, within the bound.
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.0 else { return };
        match &mut self.0 {
            None => self.0 = Some(theirs.clone()),
            // A merge fails only where more than 2^64 values come together.
            Some(ours) => drop(ours.merge(theirs)),
        }
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |sketch| sketch.n())
    }

    /// The value below or at which the share `rank` (0 to 1) of the values lies, by
    /// nearest rank; `None` where there is no value.
    pub fn quantile(&self, rank: f64) -> Option<u64> {
        let sketch = self.0.as_ref()?;
        let value = sketch.quantile(rank, SearchCriteria::Inclusive).ok()??;
        Some(u64::try_from(value).unwrap_or(0))
    }

    /// By how much the rank of a [`Self::quantile`] can differ from the one asked
    /// for (0 to 1), 99 times of 100; 0 while every value is kept.
    pub fn rank_error(&self) -> f64 {
        self.0
            .as_ref()
            .filter(|sketch| sketch.is_estimation_mode())
            .map_or(0.0, |sketch| sketch.normalized_rank_error())
    }

    /// Whether no value was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// DataSketches' bytes; empty for an empty sketch.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.as_ref().map_or_else(Vec::new, |sketch| sketch.serialize())
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// Says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        let sketch = KllSketch::<i64>::deserialize(bytes).map_err(|error| error.to_string())?;
        if sketch.k() != K || sketch.n() > MOST {
            return Err(format!("not a KLL sketch with k = {K} of a plausible size"));
        }
        Ok(Self(Some(Box::new(sketch))))
    }
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
            let (clients, sizes) = (distinct(0..size), quantiles(0..size));
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
