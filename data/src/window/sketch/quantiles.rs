//! Quantiles by KLL.

use std::borrow::Cow;

use datasketches::common::SearchCriteria;
use datasketches::kll::KllSketch;

use super::MOST;

/// KLL's accuracy parameter: a rank error of 1.33 %, 99 times of 100.
const K: u16 = 200;

/// So many values wait to be sketched together, which costs a third of what one by one does.
const BLOCK: usize = 2048;

/// How many values of a block are kept at most, and at least half as many.
const SAMPLES: usize = 256;

/// By how much a block's samples can miss a rank: half of what one stands for.
const BLOCK_ERROR: f64 = 1.0 / SAMPLES as f64;

/// Quantiles by KLL (Karnin, Lang, Liberty 2016), k = 200.
///
/// KLL decides by chance what it keeps, so two folds of the same values agree
/// within the bound, not byte for byte.
#[derive(Debug, Clone, Default)]
pub struct Quantiles(Option<Box<Held>>);

#[derive(Debug, Clone)]
struct Held {
    sketch: KllSketch<i64>,
    /// What has come since the last block.
    fresh: Vec<i64>,
}

impl Held {
    fn of(sketch: KllSketch<i64>) -> Self {
        Self { sketch, fresh: Vec::new() }
    }

    /// The sketch with what is fresh.
    fn whole(&self) -> Cow<'_, KllSketch<i64>> {
        if self.fresh.is_empty() {
            return Cow::Borrowed(&self.sketch);
        }
        let mut whole = self.clone();
        whole.settle();
        Cow::Owned(whole.sketch)
    }

    /// Sketches what is fresh.
    fn settle(&mut self) {
        let step = self.fresh.len().div_ceil(SAMPLES).next_power_of_two();
        if step > 1
            && let Some(block) = block(&mut self.fresh, step)
        {
            // A merge fails only where more than 2^64 values come together.
            drop(self.sketch.merge(&block));
        } else {
            self.fresh.iter().for_each(|value| self.sketch.update(*value));
        }
        self.fresh.clear();
    }
}

/// A sketch of the values, of which the middle one of each `step` (a power of two, 16 at most)
/// stands for all of them: what KLL's compaction does, by the median in place of a coin and for several
/// levels at once. It is made of DataSketches' bytes, since its interface takes one value at a time.
fn block(values: &mut [i64], step: usize) -> Option<KllSketch<i64>> {
    values.sort_unstable();
    let (least, most) = (*values.first()?, *values.last()?);
    let chunks = values.chunks_exact(step);
    let rest = chunks.remainder();
    let samples = chunks.filter_map(|chunk| chunk.get(step / 2));
    let levels = step.ilog2() as usize + 1;
    let capacity: u32 = CAPACITIES.iter().take(levels).sum();
    let above = capacity - (values.len() / step) as u32;
    let mut bytes = Vec::with_capacity(64 + 8 * (values.len() / step + step));
    bytes.extend_from_slice(&[FULL, VERSION, FAMILY, LEVEL_ZERO_SORTED]);
    bytes.extend_from_slice(&K.to_le_bytes());
    bytes.extend_from_slice(&[LEAST_CAPACITY, 0]);
    bytes.extend_from_slice(&(values.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&K.to_le_bytes());
    bytes.extend_from_slice(&[levels as u8, 0]);
    bytes.extend_from_slice(&(above - rest.len() as u32).to_le_bytes());
    (1..levels).for_each(|_| bytes.extend_from_slice(&above.to_le_bytes()));
    let all = [&least, &most].into_iter().chain(rest).chain(samples);
    all.for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    KllSketch::deserialize(&bytes).ok()
}

/// How many values KLL's levels hold, the top one first: two thirds of the one above, rounded.
const CAPACITIES: [u32; 5] = [200, 133, 89, 59, 40];

/// The constants of DataSketches' bytes (`KllPreambleUtil`): a sketch of several values.
const FULL: u8 = 5;
const VERSION: u8 = 1;
const FAMILY: u8 = 15;
const LEVEL_ZERO_SORTED: u8 = 2;
const LEAST_CAPACITY: u8 = 8;

impl Quantiles {
    /// Counts a value; one above 2^63−1 counts as that.
    #[inline]
    pub fn update(&mut self, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        if self.0.is_none() {
            self.0 = KllSketch::new(K).ok().map(|sketch| Box::new(Held::of(sketch)));
        }
        let Some(held) = &mut self.0 else { return };
        held.fresh.push(value);
        if held.fresh.len() >= BLOCK {
            held.settle();
        }
    }

    /// Sketches what waits for it, so that it is done once and not by each of those who read it.
    pub fn settle(&mut self) {
        if let Some(held) = &mut self.0 {
            held.settle();
        }
    }

    /// Adds the values of another one: as if this one had seen both, within the bound.
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.0 else { return };
        match &mut self.0 {
            None => self.0 = Some(theirs.clone()),
            Some(ours) => {
                ours.settle();
                drop(ours.sketch.merge(&theirs.whole()));
            }
        }
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |held| held.sketch.n() + held.fresh.len() as u64)
    }

    /// The value below or at which the share `rank` (0 to 1) of the values lies, by
    /// nearest rank; `None` where there is no value.
    pub fn quantile(&self, rank: f64) -> Option<u64> {
        let held = self.0.as_ref()?;
        let value = held.whole().quantile(rank, SearchCriteria::Inclusive).ok()??;
        Some(u64::try_from(value).unwrap_or(0))
    }

    /// By how much the rank of a [`Self::quantile`] can differ from the one asked
    /// for (0 to 1), 99 times of 100; 0 while every value is kept.
    pub fn rank_error(&self) -> f64 {
        self.0
            .as_ref()
            .map(|held| held.whole())
            .filter(|sketch| sketch.is_estimation_mode())
            .map_or(0.0, |sketch| sketch.normalized_rank_error() + BLOCK_ERROR)
    }

    /// Whether no value was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// DataSketches' bytes; empty for an empty sketch.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.as_ref().map_or_else(Vec::new, |held| held.whole().serialize())
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
        Ok(Self(Some(Box::new(Held::of(sketch)))))
    }
}

/// What is fresh counts as if it were sketched.
impl PartialEq for Quantiles {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(ours), Some(theirs)) => ours.whole() == theirs.whole(),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_every_rank_within_half_a_step() {
        for len in [257_usize, 511, 512, 513, 1023, 1024, 1500, 2047, 2048, 4095] {
            let mut values: Vec<i64> = (0..len as i64).rev().collect();
            let step = len.div_ceil(SAMPLES).next_power_of_two();
            let sketch = block(&mut values, step).unwrap();
            assert_eq!(sketch.n(), len as u64);
            for value in &values {
                let rank = sketch.rank(value, SearchCriteria::Inclusive).unwrap();
                let error = (rank - (*value + 1) as f64 / len as f64).abs();
                assert!(error <= BLOCK_ERROR, "{value} of {len}: {error}");
            }
        }
    }
}
