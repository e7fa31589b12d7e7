//! Time stamps as Apache and nginx write them: `02/Apr/2019:06:27:07 +0000`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

/// The length of a time stamp, in bytes.
pub(super) const STAMP_BYTES: usize = 26;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Reads time stamps. It remembers the last hour, because a log's next line is
/// nearly always of the same one, and the calendar is the costly part.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// A time stamp of the hour.
    stamp: [u8; STAMP_BYTES],
    /// The hour's first millisecond since the Unix epoch, UTC.
    start: i64,
    /// Minutes from UTC.
    utc_offset: i16,
}

impl Default for Clock {
    fn default() -> Self {
        Self { stamp: *b"01/Jan/1970:00:00:00 +0000", start: 0, utc_offset: 0 }
    }
}

impl Clock {
    /// The instant in milliseconds since the Unix epoch, and the offset from UTC in
    /// minutes; `None` where the stamp names no instant.
    ///
    /// A leap second (`:60`) is taken as the second before it, so that it stays in
    /// the minute that it was written in.
    #[inline]
    pub(super) fn read(&mut self, stamp: &[u8; STAMP_BYTES]) -> Option<(i64, i16)> {
        if !is_same_hour(stamp, &self.stamp) {
            self.remember(stamp)?;
        }
        let (minute, second) = minute_and_second(stamp)?;
        let seconds = i64::from(minute) * 60 + i64::from(second.min(59));
        Some((self.start + seconds * 1000, self.utc_offset))
    }

    /// Like [`Clock::read`], of a text that is either such a stamp or ISO 8601 (where
    /// that names no offset, it is taken as UTC).
    pub(super) fn read_text(&mut self, text: &str) -> Option<(i64, i16)> {
        match text.as_bytes().try_into() {
            Ok(stamp) if text.get(2..3) == Some("/") => self.read(stamp),
            _ => read_iso(text),
        }
    }

    #[cold]
    fn remember(&mut self, stamp: &[u8; STAMP_BYTES]) -> Option<()> {
        let (hour, _) = stamp.split_first_chunk::<14>()?;
        let [d1, d2, b'/', m1, m2, m3, b'/', y1, y2, y3, y4, b':', h1, h2] = *hour else {
            return None;
        };
        let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(&[m1, m2, m3]))?;
        let year = i16::from(two_digits(y1, y2)?) * 100 + i16::from(two_digits(y3, y4)?);
        let day = two_digits(d1, d2)?.cast_signed();
        let date = Date::new(year, i8::try_from(month).ok()? + 1, day).ok()?;
        let clock = two_digits(h1, h2)?.cast_signed();
        let local = date.to_datetime(jiff::civil::Time::new(clock, 0, 0, 0).ok()?);
        let utc_offset = read_zone(stamp.last_chunk()?)?;
        let offset = Offset::from_seconds(i32::from(utc_offset) * 60).ok()?;
        let start = offset.to_timestamp(local).ok()?.as_millisecond();
        *self = Self { stamp: *stamp, start, utc_offset };
        Some(())
    }
}

/// Whether two stamps differ in minute and second at most, eight bytes at a time.
#[inline]
fn is_same_hour(one: &[u8; STAMP_BYTES], other: &[u8; STAMP_BYTES]) -> bool {
    // The last eight begin with two of the second.
    const ZONE: u64 = !0xFFFF;
    let differ = |at| eight(one, at) ^ eight(other, at);
    differ(0) | differ(6) | differ(STAMP_BYTES - 8) & ZONE == 0
}

/// Minute and second of `06:27:07`, where both are in range. The eight bytes are read as one
/// number, the first of them its lowest.
#[inline]
fn minute_and_second(stamp: &[u8; STAMP_BYTES]) -> Option<(u8, u8)> {
    const ZEROS: u64 = u64::from_le_bytes(*b"00:00:00");
    const DIGITS: u64 = u64::from_le_bytes(*b"\x0F\x0F\0\x0F\x0F\0\x0F\x0F");
    const SIX: u64 = u64::from_le_bytes([6; 8]) & DIGITS;
    let digits = eight(stamp, 12) ^ ZEROS;
    // Each colon is none of anything, each digit less than 16, and with six more still is.
    if (digits | digits.wrapping_add(SIX)) & !DIGITS != 0 {
        return None;
    }
    // Tens and ones, in the place of the tens.
    let [_, _, _, minute, _, _, second, _] = (digits * 10 + (digits >> 8)).to_le_bytes();
    (minute <= 59 && second <= 60).then_some((minute, second))
}

#[inline]
fn eight(stamp: &[u8; STAMP_BYTES], at: usize) -> u64 {
    stamp.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |eight| u64::from_le_bytes(*eight))
}

fn read_iso(text: &str) -> Option<(i64, i16)> {
    let pieces = Pieces::parse(text).ok()?;
    let local = pieces.date().to_datetime(pieces.time()?);
    let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
    let time = offset.to_timestamp(local).ok()?.as_millisecond();
    Some((time, i16::try_from(offset.seconds() / 60).ok()?))
}

/// Milliseconds since the Unix epoch, where they are within the years -9999 to 9999.
pub(super) fn in_range(milliseconds: f64) -> Option<i64> {
    let whole = milliseconds as i64;
    (!milliseconds.is_nan() && Timestamp::from_millisecond(whole).is_ok()).then_some(whole)
}

/// ` +0530` in minutes.
fn read_zone(zone: &[u8; 6]) -> Option<i16> {
    let [b' ', sign, h1, h2, m1, m2] = *zone else { return None };
    let (hours, minutes) = (i16::from(two_digits(h1, h2)?), i16::from(two_digits(m1, m2)?));
    if hours > 23 || minutes > 59 {
        return None;
    }
    match sign {
        b'+' => Some(hours * 60 + minutes),
        b'-' => Some(-(hours * 60 + minutes)),
        _ => None,
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| tens * 10 + ones)
}

/// Writes the stamp of an instant (milliseconds since the Unix epoch) at an
/// offset from UTC (minutes). False where the stamp cannot say it: fractions
/// of a second, and years without four digits.
pub(super) fn write(time: i64, utc_offset: i16, out: &mut Vec<u8>) -> bool {
    let stamp = write_stamp(time, utc_offset);
    stamp.is_some_and(|stamp| {
        out.extend_from_slice(&stamp);
        true
    })
}

/// The stamp that [`write`] writes.
pub(super) fn write_stamp(time: i64, utc_offset: i16) -> Option<[u8; STAMP_BYTES]> {
    if time % 1000 != 0 {
        return None;
    }
    let offset = Offset::from_seconds(i32::from(utc_offset) * 60).ok()?;
    let local = offset.to_datetime(Timestamp::from_second(time / 1000).ok()?);
    let year = u16::try_from(local.year()).ok()?;
    let month = MONTHS.get(usize::try_from(local.month()).ok()?.checked_sub(1)?)?;
    let [d1, d2] = digits(local.day().unsigned_abs());
    let [y1, y2] = digits((year / 100) as u8);
    let [y3, y4] = digits((year % 100) as u8);
    let [h1, h2] = digits(local.hour().unsigned_abs());
    let [m1, m2] = digits(local.minute().unsigned_abs());
    let [s1, s2] = digits(local.second().unsigned_abs());
    let sign = if utc_offset < 0 { b'-' } else { b'+' };
    let [z1, z2] = digits((utc_offset.unsigned_abs() / 60) as u8);
    let [z3, z4] = digits((utc_offset.unsigned_abs() % 60) as u8);
    let [n1, n2, n3] = **month;
    Some([
        d1, d2, b'/', n1, n2, n3, b'/', y1, y2, y3, y4, b':', h1, h2, b':', m1, m2, b':', s1, s2,
        b' ', sign, z1, z2, z3, z4,
    ])
}

/// The two decimal digits of a number below 100.
pub(super) fn digits(number: u8) -> [u8; 2] {
    [b'0' + number / 10, b'0' + number % 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stamp: &str, expected: Option<(&str, i16)>) {
        let bytes: &[u8; STAMP_BYTES] = stamp.as_bytes().try_into().unwrap();
        let expected = expected.map(|(utc, offset)| {
            (utc.parse::<jiff::Timestamp>().unwrap().as_millisecond(), offset)
        });
        let mut clock = Clock::default();
        assert_eq!(clock.read(bytes), expected, "{stamp}");
        assert_eq!(clock.read(bytes), expected, "{stamp}, from memory");
    }

    #[test]
    fn stamps_name_instants() {
        check("02/Apr/2019:06:27:07 +0000", Some(("2019-04-02T06:27:07Z", 0)));
        check("01/Jul/1995:00:00:01 -0400", Some(("1995-07-01T04:00:01Z", -240)));
        check("31/Dec/2025:23:59:59 +0530", Some(("2025-12-31T18:29:59Z", 330)));
        check("01/Jan/1970:00:00:01 +0000", Some(("1970-01-01T00:00:01Z", 0)));
        check("01/Jan/1970:00:00:00 +0100", Some(("1969-12-31T23:00:00Z", 60)));
        check("29/Feb/2024:12:00:00 +0000", Some(("2024-02-29T12:00:00Z", 0)));
        check("29/Feb/2000:12:00:00 +0000", Some(("2000-02-29T12:00:00Z", 0)));
    }

    #[test]
    fn a_leap_second_stays_in_its_minute() {
        check("31/Dec/2016:23:59:60 +0000", Some(("2016-12-31T23:59:59Z", 0)));
        check("31/Dec/2016:23:59:61 +0000", None);
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for stamp in [
            "29/Feb/2023:12:00:00 +0000",
            "29/Feb/1900:12:00:00 +0000",
            "31/Apr/2024:12:00:00 +0000",
            "00/Apr/2024:12:00:00 +0000",
            "02/Foo/2024:12:00:00 +0000",
            "02/Apr/2024:24:00:00 +0000",
            "02/Apr/2024:12:60:00 +0000",
            "02/Apr/2024:12:00:00 +2400",
            "02/Apr/2024:12:00:00 +0060",
            "02/Apr/2024:12:00:00 *0000",
            "02/Apr/2024:12:00:00Z+0000",
            "02/Apr/2024 12:00:00 +0000",
            "2/Apr/2024:12:00:00 +00000",
            "02/Apr/20x4:12:00:00 +0000",
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0:00:00\0\0\0\0\0\0",
        ] {
            check(stamp, None);
        }
    }

    #[test]
    fn a_refused_stamp_leaves_the_memory_alone() {
        let mut clock = Clock::default();
        let good = b"02/Apr/2019:06:27:07 +0000";
        let first = clock.read(good);
        assert_eq!(clock.read(b"31/Feb/2019:06:27:07 +0000"), None);
        assert_eq!(clock.read(good), first);
    }

    #[test]
    fn stamps_survive_a_round_trip() {
        for stamp in [
            b"02/Apr/2019:06:27:07 +0000",
            b"31/Dec/9998:23:59:59 -1130",
            b"01/Jan/0001:00:00:00 +0545",
            b"29/Feb/1968:01:02:03 -0001",
        ] {
            let (time, offset) = Clock::default().read(stamp).unwrap();
            let mut out = Vec::new();
            assert!(write(time, offset, &mut out));
            assert_eq!(out.as_slice(), stamp);
        }
    }

    #[test]
    fn texts_name_instants() {
        for (text, expected) in [
            ("2026-11-23T18:04:05Z", Some(("2026-11-23T18:04:05Z", 0))),
            ("2026-11-23T18:04:05.1239Z", Some(("2026-11-23T18:04:05.123Z", 0))),
            ("2026-11-23T18:04:05+05:30", Some(("2026-11-23T12:34:05Z", 330))),
            ("2026-11-23T18:04:05-04:00", Some(("2026-11-23T22:04:05Z", -240))),
            ("2026-11-23 18:04:05", Some(("2026-11-23T18:04:05Z", 0))),
            ("2016-12-31T23:59:60Z", Some(("2016-12-31T23:59:59Z", 0))),
            ("02/Apr/2019:06:27:07 +0000", Some(("2019-04-02T06:27:07Z", 0))),
            ("2026-11-23", None),
            ("2026-13-23T18:04:05Z", None),
            ("yesterday", None),
            ("", None),
        ] {
            let expected = expected
                .map(|(utc, offset)| (utc.parse::<Timestamp>().unwrap().as_millisecond(), offset));
            assert_eq!(Clock::default().read_text(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_have_a_range() {
        assert_eq!(in_range(-1.0), Some(-1));
        for beyond in [f64::NAN, f64::INFINITY, -1e300, 1e18] {
            assert_eq!(in_range(beyond), None, "{beyond}");
        }
    }

    #[test]
    fn fractions_of_a_second_cannot_be_written() {
        assert!(!write(1_500, 0, &mut Vec::new()));
        assert!(!write(-1, 0, &mut Vec::new()));
    }
}
