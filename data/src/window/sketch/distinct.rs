//! Distinct values by HyperLogLog.

use std::borrow::Cow;

use datasketches::common::NumStdDev;
use datasketches::hll::{HllSketch, HllType, HllUnion};

use super::MOST;
use super::dense::{Dense, coupons};

/// The logarithm of the number of HyperLogLog's registers: a standard error of 1.6 %.
pub(super) const LG_K: u8 = 12;

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
    /// Of few values.
    Union(HllUnion),
    /// Of many.
    Dense(Dense),
}

/// So many values are surely kept in registers; DataSketches keeps fewer than 385 one by one.
const MANY: f64 = 400.0;

impl Held {
    fn sketch(&self) -> Option<Cow<'_, HllSketch>> {
        match self {
            Self::Sketch(sketch) => Some(Cow::Borrowed(sketch)),
            Self::Union(union) => Some(Cow::Owned(union.to_sketch(HllType::Hll8))),
            Self::Dense(dense) => dense.sketch().map(Cow::Owned),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Dense(dense) => dense.to_bytes(),
            _ => self.sketch().map_or_else(Vec::new, |sketch| sketch.serialize()),
        }
    }

    fn is_many(&self) -> bool {
        matches!(self, Self::Dense(_)) || self.estimate() > MANY
    }

    fn estimate(&self) -> f64 {
        match self {
            Self::Sketch(sketch) => sketch.estimate(),
            Self::Union(union) => union.estimate(),
            Self::Dense(dense) => dense.sketch().map_or(0.0, |sketch| sketch.estimate()),
        }
    }

    fn bounds(&self) -> (f64, f64) {
        const TWO: NumStdDev = NumStdDev::Two;
        let bounds =
            |sketch: Cow<'_, HllSketch>| (sketch.lower_bound(TWO), sketch.upper_bound(TWO));
        self.sketch().map_or((0.0, 0.0), bounds)
    }

    fn update(&mut self, hash: u64) {
        if !matches!(self, Self::Sketch(_))
            && let Some(sketch) = self.sketch()
        {
            *self = Self::Sketch(sketch.into_owned());
        }
        if let Self::Sketch(sketch) = self {
            sketch.update(hash);
        }
    }

    fn merge(&mut self, other: &Self) {
        if self.is_many() || other.is_many() {
            self.merge_many(other);
            return;
        }
        if let Self::Sketch(sketch) = self
            && let Ok(mut union) = HllUnion::new(LG_K)
        {
            union.update(sketch);
            *self = Self::Union(union);
        }
        if let (Self::Union(union), Some(theirs)) = (self, other.sketch()) {
            union.update(&theirs);
        }
    }

    fn merge_many(&mut self, other: &Self) {
        if !matches!(self, Self::Dense(_)) {
            let mut dense = Dense::default();
            dense.add(&self.bytes());
            *self = Self::Dense(dense);
        }
        match (self, other) {
            (Self::Dense(ours), Self::Dense(theirs)) => ours.merge(theirs),
            (Self::Dense(ours), other) => ours.add(&other.bytes()),
            _ => {}
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
        let mut bytes = held.bytes();
        if let Some(coupons) = coupons(&bytes) {
            let (coupons, _) = bytes[coupons..].as_chunks_mut::<4>();
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

impl PartialEq for Distinct {
    fn eq(&self, other: &Self) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}
