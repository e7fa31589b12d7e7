//! Any bytes as stored sketches: an error, or sketches that count on.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twofold_data::window::sketch::{Distinct, Quantiles};

fuzz_target!(|input: &[u8]| {
    if let Ok(mut read) = Distinct::from_bytes(input) {
        let mut other = Distinct::default();
        (0..500).for_each(|value| other.update(value));
        read.merge(&other);
        read.update(1);
        other.merge(&read);
        let (low, high) = other.bounds();
        assert!(low <= other.estimate() && other.estimate() <= high);
        assert_eq!(Distinct::from_bytes(&other.to_bytes()), Ok(other));
    }
    if let Ok(mut read) = Quantiles::from_bytes(input) {
        let before = read.count();
        let mut other = Quantiles::default();
        (0..500).for_each(|value| other.update(value));
        read.merge(&other);
        read.update(1);
        assert_eq!(read.count(), before + 501);
        assert!(read.quantile(0.0) <= read.quantile(1.0));
        assert_eq!(Quantiles::from_bytes(&read.to_bytes()), Ok(read));
    }
});
