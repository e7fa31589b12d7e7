//! From how new a point is to its score: one event, one high score.

/// Above this a point is an event of its own.
const EVENT: f64 = 3.0;

/// For so many points an event damps what follows it and is no more than it.
const REST: f64 = 300.0;

/// So many points after an event a deviation is no longer part of it.
pub(super) const FRESH: f64 = 50.0;

/// By how much the bar for a new event has come down when the rest is over.
const EASE: f64 = 0.15;

/// The part that is left of what is damped.
const LEFT: f64 = 0.3;

/// A novelty of this much is a score of 0.9.
const NINE_TENTHS: f64 = 4.0;

/// Remembers the last event.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Damper {
    height: f64,
    age: f64,
}

impl Damper {
    /// The score of a novelty (minus a decimal logarithm of a chance), 0 to 1.
    pub(super) fn score(&self, novelty: f64) -> f64 {
        let over = self.age >= REST || self.height == 0.0;
        let news = over || novelty > self.height * (1.0 - EASE * self.age / REST);
        let left = if news { novelty } else { novelty * LEFT };
        1.0 - 10f64.powf(-left.max(0.0) / NINE_TENTHS)
    }

    /// Goes on by one point.
    pub(super) fn learn(&mut self, novelty: f64) {
        self.age += 1.0;
        if novelty > EVENT && novelty >= self.height * (1.0 - self.age / REST) {
            (self.height, self.age) = (novelty, 0.0);
        }
    }

    /// How many points ago the last event was; very many before the first.
    pub(super) fn age(&self) -> f64 {
        if self.height == 0.0 { f64::MAX } else { self.age }
    }
}
