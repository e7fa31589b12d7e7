//! Traffic that goes on, second by second, for the demo.

use std::io::{self, Write};

use super::clock::{DAY, usual};
use super::profile::Profile;
use super::traffic::Traffic;

/// Traffic at the time at which it is asked for.
#[derive(Debug)]
pub struct LiveTraffic {
    traffic: Traffic,
    start: i64,
    per_second: f64,
    owed: f64,
}

impl LiveTraffic {
    /// Traffic from `start` (seconds since the Unix epoch) on, with the daily curve around
    /// `per_second` lines. The clients and pages are those of a [`Traffic`] of the same profile and seed.
    pub fn new(profile: Profile, start: i64, seed: u64, per_second: f64) -> Self {
        let traffic = Traffic::new(Profile { spike: None, ..profile }, start, seed);
        Self { traffic, start, per_second, owed: 0.0 }
    }

    /// Writes the lines of one second (since the Unix epoch), not before the start.
    ///
    /// # Errors
    /// Of `out`.
    pub fn second(&mut self, epoch: i64, out: &mut impl Write) -> io::Result<()> {
        let second = epoch.saturating_sub(self.start).max(0) as u64;
        self.owed += self.per_second * usual(epoch.rem_euclid(DAY as i64) as u64);
        let count = self.owed as u32;
        self.owed -= f64::from(count);
        self.traffic.second(second, count);
        self.traffic.flush(second as usize, out)
    }
}
