//! Whether a record is what its format writes for its request: then the columns alone give it back.

use super::apache::Layout;
use super::render::{self, Sink};
use super::time::{STAMP_BYTES, digits, write_stamp};
use super::{Format, Shape};
use crate::request::Request;

/// Checks records. It keeps scratch space, and the time stamp that it saw last, because the next
/// line's is nearly always the same.
#[derive(Debug, Default)]
pub struct Check {
    scratch: Vec<u8>,
    stamp: Stamp,
}

impl Check {
    /// Whether [`Format::rebuild`] gives the record back, byte for byte.
    pub fn rebuilds(&mut self, format: &Format, request: &Request<'_>, record: &[u8]) -> bool {
        if let Shape::Apache(layout) = &format.shape {
            return self.is_apache(layout, request, record);
        }
        self.scratch.clear();
        format.rebuild(request, &mut self.scratch) && self.scratch == record
    }

    /// Compares field by field with the record, and copies none.
    fn is_apache(&mut self, layout: &Layout, request: &Request<'_>, record: &[u8]) -> bool {
        let mut rest = Rest(Some(record));
        let stamp = &mut self.stamp;
        let told = render::apache(layout, request, &mut rest, |time, utc_offset, rest| {
            rest.extend(stamp.of(time, utc_offset)?);
            Some(())
        });
        told.is_some() && rest.0.is_some_and(<[u8]>::is_empty)
    }
}

/// What of a record has yet to come; `None` once it is another one than is written.
struct Rest<'r>(Option<&'r [u8]>);

impl Sink for Rest<'_> {
    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        let Some(rest) = self.0 else { return };
        // Most texts are slices of this very record: they are equal where they lie in one place.
        self.0 = match std::ptr::eq(rest.as_ptr(), bytes.as_ptr()) {
            true => rest.get(bytes.len()..),
            false => rest.strip_prefix(bytes),
        };
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.0 = match self.0 {
            Some([first, rest @ ..]) if *first == byte => Some(rest),
            _ => None,
        };
    }
}

/// The time stamp that was written last: within its hour the calendar need not be asked again.
#[derive(Debug, Default)]
struct Stamp {
    /// The hour since the Unix epoch by the clock of that offset from UTC.
    hour: Option<(i64, i16)>,
    text: [u8; STAMP_BYTES],
}

impl Stamp {
    /// The stamp of an instant; `None` where there is none.
    fn of(&mut self, time: i64, utc_offset: i16) -> Option<&[u8]> {
        let local = time.checked_add(i64::from(utc_offset) * 60_000)?;
        let (hour, within) = (local.div_euclid(HOUR_MS), local.rem_euclid(HOUR_MS));
        if self.hour != Some((hour, utc_offset)) {
            self.hour = None;
            self.text = write_stamp(time, utc_offset)?;
            self.hour = Some((hour, utc_offset));
        }
        let seconds = u16::try_from(within / 1000).ok().filter(|_| within % 1000 == 0)?;
        let [.., m1, m2, _, s1, s2, _, _, _, _, _, _] = &mut self.text;
        [*m1, *m2] = digits((seconds / 60) as u8);
        [*s1, *s2] = digits((seconds % 60) as u8);
        Some(&self.text)
    }
}

const HOUR_MS: i64 = 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::Parser;
    use crate::request::Line;

    /// Lines that are near to what is written, and not always it.
    fn line() -> impl Strategy<Value = String> {
        let part = |parts: &'static [&'static str]| prop::sample::select(parts);
        (
            part(&["192.0.2.1", "::1", "host"]),
            part(&["- -", "- bob", "x y", "-  "]),
            part(&[
                "23/Nov/2026:18:04:05 +0000",
                "23/nov/2026:18:04:05 +0000",
                "23/Nov/2026:18:04:60 -0000",
            ]),
            part(&["GET /a?b HTTP/1.1", "", "-", r"\x16", "GET  / HTTP/1.1"]),
            part(&["200 5", "200 -", "200 05", "20 5", "000 0"]),
            part(&[r#" "-" "-""#, r#" "" "curl""#, r#" "a" "b" 1.5"#, r#" "a" "b" "#, ""]),
        )
            .prop_map(|(client, user, stamp, request, status, rest)| {
                format!("{client} {user} [{stamp}] \"{request}\" {status}{rest}")
            })
    }

    proptest! {
        #[test]
        fn stamps_are_what_the_calendar_says(
            seconds in -62_200_000_000..253_500_000_000_i64,
            steps in prop::collection::vec((-4000..4000_i64, -1439..1440_i16, prop::bool::weighted(0.1)), 1..20),
        ) {
            let (mut stamp, mut seconds) = (Stamp::default(), seconds);
            for (step, utc_offset, fraction) in steps {
                seconds += step;
                for offset in [0, utc_offset / 60 * 60, utc_offset] {
                    let time = seconds * 1000 + i64::from(fraction);
                    let written = write_stamp(time, offset);
                    prop_assert_eq!(stamp.of(time, offset), written.as_ref().map(|text| text.as_slice()));
                }
            }
        }

        #[test]
        fn it_says_what_a_comparison_says(lines in prop::collection::vec(line(), 1..20)) {
            let mut check = Check::default();
            for name in ["combined", "common", "combined+seconds", "vhost-combined"] {
                let format = Format::named(name).unwrap();
                let mut parser = Parser::new(&format);
                for record in &lines {
                    let Line::Request(request) = parser.parse(record.as_bytes()) else { continue };
                    let mut out = Vec::new();
                    let same = format.rebuild(&request, &mut out) && out == record.as_bytes();
                    prop_assert_eq!(check.rebuilds(&format, &request, record.as_bytes()), same, "{}", record);
                }
            }
        }
    }
}
