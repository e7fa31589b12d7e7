//! What is expected next: several simple forecasts, each weighted by how well it has done.

use super::level::{Level, rate};
use super::season::{DAY, Season};

/// How many forecasts there are.
const COUNT: usize = 6;

/// How fast the fast and the slow level follow.
const FAST: f64 = 0.05;
const SLOW: f64 = 0.01;

/// The part that a new error has in a forecast's mean error.
const ERRORS: f64 = 0.005;

/// The forecasts of one series, on its scale.
#[derive(Debug, Clone)]
pub(super) struct Forecasts {
    step: i64,
    fast: Level,
    slow: Level,
    hour: Option<Season>,
    day: Option<Season>,
    week: Option<Season>,
    /// By how much the series lies above the given history at present.
    above_history: Level,
    /// The mean error of each.
    errors: [f64; COUNT],
    seen: f64,
}

/// What each forecast says; `None` where it can't say anything yet.
pub(super) type Said = [Option<f64>; COUNT];

impl Forecasts {
    pub(super) fn new(step: i64) -> Self {
        Self {
            step,
            fast: Level::new(FAST),
            slow: Level::new(SLOW),
            hour: Season::new(3600, step, 60, 0.05),
            day: Season::new(DAY, step, 288, 0.04),
            week: Season::new(7 * DAY, step, 672, 0.15),
            above_history: Level::new(0.005),
            errors: [1.0; COUNT],
            seen: 0.0,
        }
    }

    /// What each expects at a time, where `history` says what was usual at it.
    pub(super) fn say(&self, at: i64, history: Option<f64>) -> Said {
        let season =
            |season: &Option<Season>| season.as_ref().and_then(|season| season.expects(at));
        [
            Some(self.fast.value),
            Some(self.slow.value),
            season(&self.hour),
            season(&self.day),
            season(&self.week),
            history.map(|value| value + self.above_history.value),
        ]
    }

    /// What they expect together, weighted by the fourth power of their accuracy, and the standard
    /// deviation between them: where they disagree, as when the day begins, less is certain.
    pub(super) fn together(&self, said: &Said) -> (f64, f64) {
        let (mut sum, mut squares, mut weights) = (0.0, 0.0, 0.0);
        for (value, error) in said.iter().zip(&self.errors) {
            if let Some(value) = value {
                let weight = (error + 1e-12).powi(-4);
                let difference = value - self.fast.value;
                sum += weight * difference;
                squares += weight * difference * difference;
                weights += weight;
            }
        }
        let mean = sum / weights.max(f64::MIN_POSITIVE);
        let variance = squares / weights.max(f64::MIN_POSITIVE) - mean * mean;
        (self.fast.value + mean, variance.max(0.0).sqrt())
    }

    /// Learns the value at a time, which counts as no further than `limit` from each forecast. Within a
    /// spike (`calm` is false) the levels stay; but it may be the season that brings it, and who
    /// foresaw it has earned trust.
    pub(super) fn learn(&mut self, at: i64, value: f64, said: &Said, limit: f64, calm: bool) {
        let part = rate(self.seen, ERRORS);
        for (error, said) in self.errors.iter_mut().zip(said) {
            if let Some(said) = said {
                *error += part * ((value - said).abs().min(2.0 * limit + *error) - *error);
            }
        }
        // Who has not said anything yet starts a little behind the first.
        let start = self.errors[0] * 1.2;
        let silent = self.errors.iter_mut().zip(said).filter(|(_, said)| said.is_none());
        silent.for_each(|(error, _)| *error = start);
        if calm {
            self.learn_levels(value, said, limit);
        }
        for season in [&mut self.hour, &mut self.day, &mut self.week].into_iter().flatten() {
            season.learn(at, self.step, value, limit);
        }
        self.seen += 1.0;
    }

    fn learn_levels(&mut self, value: f64, said: &Said, limit: f64) {
        if let (Some(Some(history)), true) = (said.last(), self.seen > 0.0) {
            let usual = history - self.above_history.value;
            self.above_history.learn(value - usual, limit);
        }
        self.fast.learn(value, limit);
        self.slow.learn(value, limit);
    }
}
