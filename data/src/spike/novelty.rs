//! How new a point is: how rare it is among all that the series has shown, its spikes included.
//!
//! Two estimates, averaged: the tail above a high quantile (a power law, after
//! Hill 1975), and the largest single peaks of the past, so that what comes every day at
//! noon is no news the tenth time.

use super::level::rate;

/// Over how many points the error is averaged, each with its weight: what stands out alone, and
/// what stays off for long.
const VIEWS: [(usize, f64); 2] = [(1, 1.0), (LONGEST, 0.5)];

/// The largest length in [`VIEWS`].
const LONGEST: usize = 20;

/// The part that a new square has in a variance.
const VARIANCE: f64 = 0.001;

/// How many times the variance a square can be that is learnt.
const BELIEVED: f64 = 48.0;

/// How many points are only learnt before the first is judged.
const WARM_UP: f64 = 10.0;

/// The points of one series as far as their novelty goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Novelty {
    seen: f64,
    /// The last errors, the newest first.
    errors: [f64; LONGEST],
    views: [View; VIEWS.len()],
}

/// A way to look at a point: what is usual of it, and its tail.
#[derive(Debug, Clone, Default)]
struct View {
    variance: f64,
    tail: Tail,
}

/// A point, looked at in each way: its error, and each deviation with its unit.
#[derive(Debug)]
pub(super) struct Novel {
    error: f64,
    deviations: [(f64, f64); VIEWS.len()],
}

impl Novelty {
    /// Looks at a point by its error; `floor` is the least standard deviation of one.
    pub(super) fn of(&self, error: f64, floor: f64) -> Novel {
        let mut deviations = [(0.0, 0.0); VIEWS.len()];
        for (index, (length, _)) in VIEWS.into_iter().enumerate() {
            let mean = (error + self.errors[..length - 1].iter().sum::<f64>()) / length as f64;
            let unit = self.views[index].variance.sqrt().max(floor / (length as f64).sqrt());
            deviations[index] = ((mean / unit).abs(), unit);
        }
        Novel { error, deviations }
    }

    /// Minus the decimal logarithm of how often a point is as new.
    pub(super) fn value(&self, novel: &Novel) -> f64 {
        if self.seen < WARM_UP {
            return 0.0;
        }
        let novelties =
            self.views.iter().zip(&novel.deviations).map(|(view, seen)| view.tail.novelty(seen.0));
        let weighted = novelties.zip(VIEWS).map(|(one, (_, weight))| weight * one.max(0.0));
        weighted.sum::<f64>() / VIEWS.iter().map(|(_, weight)| weight).sum::<f64>()
    }

    /// Learns a point; `fresh` says that it doesn't belong to an event already counted.
    pub(super) fn learn(&mut self, novel: &Novel, fresh: bool) {
        for (view, (deviation, unit)) in self.views.iter_mut().zip(&novel.deviations) {
            view.learn(*deviation, *unit, self.seen, fresh);
        }
        self.errors.rotate_right(1);
        self.errors[0] = novel.error;
        self.seen += 1.0;
    }
}

impl View {
    fn learn(&mut self, deviation: f64, unit: f64, seen: f64, fresh: bool) {
        let (square, variance) = ((deviation * unit).powi(2), unit * unit);
        if seen < WARM_UP {
            self.variance += (square - self.variance) / (seen + 1.0);
        } else {
            self.variance +=
                rate(seen, VARIANCE) * (square.min(BELIEVED * variance) - self.variance);
            self.tail.learn(deviation, fresh);
        }
    }
}

/// The share of points above the threshold from which the tail is fitted.
const ABOVE: f64 = 0.005;

/// The least threshold, in standard deviations.
const LEAST: f64 = 1.5;

/// The mean logarithmic excess over the threshold that is assumed before any was seen, and of how
/// many peaks that assumption has the weight.
const ASSUMED: (f64, f64) = (0.25, 10.0);

/// The part that a new excess has in their mean.
const FORGET: f64 = 0.03;

/// How many peaks are remembered.
const PEAKS: usize = 64;

/// After so many points a peak counts 1/e.
const FADE: f64 = 2000.0;

/// How many points without an excess end a peak.
const PAUSE: u32 = 10;

/// How fast the chance of a height falls above one that was seen, as a power of the ratio.
const FALL: (f64, f64) = (15.0, 10.0);

/// The part of the estimate from single peaks; the other is the fitted tail.
const BY_PEAKS: f64 = 0.3;

/// A priori as many peaks at the threshold were seen.
const PRIOR: f64 = 0.3;

/// The tail of one series of deviations, which are positive, in standard deviations.
#[derive(Debug, Clone)]
struct Tail {
    threshold: f64,
    seen: f64,
    /// The sum of logarithmic excesses, and how many there are, both fading.
    excess: (f64, f64),
    peaks: Vec<Peak>,
    /// The height of the peak that has not ended, and how long there was no excess.
    open: (f64, u32),
}

#[derive(Debug, Clone, Copy)]
struct Peak {
    height: f64,
    at: f64,
}

impl Default for Tail {
    fn default() -> Self {
        let peaks = Vec::new();
        Self { threshold: 2.5, seen: 0.0, excess: (0.0, 0.0), peaks, open: (0.0, 0) }
    }
}

impl Tail {
    /// Minus the decimal logarithm of how often a point deviates as much, by the fitted tail.
    fn fitted(&self, deviation: f64) -> f64 {
        let base = -ABOVE.log10();
        if deviation <= self.threshold {
            return base * (deviation / self.threshold).powi(2);
        }
        let mean = (self.excess.0 + ASSUMED.0 * ASSUMED.1) / (self.excess.1 + ASSUMED.1);
        base + (deviation / self.threshold).ln() / mean / std::f64::consts::LN_10
    }

    /// The same, averaged with what the peaks of the past leave.
    fn novelty(&self, deviation: f64) -> f64 {
        let fitted = self.fitted(deviation);
        if deviation <= self.threshold {
            return fitted;
        }
        let as_high = |height: f64, fall: f64| (height / deviation).min(1.0).powf(fall);
        let peaks = self.peaks.iter();
        let seen: f64 = peaks.map(|peak| self.weight(peak) * as_high(peak.height, FALL.0)).sum();
        let often = (seen + PRIOR * as_high(self.threshold, FALL.1)) / self.seen.clamp(10.0, FADE);
        fitted * (1.0 - BY_PEAKS) - often.min(ABOVE).log10() * BY_PEAKS
    }

    /// Learns a deviation; `fresh` says that it doesn't belong to a peak already counted.
    fn learn(&mut self, deviation: f64, fresh: bool) {
        self.seen += 1.0;
        // A quantile that is followed: a step up is worth as many steps down as the share demands.
        let step = rate(self.seen - 1.0, 0.002) * self.threshold * 0.5;
        let above = deviation > self.threshold;
        self.threshold += if above { step * (1.0 - ABOVE) } else { -step * ABOVE };
        self.threshold = self.threshold.max(LEAST);
        if deviation > self.threshold && fresh {
            let excess = (deviation / self.threshold).ln().min(2.0);
            self.excess.0 = self.excess.0 * (1.0 - FORGET) + excess;
            self.excess.1 = self.excess.1 * (1.0 - FORGET) + 1.0;
        }
        self.follow_peak(deviation);
    }

    fn follow_peak(&mut self, deviation: f64) {
        if deviation > self.threshold {
            self.open = (self.open.0.max(deviation), 0);
        } else if self.open.0 > 0.0 {
            self.open.1 += 1;
        }
        if self.open.1 > PAUSE {
            self.peaks.push(Peak { height: self.open.0, at: self.seen });
            self.open = (0.0, 0);
            if self.peaks.len() > PEAKS {
                self.drop_least();
            }
        }
    }

    fn drop_least(&mut self) {
        let worth = |peak: &Peak| peak.height * self.weight(peak);
        let least = (0..self.peaks.len())
            .min_by(|a, b| worth(&self.peaks[*a]).total_cmp(&worth(&self.peaks[*b])));
        if let Some(least) = least {
            self.peaks.swap_remove(least);
        }
    }

    fn weight(&self, peak: &Peak) -> f64 {
        (-(self.seen - peak.at) / FADE).exp()
    }
}
