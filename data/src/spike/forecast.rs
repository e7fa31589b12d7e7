//! What is expected next: several simple forecasts, each weighted by how well it has done.

use super::level::{Level, rate};
use super::season::{DAY, Season};
use super::trail::{LENGTHS, Mean};

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
    /// The mean error of each, over each of [`LENGTHS`].
    errors: [[f64; COUNT]; LENGTHS.len()],
    seen: f64,
}

/// What each forecast says of a time: a shape, which is known in advance, and by how much the series
/// lies above it at present.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    /// `None` where it can't say anything yet.
    pub(super) shape: [Option<f64>; COUNT],
    pub(super) above: [f64; COUNT],
}

/// What a point teaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lesson {
    /// Nothing is the matter.
    Calm,
    /// It belongs to a spike: the levels stay; but it may be the season that brings it.
    Spike,
    /// It belongs to a spike so large that a week that has it once is not believed to have it.
    Huge,
}

/// What each forecast expects.
pub(super) type Expected = [Option<f64>; COUNT];

impl Said {
    /// What each expects of that time.
    pub(super) fn next(&self) -> Expected {
        std::array::from_fn(|one| self.shape[one].map(|shape| shape + self.above[one]))
    }
}

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
            errors: [[1.0; COUNT]; LENGTHS.len()],
            seen: 0.0,
        }
    }

    /// What each says of a time, where `history` says what was usual at it.
    pub(super) fn say(&self, at: i64, history: Option<f64>) -> Said {
        let seasons = [&self.hour, &self.day, &self.week];
        let [hour, day, week] = seasons.map(|season| season.as_ref().and_then(|s| s.profile(at)));
        let [of_hour, of_day, of_week] =
            seasons.map(|season| season.as_ref().map_or(0.0, Season::above));
        Said {
            shape: [Some(0.0), Some(0.0), hour, day, week, history],
            above: [
                self.fast.value,
                self.slow.value,
                of_hour,
                of_day,
                of_week,
                self.above_history.value,
            ],
        }
    }

    /// What they expect together, over the length of that index: weighted by the fourth power of their
    /// accuracy; and the standard deviation between them: where they disagree, as when the day
    /// begins, less is certain.
    pub(super) fn together(&self, length: usize, expected: &Expected) -> (f64, f64) {
        let (mut sum, mut squares, mut weights) = (0.0, 0.0, 0.0);
        let fast = expected[0].unwrap_or_default();
        for (value, error) in expected.iter().zip(&self.errors[length]) {
            if let Some(value) = value {
                let weight = (error + 1e-12).powi(-4);
                let difference = value - fast;
                sum += weight * difference;
                squares += weight * difference * difference;
                weights += weight;
            }
        }
        let mean = sum / weights.max(f64::MIN_POSITIVE);
        let variance = squares / weights.max(f64::MIN_POSITIVE) - mean * mean;
        (fast + mean, variance.max(0.0).sqrt())
    }

    /// Learns the value at a time, which counts as no further than `limit` from each forecast. Within a
    /// spike, too, who foresaw it has earned trust.
    pub(super) fn learn(&mut self, at: i64, value: f64, said: &Said, limit: f64, lesson: Lesson) {
        self.trust(0, value, &said.next(), limit);
        if lesson == Lesson::Calm {
            self.learn_levels(value, said, limit);
        }
        let huge = lesson == Lesson::Huge;
        let left_out = self.week.as_mut().is_some_and(|week| huge && week.leaves_out(at));
        let week = self.week.as_mut().filter(|_| !left_out);
        for season in [self.hour.as_mut(), self.day.as_mut(), week].into_iter().flatten() {
            season.learn(at, self.step, value, limit);
        }
        self.seen += 1.0;
    }

    /// Learns how well each has foreseen the means that end with the newest point, but for the first,
    /// which is the point itself.
    pub(super) fn learn_means(&mut self, means: &[Mean], limits: &[f64]) {
        for (length, (mean, limit)) in means.iter().zip(limits).enumerate().skip(1) {
            self.trust(length, mean.observed, &mean.expected, *limit);
        }
    }

    fn trust(&mut self, length: usize, observed: f64, expected: &Expected, limit: f64) {
        let part = rate(self.seen, ERRORS / (LENGTHS[length] as f64).sqrt());
        let errors = &mut self.errors[length];
        for (error, expected) in errors.iter_mut().zip(expected) {
            if let Some(expected) = expected {
                let new = (observed - expected).abs().min(2.0 * limit + *error);
                *error += part * (new - *error);
            }
        }
        // Who has not said anything yet starts a little behind the first.
        let start = errors[0] * 1.2;
        let silent = errors.iter_mut().zip(expected).filter(|(_, said)| said.is_none());
        silent.for_each(|(error, _)| *error = start);
    }

    fn learn_levels(&mut self, value: f64, said: &Said, limit: f64) {
        if let (Some(Some(usual)), true) = (said.shape.last(), self.seen > 0.0) {
            self.above_history.learn(value - usual, limit);
        }
        self.fast.learn(value, limit);
        self.slow.learn(value, limit);
    }
}
