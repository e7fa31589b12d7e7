//! Random numbers with a seed that is printed, so that a failure can be repeated.
#![allow(dead_code, reason = "each test file uses its part")]

/// A number out of the environment.
pub fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    /// Seeded by TWOFOLD_TEST_SEED or, without it, by the process's id.
    pub fn seeded() -> Self {
        let seed = number("TWOFOLD_TEST_SEED", u64::from(std::process::id()));
        println!("TWOFOLD_TEST_SEED={seed}");
        Self(seed)
    }

    /// The next number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}
