//! Random numbers that stay the same for ever, and Zipf's distribution.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is at least 1 (Lemire 2019, without its rejection: the
    /// bias is below 2^-32 for the limits used here).
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(limit)) >> 64) as u64
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// The sum of twelve uniform numbers less 6: near enough to a standard normal
    /// deviate, and the same on every machine, as a logarithm might not be.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A Poisson count (Knuth 1969); above 100 by the normal approximation, which is off by less
    /// than a tenth of a deviation there.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 100.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (least, mut product) = ((-mean).exp(), self.unit());
        let mut count = 0;
        while product > least {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

/// Draws indices with given weights in constant time (Walker 1977, Vose 1991).
#[derive(Debug, Clone)]
pub struct Weighted {
    keep: Vec<f64>,
    alias: Vec<u32>,
}

impl Weighted {
    /// Indices weighted by `weights`, of which there is at least one.
    pub fn new(weights: &[f64]) -> Self {
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut keep: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut alias: Vec<u32> = (0..weights.len() as u32).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..keep.len()).partition(|index| keep[*index] < 1.0);
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            alias[low] = high as u32;
            keep[high] -= 1.0 - keep[low];
            if keep[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Self { keep, alias }
    }

    /// Zipf: the weight of index i is (i + 1) to the power of −s.
    pub fn zipf(count: usize, s: f64) -> Self {
        Self::new(&(1..=count).map(|rank| (rank as f64).powf(-s)).collect::<Vec<_>>())
    }

    /// An index.
    pub fn draw(&self, random: &mut Random) -> usize {
        let at = random.below(self.keep.len() as u64) as usize;
        if random.unit() < self.keep[at] { at } else { self.alias[at] as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipf_has_its_shape() {
        let zipf = Weighted::zipf(1000, 1.0);
        let mut random = Random::new(1);
        let mut drawn = vec![0u32; 1000];
        for _ in 0..1_000_000 {
            drawn[zipf.draw(&mut random)] += 1;
        }
        let harmonic: f64 = (1..=1000).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [1, 2, 10, 100] {
            let expected = 1e6 / harmonic / rank as f64;
            let off = (f64::from(drawn[rank - 1]) - expected).abs();
            assert!(off < 6.0 * expected.sqrt(), "rank {rank}: {} for {expected}", drawn[rank - 1]);
        }
    }

    #[test]
    fn poisson_has_its_mean_and_variance() {
        let mut random = Random::new(2);
        for mean in [0.3, 12.0, 400.0] {
            let drawn: Vec<f64> = (0..20_000).map(|_| random.poisson(mean) as f64).collect();
            let found = drawn.iter().sum::<f64>() / 20_000.0;
            let variance = drawn.iter().map(|one| (one - found).powi(2)).sum::<f64>() / 20_000.0;
            assert!((found / mean - 1.0).abs() < 0.03, "{mean}: {found}");
            assert!((variance / mean - 1.0).abs() < 0.05, "{mean}: {variance}");
        }
        assert_eq!(random.poisson(0.0), 0);
    }
}
