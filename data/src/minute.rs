//! Minutes of event time, and the grains that are made of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60_000;

/// A minute of event time, counted from the Unix epoch, UTC.
///
/// It is the start of a window, and the unit of the boundary.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Minute(pub i64);

impl Minute {
    /// The minute that holds `ms` (milliseconds since the Unix epoch).
    pub fn of(ms: i64) -> Self {
        Self(ms.div_euclid(MINUTE_MS))
    }

    /// The minute's first millisecond.
    pub fn start_ms(self) -> i64 {
        self.0 * MINUTE_MS
    }

    /// The first millisecond after the minute.
    pub fn end_ms(self) -> i64 {
        (self.0 + 1) * MINUTE_MS
    }

    /// The minute after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Reads `2026-11-23T18:04Z`, with or without seconds, or a date alone (its midnight).
    pub fn parse(text: &str) -> Option<Self> {
        let full = match text.len() {
            10 => format!("{text}T00:00:00Z"),
            16 => format!("{text}:00Z"),
            17 => format!("{}:00Z", text.strip_suffix('Z')?),
            _ => text.to_owned(),
        };
        let instant: jiff::Timestamp = full.parse().ok()?;
        Some(Self::of(instant.as_millisecond()))
    }
}

/// `2026-11-23T18:04Z`.
impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.start_ms()) {
            Ok(instant) => write!(f, "{}", instant.strftime("%Y-%m-%dT%H:%MZ")),
            Err(_) => write!(f, "minute {}", self.0),
        }
    }
}

/// How much time one row spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    /// One window.
    Minute,
    /// Sixty minutes from a full hour, UTC.
    Hour,
    /// 1,440 minutes from midnight, UTC.
    Day,
}

impl Grain {
    /// Every grain, finest first.
    pub const ALL: [Grain; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// The grain's length in minutes.
    pub fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 1440,
        }
    }

    /// The start of the span of this grain that holds `minute`.
    pub fn start(self, minute: Minute) -> Minute {
        Minute(minute.0.div_euclid(self.minutes()) * self.minutes())
    }

    /// The first minute after the span of this grain that holds `minute`.
    pub fn end(self, minute: Minute) -> Minute {
        Minute(self.start(minute).0 + self.minutes())
    }

    /// The name used in ids, fields and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_before_1970_round_down() {
        assert_eq!(Minute::of(-1), Minute(-1));
        assert_eq!(Grain::Hour.start(Minute(-1)), Minute(-60));
    }

    #[test]
    fn text_survives_a_round_trip() {
        let minute = Minute::parse("2026-11-23T18:04Z").unwrap();
        assert_eq!(minute.to_string(), "2026-11-23T18:04Z");
        assert_eq!(Minute::parse("2026-11-23").unwrap().to_string(), "2026-11-23T00:00Z");
        assert_eq!(Minute::parse("2026-11-23T18:04:59Z"), Some(minute));
        assert_eq!(Minute::parse("yesterday"), None);
    }
}
