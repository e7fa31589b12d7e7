//! How surprising a deviation is: how often chance alone would bring it about, by how the series
//! behaves while nothing is the matter.

use super::detector::State;
use super::level::rate;

/// Over how many points a deviation is averaged: a small one that lasts is as surprising as a
/// large one.
pub(super) const LENGTHS: [usize; 5] = [1, 2, 3, 5, 10];

/// The largest of [`LENGTHS`].
pub(super) const LONGEST: usize = 10;

/// The part that a new square has in a variance.
const VARIANCE: f64 = 0.002;

/// A deviation is learnt as at most so many standard deviations.
const CLIP: f64 = 3.0;

/// The share of points above the threshold from which the tail is fitted.
const ABOVE: f64 = 0.01;

/// The least threshold, in standard deviations.
const LEAST: f64 = 2.3;

/// The mean excess over the threshold that is assumed before any was seen, and of how many
/// excesses that assumption has the weight. It is that of a normal distribution.
const ASSUMED: (f64, f64) = (0.4, 20.0);

/// The part that a new excess has in their mean.
const FORGET: f64 = 0.02;

/// An excess is learnt as at most so many times their mean: single spikes teach little, a
/// series that always has them teaches that it has.
const MOST: f64 = 2.0;

/// The last errors of a series, and how large they are while nothing is the matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Surprise {
    /// The newest first.
    errors: [f64; LONGEST - 1],
    calm: [Calm; LENGTHS.len()],
}

/// A new error, averaged with those before it over each of [`LENGTHS`], in standard deviations.
pub(super) type Deviations = [f64; LENGTHS.len()];

impl Surprise {
    /// What a new error makes of the last ones; `floor` is the least standard deviation of one.
    pub(super) fn deviations(&self, error: f64, floor: f64) -> Deviations {
        let mut deviations = [0.0; LENGTHS.len()];
        let (mut sum, mut summed) = (error, 1);
        for (index, length) in LENGTHS.into_iter().enumerate() {
            sum += self.errors[summed - 1..length - 1].iter().sum::<f64>();
            summed = length;
            deviations[index] = sum / length as f64 / self.spread(index, floor);
        }
        deviations
    }

    /// The standard deviation of a mean over the length of that index.
    pub(super) fn spread(&self, index: usize, floor: f64) -> f64 {
        self.calm[index].spread(floor / (LENGTHS[index] as f64).sqrt())
    }

    /// The most surprising of the deviations that `counts`: its index, and minus the decimal
    /// logarithm of how often it comes by chance.
    pub(super) fn most(
        &self,
        deviations: &Deviations,
        counts: impl Fn(usize) -> bool,
    ) -> (usize, f64) {
        let one = |index: usize| self.calm[index].surprise(deviations[index].abs());
        (0..LENGTHS.len())
            .filter(|index| counts(*index))
            .map(|index| (index, one(index)))
            .fold((0, 0.0), |most, one| if one.1 > most.1 { one } else { most })
    }

    /// Learns an error. What belongs to a spike leaves no trace in the averages after it.
    pub(super) fn learn(&mut self, error: f64, by: &Deviations, floor: f64, state: State) {
        for (index, deviation) in by.iter().enumerate() {
            let spread = self.spread(index, floor);
            match state {
                State::Calm => self.calm[index].learn(deviation.abs(), spread),
                State::Onset => self.calm[index].learn_excess(deviation.abs()),
                State::Spike => {}
            }
        }
        self.errors.rotate_right(1);
        self.errors[0] = if state == State::Calm { error } else { 0.0 };
    }
}

/// Excesses closer together than so many points are one.
const APART: u32 = 10;

/// The deviations of one series, averaged over one length.
#[derive(Debug, Clone)]
struct Calm {
    variance: f64,
    seen: f64,
    threshold: f64,
    /// The sum of excesses over the threshold, and how many there are, both fading.
    excess: (f64, f64),
    /// How many points ago the last one was.
    since: u32,
}

impl Default for Calm {
    fn default() -> Self {
        Self { variance: 0.0, seen: 0.0, threshold: 2.6, excess: (0.0, 0.0), since: 0 }
    }
}

impl Calm {
    /// The standard deviation, at least `floor`.
    fn spread(&self, floor: f64) -> f64 {
        self.variance.sqrt().max(floor)
    }

    /// Minus the decimal logarithm of how often a point deviates by so many standard deviations:
    /// above the threshold an exponential tail (peaks over threshold, after Pickands 1975; used on
    /// streams by Siffer et al., KDD 2017).
    fn surprise(&self, deviation: f64) -> f64 {
        let base = -ABOVE.log10();
        if deviation <= self.threshold {
            return base * (deviation / self.threshold).powi(2);
        }
        base + (deviation - self.threshold) / self.mean_excess() / std::f64::consts::LN_10
    }

    fn mean_excess(&self) -> f64 {
        (self.excess.0 + ASSUMED.0 * ASSUMED.1) / (self.excess.1 + ASSUMED.1)
    }

    /// Learns a deviation of so many `spread`s.
    fn learn(&mut self, deviation: f64, spread: f64) {
        let square = deviation.min(if self.seen < 20.0 { f64::MAX } else { CLIP }).powi(2);
        self.variance += rate(self.seen, VARIANCE) * (square * spread * spread - self.variance);
        // A quantile that is followed: a step up is worth as many steps down as the share demands.
        let step = rate(self.seen, 0.002) * self.threshold * 0.5;
        let above = deviation > self.threshold;
        self.threshold += if above { step * (1.0 - ABOVE) } else { -step * ABOVE };
        self.threshold = self.threshold.max(LEAST);
        if self.seen > 20.0 {
            self.learn_excess(deviation);
        }
        self.seen += 1.0;
    }

    fn learn_excess(&mut self, deviation: f64) {
        self.since += 1;
        if deviation > self.threshold {
            if std::mem::take(&mut self.since) < APART {
                return;
            }
            let excess = (deviation - self.threshold).min(MOST * self.mean_excess());
            self.excess.0 = self.excess.0 * (1.0 - FORGET) + excess;
            self.excess.1 = self.excess.1 * (1.0 - FORGET) + 1.0;
        }
    }
}
