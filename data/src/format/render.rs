//! Writing a record again from its request, for the formats where that can be exact.

use super::apache::Layout;
use super::{Format, Shape, Trailing, time};
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
        let Shape::Apache(layout) = &self.shape else { return false };
        let start = out.len();
        let whole = apache(layout, request, out).is_some();
        if !whole {
            out.truncate(start);
        }
        whole
    }
}

fn apache(layout: &Layout, request: &Request<'_>, out: &mut Vec<u8>) -> Option<()> {
    out.reserve(256);
    if layout.vhost {
        field(request.host, out);
    }
    out.extend_from_slice(request.client.as_bytes());
    out.push(b' ');
    field(request.ident, out);
    field(request.user, out);
    out.push(b'[');
    time::write(request.time, request.utc_offset, out).then_some(())?;
    out.extend_from_slice(b"] \"");
    request_line(&request.line, out);
    out.extend_from_slice(b"\" ");
    status(request.status, out);
    match request.bytes {
        Some(bytes) => number(bytes, out),
        None => out.push(b'-'),
    }
    if layout.combined {
        quoted(request.referrer, out);
        quoted(request.user_agent, out);
    }
    match request.duration {
        Some(duration) => trailing(layout.trailing, duration, out),
        None => Some(()),
    }
}

fn field(text: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(text.unwrap_or("-").as_bytes());
    out.push(b' ');
}

fn quoted(text: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b" \"");
    out.extend_from_slice(text.unwrap_or("-").as_bytes());
    out.push(b'"');
}

fn request_line(line: &RequestLine<'_>, out: &mut Vec<u8>) {
    match line {
        RequestLine::Http { method, target, protocol } => {
            out.extend_from_slice(method.as_bytes());
            out.push(b' ');
            out.extend_from_slice(target.as_bytes());
            out.push(b' ');
            out.extend_from_slice(protocol.as_bytes());
        }
        RequestLine::Other(text) => out.extend_from_slice(text.as_bytes()),
    }
}

/// Both servers write three digits, nginx even for 0.
fn status(status: u16, out: &mut Vec<u8>) {
    padded(u64::from(status), 3, out);
    out.push(b' ');
}

fn trailing(meaning: Trailing, duration: u64, out: &mut Vec<u8>) -> Option<()> {
    match meaning {
        Trailing::Ignored => None,
        Trailing::Microseconds => {
            out.push(b' ');
            number(duration, out);
            Some(())
        }
        Trailing::Seconds => {
            duration.is_multiple_of(1000).then_some(())?;
            out.push(b' ');
            number(duration / 1_000_000, out);
            out.push(b'.');
            padded(duration / 1000 % 1000, 3, out);
            Some(())
        }
    }
}

fn number(value: u64, out: &mut Vec<u8>) {
    padded(value, 1, out);
}

/// The decimal digits, with zeros before them to make at least `width` (of at most 20).
fn padded(mut value: u64, width: usize, out: &mut Vec<u8>) {
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
    out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
}
