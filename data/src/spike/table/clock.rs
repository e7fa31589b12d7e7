//! Times as tables write them.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// How a column of numbers counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds since the Unix epoch.
    Seconds,
    /// Milliseconds since the Unix epoch.
    Milliseconds,
    /// Microseconds since the Unix epoch.
    Microseconds,
    /// Nanoseconds since the Unix epoch.
    Nanoseconds,
    /// No time but a number of the row.
    Index,
}

impl Unit {
    /// The unit in which a number is a time after 1973; [`Unit::Index`] where it is too small.
    pub(super) fn of(number: f64) -> Self {
        match number.abs() {
            size if size >= 1e17 => Self::Nanoseconds,
            size if size >= 1e14 => Self::Microseconds,
            size if size >= 1e11 => Self::Milliseconds,
            size if size >= 1e8 => Self::Seconds,
            _ => Self::Index,
        }
    }

    /// A number of this unit in seconds; an index has none.
    fn seconds(self, number: f64) -> Option<i64> {
        let divisor = match self {
            Self::Seconds => 1.0,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1e6,
            Self::Nanoseconds => 1e9,
            Self::Index => return None,
        };
        Some((number / divisor).floor() as i64)
    }
}

/// Reads a time as seconds since the Unix epoch: a number in `unit`, or a date in one of the
/// forms `2026-11-23 18:04[:05[.6]]` (with a `T`, a `Z` or an offset, or slashes; the time may be
/// missing), `11/23/2026 18:04`, `23/Nov/2026:18:04:05 +0000`. Without an offset it is UTC.
pub(super) fn read(text: &str, unit: Unit) -> Option<i64> {
    if let Ok(number) = text.parse::<f64>() {
        return unit.seconds(number).filter(|_| number.is_finite());
    }
    let (date, rest) = date(text)?;
    let rest = rest.trim_start_matches(['T', 't', ' ', ':']);
    let (time, rest) = if rest.is_empty() { (Time::midnight(), "") } else { time(rest)? };
    let offset = offset(rest.trim())?;
    let local = offset.to_timestamp(date.to_datetime(time)).ok()?;
    Some(local.as_millisecond().div_euclid(1000))
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The date that a text begins with, and what follows.
fn date(text: &str) -> Option<(Date, &str)> {
    let (first, rest) = number(text)?;
    let separator = rest.chars().next().filter(|c| ['-', '/', '.'].contains(c))?;
    let (middle, rest) = rest.split_at(1).1.split_once(separator)?;
    let month = |text: &str| -> Option<i8> {
        let name = text.get(..3)?.to_ascii_lowercase();
        MONTHS.iter().position(|month| *month == name).map(|index| index as i8 + 1)
    };
    let (last, rest) = number(rest)?;
    let small = |number: i64| i8::try_from(number).ok();
    let (year, month, day) = match (middle.parse::<i64>(), first) {
        (Ok(middle), 32..) => (first, small(middle)?, small(last)?),
        // American where the separator is `/`, else day first.
        (Ok(middle), _) if separator == '/' && first <= 12 => (last, small(first)?, small(middle)?),
        (Ok(middle), _) => (last, small(middle)?, small(first)?),
        (Err(_), _) => (last, month(middle)?, small(first)?),
    };
    Some((Date::new(i16::try_from(year).ok()?, month, day).ok()?, rest))
}

/// The time of day that a text begins with, and what follows. Fractions of a second are dropped.
fn time(text: &str) -> Option<(Time, &str)> {
    let (hour, rest) = number(text)?;
    let (minute, rest) = number(rest.strip_prefix(':')?)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => number(rest)?,
        None => (0, rest),
    };
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let small = |number: i64| i8::try_from(number).ok();
    // A leap second stays in the minute that it was written in.
    Some((Time::new(small(hour)?, small(minute)?, small(second.min(59))?, 0).ok()?, rest))
}

/// `Z`, `UTC`, `+0530`, `+05:30`, `-5`, or nothing.
fn offset(text: &str) -> Option<Offset> {
    if ["", "Z", "z", "UTC", "GMT"].contains(&text) {
        return Some(Offset::UTC);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.strip_prefix(['+', '-'])?.chars().filter(|c| *c != ':').collect();
    let number: i32 = digits.parse().ok()?;
    let minutes = if digits.len() <= 2 { number * 60 } else { number / 100 * 60 + number % 100 };
    Offset::from_seconds(sign * minutes * 60).ok()
}

/// The whole number that a text begins with, and what follows.
fn number(text: &str) -> Option<(i64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_many_forms() {
        for text in [
            "2026-11-23 18:04:05",
            "2026-11-23T18:04:05Z",
            "2026-11-23T18:04:05.678",
            "2026-11-23 18:04:05+00:00",
            "2026-11-23T19:34:05+0130",
            "2026/11/23 18:04:05",
            "11/23/2026 18:04:05",
            "23.11.2026 18:04:05",
            "23/Nov/2026:18:04:05 +0000",
            "23-Nov-2026 18:04:05 UTC",
        ] {
            assert_eq!(read(text, Unit::Seconds), Some(1_795_457_045), "{text}");
        }
        assert_eq!(read("2026-11-23 18:04", Unit::Seconds), Some(1_795_457_040));
        assert_eq!(read("2026-11-23", Unit::Seconds), Some(1_795_392_000));
        for text in ["1795457045", "1795457045000", "1795457045.25", "1795457045000000"] {
            let unit = Unit::of(text.parse().unwrap());
            assert_eq!(read(text, unit), Some(1_795_457_045), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "x", "2026", "2026-13-01", "2026-11-23 25:00", "12:30", "NaN", "1-2-3x"] {
            assert_eq!(read(text, Unit::of(1.0)), None, "{text}");
        }
        assert_eq!(read("17", Unit::Index), None);
    }
}
