//! Unions of HyperLogLog sketches of many values: the larger of each two registers.
//!
//! DataSketches' own union computes the estimate again with each sketch it takes in, 180,000
//! instructions, which every minute of every answer and every closed window would pay; here it waits until
//! somebody asks. What goes in and comes out are DataSketches' bytes (HllUtil and
//! PreambleUtil of its Java library).

use datasketches::hll::HllSketch;

use super::distinct::LG_K;

const REGISTERS: usize = 1 << LG_K;

/// The registers of a sketch.
#[derive(Debug, Clone)]
pub(super) struct Dense(Box<[u8; REGISTERS]>);

/// What the bytes of a sketch begin with before their registers.
const PREAMBLE: usize = 40;

/// Where the bytes say how the rest is laid out.
const MODE_BYTE: usize = 7;
const HLL_OF_EIGHT_BITS: u8 = 2 | (2 << 2);
const LIST_MODE: u8 = 0;
const SET_MODE: u8 = 1;

/// A flag: the order in which values came is not known.
const UNORDERED: u8 = 16;

/// In the bytes of a sketch of few values: where its coupons begin, of which each is a register's
/// number (26 bits) and its value (6 bits).
pub(super) fn coupons(bytes: &[u8]) -> Option<usize> {
    match bytes.get(MODE_BYTE)? & 3 {
        LIST_MODE => Some(8.min(bytes.len())),
        SET_MODE => Some(12.min(bytes.len())),
        _ => None,
    }
}

impl Default for Dense {
    fn default() -> Self {
        Self(Box::new([0; REGISTERS]))
    }
}

impl Dense {
    /// Takes in a sketch of these bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        match coupons(bytes) {
            Some(coupons) => {
                let (coupons, _) = bytes[coupons..].as_chunks::<4>();
                coupons.iter().for_each(|coupon| self.put(u32::from_le_bytes(*coupon)));
            }
            None => self.raise(bytes.get(PREAMBLE..).unwrap_or_default()),
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.raise(&other.0[..]);
    }

    fn raise(&mut self, registers: &[u8]) {
        self.0.iter_mut().zip(registers).for_each(|(ours, theirs)| *ours = (*ours).max(*theirs));
    }

    fn put(&mut self, coupon: u32) {
        let register = &mut self.0[coupon as usize % REGISTERS];
        *register = (*register).max((coupon >> 26) as u8);
    }

    /// DataSketches' bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        const LARGEST: usize = 63;
        let mut how_many = [0u32; LARGEST + 1];
        self.0.iter().for_each(|value| how_many[usize::from(*value).min(LARGEST)] += 1);
        // The sums of 2^-value over small and large values, by which the estimate is computed.
        let sum = |values: std::ops::Range<usize>| -> f64 {
            values.map(|value| f64::from(how_many[value]) / (1u64 << value) as f64).sum()
        };
        let mut bytes = Vec::with_capacity(PREAMBLE + REGISTERS);
        bytes.extend_from_slice(&[10, 1, 7, LG_K, 0, UNORDERED, 0, HLL_OF_EIGHT_BITS]);
        [0.0, sum(0..32), sum(32..LARGEST + 1)]
            .iter()
            .for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        bytes.extend_from_slice(&how_many[0].to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.0[..]);
        bytes
    }

    /// The sketch of these registers; `None` where DataSketches does not take its own bytes.
    pub fn sketch(&self) -> Option<HllSketch> {
        HllSketch::deserialize(&self.to_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use datasketches::hll::{HllType, HllUnion};

    use super::*;

    const FLAGS_BYTE: usize = 5;

    #[test]
    fn it_is_what_datasketches_unites() {
        for sizes in [[3, 5000], [5000, 3], [300, 500], [2000, 100_000], [100_000, 0]] {
            let mut union = HllUnion::new(LG_K).unwrap();
            let mut dense = Dense::default();
            for (at, size) in sizes.into_iter().enumerate() {
                let mut sketch = HllSketch::new(LG_K, HllType::Hll8).unwrap();
                (0..size).for_each(|value: u64| sketch.update(value + 1000 * at as u64));
                union.update(&sketch);
                dense.add(&sketch.serialize());
            }
            let (theirs, ours) = (union.to_sketch(HllType::Hll8), dense.sketch().unwrap());
            let (theirs_bytes, ours_bytes) = (theirs.serialize(), ours.serialize());
            assert_eq!(theirs_bytes[PREAMBLE..], ours_bytes[PREAMBLE..]);
            // What has seen only one sketch of many values still has that one's better estimate.
            if theirs_bytes[FLAGS_BYTE] == UNORDERED {
                assert!((theirs.estimate() - ours.estimate()).abs() < 1e-6 * theirs.estimate());
            }
            let values = sizes.iter().sum::<u64>().max(1) as f64;
            assert!((ours.estimate() - values).abs() < 0.06 * values, "{}", ours.estimate());
        }
    }
}
