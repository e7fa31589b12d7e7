//! What is usual at each time of the week, from the batch layer's exact minutes.

use serde::{Deserialize, Serialize};

use super::detector::Usual;
use super::season::{DAY, MONDAY};

/// Slots in a week: five minutes each.
const SLOTS: usize = 2016;

/// Seconds in a week.
const WEEK: i64 = 7 * DAY;

/// How many slots before and after a slot are looked at with it.
const AROUND: usize = 2;

/// So few observations say nothing.
const FEW: usize = 10;

/// A normal distribution's standard deviation over its median absolute deviation.
const MAD: f64 = 1.4826;

/// What is usual of one series at each weekday and time of day (UTC).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Centre and spread of each slot of five minutes from Monday's midnight on; `None` where too
    /// little was observed.
    slots: Vec<Option<(f64, f64)>>,
    /// The first second that was observed, since the Unix epoch.
    pub from: i64,
    /// The first second after what was observed.
    pub to: i64,
}

/// Collects observations.
#[derive(Debug, Clone)]
pub struct Collector {
    slots: Vec<Vec<f64>>,
    range: Option<(i64, i64)>,
}

impl Default for Collector {
    fn default() -> Self {
        Self { slots: vec![Vec::new(); SLOTS], range: None }
    }
}

impl Collector {
    /// Adds what was observed in the minute that starts at `at`.
    pub fn add(&mut self, at: i64, value: f64) {
        let slot = (at - MONDAY).rem_euclid(WEEK) as usize * SLOTS / WEEK as usize;
        self.slots[slot].push(value);
        let (from, to) = self.range.unwrap_or((at, at + 60));
        self.range = Some((from.min(at), to.max(at + 60)));
    }

    /// The median and the scaled median absolute deviation around each slot. Both withstand
    /// spikes and a holiday or two; neighbours smooth them.
    pub fn finish(self) -> Option<History> {
        let (from, to) = self.range?;
        let mut values = Vec::new();
        let slots = (0..SLOTS).map(|slot| {
            values.clear();
            let around = (0..=2 * AROUND).map(|by| (slot + SLOTS + by - AROUND) % SLOTS);
            around.for_each(|slot| values.extend_from_slice(&self.slots[slot]));
            usual(&mut values)
        });
        Some(History { slots: slots.collect(), from, to })
    }
}

fn usual(values: &mut [f64]) -> Option<(f64, f64)> {
    if values.len() < FEW {
        return None;
    }
    let centre = median(values);
    values.iter_mut().for_each(|value| *value = (*value - centre).abs());
    Some((centre, MAD * median(values)))
}

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

impl History {
    /// What is usual at a time, between the middles of two slots.
    pub fn usual(&self, at: i64) -> Option<Usual> {
        let place = (at - MONDAY).rem_euclid(WEEK) as f64 * SLOTS as f64 / WEEK as f64 - 0.5;
        let (before, share) = (place.floor(), place - place.floor());
        let slot = |index: f64| {
            let index = (index as i64).rem_euclid(SLOTS as i64) as usize;
            self.slots.get(index).copied().flatten()
        };
        let (near, far) = (slot(before)?, slot(before + 1.0)?);
        let between = |a: f64, b: f64| a * (1.0 - share) + b * share;
        Some(Usual { centre: between(near.0, far.0), spread: between(near.1, far.1) })
    }

    /// How many weeks were observed.
    pub fn weeks(&self) -> f64 {
        (self.to - self.from) as f64 / WEEK as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_and_a_holiday_don_t_move_what_is_usual() {
        let mut collector = Collector::default();
        for minute in 0..4 * 7 * 1440_i64 {
            let busy = if minute / 60 % 24 < 12 { 100.0 } else { 300.0 };
            let value = match minute {
                _ if minute / 1440 == 9 => 10.0,
                _ if minute % 1000 < 10 => busy * 20.0,
                _ => busy + (minute % 7) as f64,
            };
            collector.add(minute * 60, value);
        }
        let history = collector.finish().unwrap();
        assert!((history.weeks() - 4.0).abs() < 1e-9);
        for (hour, expected) in [(6, 100.0), (18, 300.0)] {
            let usual = history.usual(9 * 86_400 + hour * 3600).unwrap();
            assert!((usual.centre - expected - 3.0).abs() < 1.5, "{usual:?}");
            assert!(usual.spread < 5.0, "{usual:?}");
        }
    }

    #[test]
    fn what_was_never_seen_is_unknown() {
        assert_eq!(Collector::default().finish(), None);
        let mut collector = Collector::default();
        (0..60).for_each(|minute| collector.add(minute * 60, 5.0));
        let history = collector.finish().unwrap();
        assert_eq!(history.usual(1800), Some(Usual { centre: 5.0, spread: 0.0 }));
        assert_eq!(history.usual(86_400), None);
    }
}
