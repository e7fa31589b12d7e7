//! Writing a record again from its request, for the formats where that can be exact.

use super::apache::Layout;
use super::{Format, Shape, Trailing, pieces, time};
use crate::request::{Request, RequestLine};

impl Format {
    /// Appends the record that this format would write for `request`, without its
    /// line ending. False, with `out` as it was, where the format cannot say it:
    /// JSON lines, fractions of a second, durations finer than the format's.
    ///
    /// True promises nothing about the record that the request was read from
    /// (it may have had a `\r`, a leap second or fields that are ignored):
    /// whoever drops that record compares the two first.
    pub fn rebuild(&self, request: &Request<'_>, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let whole = match &self.shape {
            Shape::Apache(layout) => apache(layout, request, out, stamp),
            Shape::Pieces(layout) => pieces::rebuild(layout, request, out),
            Shape::Json(_) | Shape::Alb | Shape::W3c(_) | Shape::Envelope(_) => None,
        };
        if whole.is_none() {
            out.truncate(start);
        }
        whole.is_some()
    }
}

/// Where a record goes: into memory, or beside another one that it is compared with.
pub(super) trait Sink {
    /// Takes the next bytes.
    fn extend(&mut self, bytes: &[u8]);
    /// Takes the next byte.
    fn push(&mut self, byte: u8);
}

impl Sink for Vec<u8> {
    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        Vec::push(self, byte);
    }
}

fn stamp(time: i64, utc_offset: i16, out: &mut Vec<u8>) -> Option<()> {
    time::write(time, utc_offset, out).then_some(())
}

/// Writes a record of the Apache family; `stamp` writes its time stamp.
pub(super) fn apache<S: Sink>(
    layout: &Layout,
    request: &Request<'_>,
    out: &mut S,
    stamp: impl FnOnce(i64, i16, &mut S) -> Option<()>,
) -> Option<()> {
    if layout.vhost {
        field(request.host, out);
    }
    out.extend(request.client.as_bytes());
    out.push(b' ');
    field(request.ident, out);
    field(request.user, out);
    out.push(b'[');
    stamp(request.time, request.utc_offset, out)?;
    out.extend(b"] \"");
    request_line(&request.line, out);
    out.extend(b"\" ");
    status(request.status, out);
    out.push(b' ');
    optional(request.bytes, out);
    if layout.combined {
        quoted(request.referrer, out);
        quoted(request.user_agent, out);
    }
    match request.duration {
        Some(duration) => trailing(layout.trailing, duration, out),
        None => Some(()),
    }
}

fn field(text: Option<&str>, out: &mut impl Sink) {
    out.extend(text.unwrap_or("-").as_bytes());
    out.push(b' ');
}

fn quoted(text: Option<&str>, out: &mut impl Sink) {
    out.extend(b" \"");
    out.extend(text.unwrap_or("-").as_bytes());
    out.push(b'"');
}

pub(super) fn request_line(line: &RequestLine<'_>, out: &mut impl Sink) {
    match line {
        RequestLine::Http { method, target, protocol } => {
            out.extend(method.as_bytes());
            out.push(b' ');
            out.extend(target.as_bytes());
            out.push(b' ');
            out.extend(protocol.as_bytes());
        }
        RequestLine::Other(text) => out.extend(text.as_bytes()),
    }
}

/// Both servers write three digits, nginx even for 0.
pub(super) fn status(status: u16, out: &mut impl Sink) {
    padded(u64::from(status), 3, out);
}

/// A number, or `-` where it is absent.
pub(super) fn optional(number: Option<u64>, out: &mut impl Sink) {
    match number {
        Some(number) => padded(number, 1, out),
        None => out.push(b'-'),
    }
}

fn trailing(meaning: Trailing, duration: u64, out: &mut impl Sink) -> Option<()> {
    out.push(b' ');
    match meaning {
        Trailing::Ignored => None,
        Trailing::Microseconds => {
            padded(duration, 1, out);
            Some(())
        }
        Trailing::Seconds => seconds(duration, out),
    }
}

/// Microseconds as seconds with three decimals, which is how nginx writes them.
pub(super) fn seconds(duration: u64, out: &mut impl Sink) -> Option<()> {
    duration.is_multiple_of(1000).then_some(())?;
    padded(duration / 1_000_000, 1, out);
    out.push(b'.');
    padded(duration / 1000 % 1000, 3, out);
    Some(())
}

/// The decimal digits, with zeros before them to make at least `width` (of at most 20).
fn padded(mut value: u64, width: usize, out: &mut impl Sink) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        if value == 0 && used >= width {
            break;
        }
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        used += 1;
    }
    out.extend(digits.get(20 - used..).unwrap_or_default());
}
