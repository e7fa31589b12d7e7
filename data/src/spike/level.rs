//! Running means.

/// The part that the next of `seen` values has in a mean that forgets, at least `least`.
pub(super) fn rate(seen: f64, least: f64) -> f64 {
    (1.0 / (seen + 1.0)).max(least)
}

/// A mean in which older values count less and less.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// The mean; 0 before the first value.
    pub(super) value: f64,
    seen: f64,
    least: f64,
}

impl Level {
    /// A mean in which a new value has at least the part `least`.
    pub(super) fn new(least: f64) -> Self {
        Self { value: 0.0, seen: 0.0, least }
    }

    /// Takes a value in, as no further than `limit` from the mean.
    pub(super) fn learn(&mut self, value: f64, limit: f64) {
        let error = value - self.value;
        let error = if self.seen == 0.0 { error } else { error.clamp(-limit, limit) };
        self.value += rate(self.seen, self.least) * error;
        self.seen += 1.0;
    }
}
