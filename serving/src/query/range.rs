//! A range of minutes.

use serde::Serialize;
use twofold_data::minute::{Grain, Minute};

use super::Instant;

/// The minutes from `from` on, up to and without `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The first minute.
    pub from: Instant,
    /// The first minute after the range.
    pub to: Instant,
}

impl Range {
    /// Everything that is stored.
    pub const ALL: Self = Self::new(Minute(i64::MIN), Minute(i64::MAX));

    /// The range `from..to`; it is empty if `to` isn't after `from`.
    pub const fn new(from: Minute, to: Minute) -> Self {
        Self { from: Instant(from), to: Instant(to) }
    }

    /// Whether no minute lies in it.
    pub fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// What it has in common with another one.
    pub fn within(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    /// Its days (UTC), the first and the last one cut to the range.
    pub(super) fn days(self) -> impl Iterator<Item = Self> {
        let mut from = self.from.0;
        std::iter::from_fn(move || {
            let to = Grain::Day.end(from).min(self.to.0);
            let day = (from < to).then_some(Self::new(from, to));
            from = to;
            day
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_cover_the_range() {
        let days: Vec<_> = Range::new(Minute(-10), Minute(1441)).days().collect();
        let ends = [(-10, 0), (0, 1440), (1440, 1441)];
        assert_eq!(days, ends.map(|(from, to)| Range::new(Minute(from), Minute(to))));
        assert_eq!(Range::new(Minute(5), Minute(5)).days().count(), 0);
        assert_eq!(Range::new(Minute(6), Minute(5)).days().count(), 0);
    }
}
