//! How fast lines are shipped.

use std::str::FromStr;
use std::time::{Duration, Instant};

/// How fast lines are shipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as the brokers take them.
    Full,
    /// As far apart as their time stamps are.
    Log,
    /// So many a second.
    Lines(f64),
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse::<f64>()) {
            ("full", _) => Ok(Self::Full),
            ("log", _) => Ok(Self::Log),
            (_, Ok(rate)) if rate.is_finite() && rate > 0.0 => Ok(Self::Lines(rate)),
            _ => {
                Err(format!("`{text}` is no rate; write full, log, or lines a second such as 1000"))
            }
        }
    }
}

/// Says when a line is due.
#[derive(Debug)]
pub struct Clock {
    pace: Pace,
    started: Instant,
    /// The first event time (ms), and when its line was due.
    first: Option<(i64, Instant)>,
}

impl Clock {
    /// A clock that starts now.
    pub fn new(pace: Pace) -> Self {
        Self { pace, started: Instant::now(), first: None }
    }

    /// How long the next line has to wait: it has this event time (ms), and so many were shipped
    /// before it. `None` where it is due.
    pub fn left(&mut self, time: Option<i64>, lines: u64) -> Option<Duration> {
        let due = match (self.pace, time) {
            (Pace::Lines(rate), _) => self.started + Duration::from_secs_f64(lines as f64 / rate),
            (Pace::Log, Some(time)) => {
                let (first, at) = *self.first.get_or_insert_with(|| (time, Instant::now()));
                at + Duration::from_millis(u64::try_from(time.saturating_sub(first)).unwrap_or(0))
            }
            (Pace::Full, _) | (Pace::Log, None) => return None,
        };
        let left = due.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_word_or_a_number() {
        assert_eq!("full".parse(), Ok(Pace::Full));
        assert_eq!("250.5".parse(), Ok(Pace::Lines(250.5)));
        for text in ["", "fast", "0", "-1", "inf", "NaN"] {
            assert!(text.parse::<Pace>().is_err(), "{text}");
        }
    }

    #[test]
    fn lines_are_as_far_apart_as_their_times_or_as_the_rate_says() {
        let mut clock = Clock::new(Pace::Log);
        assert_eq!(clock.left(Some(1_000_000), 0), None);
        let left = clock.left(Some(1_060_000), 1).unwrap();
        assert!((59..=60).contains(&left.as_secs()), "{left:?}");
        assert_eq!(clock.left(Some(990_000), 2), None, "a line that is out of order is due");
        assert_eq!(clock.left(None, 2), None);
        let left = Clock::new(Pace::Lines(10.0)).left(None, 100).unwrap();
        assert!((9..=10).contains(&left.as_secs()), "{left:?}");
    }
}
