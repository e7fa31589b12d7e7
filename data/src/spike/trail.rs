//! The last points of a series: what was observed over some minutes, and what was expected of them
//! before they began.

use std::collections::VecDeque;

use super::forecast::{Expected, Said};

/// Over how many points a deviation is averaged: a small one that lasts is as surprising as a
/// large one.
pub(super) const LENGTHS: [usize; 7] = [1, 2, 3, 5, 10, 30, 60];

/// The largest of [`LENGTHS`].
pub(super) const LONGEST: usize = LENGTHS[LENGTHS.len() - 1];

/// The last points, the newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail(VecDeque<Past>);

/// A point on the scale, and what the forecasts said of it.
#[derive(Debug, Clone, Copy)]
struct Past {
    place: f64,
    said: Said,
}

/// The mean over a stretch that ends with the newest point.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    /// What was observed.
    pub(super) observed: f64,
    /// What each forecast expected when the stretch began: so a rise does not become the
    /// measure of itself.
    pub(super) expected: Expected,
}

impl Trail {
    /// The means over [`LENGTHS`] that end with a new point; before there are as many points, over those
    /// that there are.
    pub(super) fn means(&self, place: f64, said: &Said) -> [Mean; LENGTHS.len()] {
        let mut means = [Mean::default(); LENGTHS.len()];
        let (mut observed, mut shape) = (place, said.shape);
        let (mut above, mut count) = (said.above, 1);
        let mut past = self.0.iter();
        for (mean, length) in means.iter_mut().zip(LENGTHS) {
            for Past { place, said } in past.by_ref().take(length - count) {
                observed += place;
                for (sum, one) in shape.iter_mut().zip(said.shape) {
                    *sum = sum.zip(one).map(|(sum, one)| sum + one);
                }
                above = said.above;
                count += 1;
            }
            let of = count as f64;
            let expected = std::array::from_fn(|one| shape[one].map(|sum| sum / of + above[one]));
            *mean = Mean { observed: observed / of, expected };
        }
        means
    }

    /// Goes on by a point.
    pub(super) fn push(&mut self, place: f64, said: Said) {
        self.0.truncate(LONGEST - 2);
        self.0.push_front(Past { place, said });
    }
}
