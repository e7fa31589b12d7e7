//! How surprising a deviation is: how often chance alone would bring it about, by how the series
//! behaves while nothing is the matter.

use super::detector::State;
use super::level::rate;
use super::trail::LENGTHS;

/// The part that a new square has in a variance; of means over more than [`SLOWLY`] points less, since
/// neighbours hardly differ.
const VARIANCE: f64 = 0.002;
const SLOWLY: f64 = 30.0;

/// A deviation is learnt as at most so many standard deviations.
const CLIP: f64 = 3.0;

/// The share of points above the threshold from which the tail is fitted.
const ABOVE: f64 = 0.01;

/// The least threshold, in standard deviations, and the largest of means: what lies above it comes in
/// long runs, from which a quantile can't be learnt.
const LEAST: f64 = 2.3;
const MOST_OF_MEANS: f64 = 2.8;

/// The mean excess over the threshold that is assumed before any was seen, and of how many
/// excesses that assumption has the weight. Means are nearer to a normal distribution, which has 0.3.
const ASSUMED: (f64, f64) = (0.4, 20.0);
const OF_MEANS: f64 = 0.3;

/// The part that a new excess has in their mean.
const FORGET: f64 = 0.02;

/// An excess is learnt as at most so many times their mean: single spikes teach little, a
/// series that always has them teaches that it has.
const MOST: f64 = 2.0;

/// How large the errors of a series are while nothing is the matter.
#[derive(Debug, Clone)]
pub(super) struct Surprise([Calm; LENGTHS.len()]);

/// The mean errors over each of [`LENGTHS`], in standard deviations.
pub(super) type Deviations = [f64; LENGTHS.len()];

impl Default for Surprise {
    fn default() -> Self {
        Self(LENGTHS.map(Calm::new))
    }
}

impl Surprise {
    /// The standard deviation of a mean error over the length of that index, at least `floor`, and at least
    /// that of so many independent points.
    pub(super) fn spread(&self, index: usize, floor: f64) -> f64 {
        let alone = self.0[0].variance.sqrt() / (LENGTHS[index] as f64).sqrt();
        self.0[index].spread(floor.max(alone))
    }

    /// The most surprising of the deviations that `counts`: its index, and minus the decimal
    /// logarithm of how often it comes by chance.
    pub(super) fn most(
        &self,
        deviations: &Deviations,
        counts: impl Fn(usize) -> bool,
    ) -> (usize, f64) {
        let one = |index: usize| self.0[index].surprise(deviations[index].abs());
        (0..LENGTHS.len())
            .filter(|index| counts(*index))
            .map(|index| (index, one(index)))
            .fold((0, 0.0), |most, one| if one.1 > most.1 { one } else { most })
    }

    /// Learns deviations, and of how large a standard deviation each is.
    pub(super) fn learn(&mut self, by: &Deviations, spreads: &Deviations, state: State) {
        for ((calm, deviation), spread) in self.0.iter_mut().zip(by).zip(spreads) {
            match state {
                State::Calm => calm.learn(deviation.abs(), *spread),
                State::Onset => calm.learn_excess(deviation.abs()),
                State::Spike => {}
            }
        }
    }
}

/// Excesses closer together than so many points are one, or than the length over which they are averaged.
const APART: usize = 10;

/// The deviations of one series, averaged over one length.
#[derive(Debug, Clone)]
struct Calm {
    /// Over how many points the deviations are averaged.
    length: usize,
    variance: f64,
    seen: f64,
    threshold: f64,
    /// The sum of excesses over the threshold, and how many there are, both fading.
    excess: (f64, f64),
    /// How many points ago the last one was.
    since: usize,
}

impl Calm {
    fn new(length: usize) -> Self {
        let (threshold, excess) = (2.6, (0.0, 0.0));
        Self { length, variance: 0.0, seen: 0.0, threshold, excess, since: 0 }
    }

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
        let assumed = if self.length > 1 { OF_MEANS } else { ASSUMED.0 };
        (self.excess.0 + assumed * ASSUMED.1) / (self.excess.1 + ASSUMED.1)
    }

    /// Learns a deviation of so many `spread`s.
    fn learn(&mut self, deviation: f64, spread: f64) {
        let square = deviation.min(if self.seen < 20.0 { f64::MAX } else { CLIP }).powi(2);
        let slowly = (SLOWLY / self.length as f64).min(1.0);
        self.variance +=
            rate(self.seen, VARIANCE * slowly) * (square * spread * spread - self.variance);
        // A quantile that is followed: a step up is worth as many steps down as the share demands.
        let step = rate(self.seen, 0.002 * slowly) * self.threshold * 0.5;
        let above = deviation > self.threshold;
        self.threshold += if above { step * (1.0 - ABOVE) } else { -step * ABOVE };
        let most = if self.length > 1 { MOST_OF_MEANS } else { f64::INFINITY };
        self.threshold = self.threshold.clamp(LEAST, most);
        if self.seen > 20.0 {
            self.learn_excess(deviation);
        }
        self.seen += 1.0;
    }

    fn learn_excess(&mut self, deviation: f64) {
        self.since += 1;
        if deviation > self.threshold {
            if std::mem::take(&mut self.since) < APART.max(self.length) {
                return;
            }
            let excess = (deviation - self.threshold).min(MOST * self.mean_excess());
            self.excess.0 = self.excess.0 * (1.0 - FORGET) + excess;
            self.excess.1 = self.excess.1 * (1.0 - FORGET) + 1.0;
        }
    }
}
