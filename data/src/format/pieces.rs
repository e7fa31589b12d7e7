//! Reading and writing lines of the user's own format, piece by piece.

use memchr::memchr_iter;

use super::Unit;
use super::apache::{is_escaped, number, present, seconds};
use super::log_format::{Layout, Slot};
use super::render;
use super::request_line;
use super::time::{self, Clock};
use crate::request::{Malformed, Request, RequestLine};

/// Parses one line.
pub(super) fn parse<'a>(
    line: &'a str,
    layout: &Layout,
    clock: &mut Clock,
) -> Result<Request<'a>, Malformed> {
    let mut rest = line.strip_prefix(&layout.start).ok_or(Malformed::Shape)?;
    let mut read = Read::default();
    let last = layout.fields.len().saturating_sub(1);
    for (place, (slot, after)) in layout.fields.iter().enumerate() {
        let field =
            if place == last { rest.strip_suffix(after.as_str()) } else { take(&mut rest, after) };
        read.put(*slot, field.ok_or(Malformed::Shape)?, clock)?;
    }
    read.request()
}

/// The field before the text `after`, which is taken off as well. Where that
/// begins with a quote, an escaped one ends nothing.
fn take<'a>(rest: &mut &'a str, after: &str) -> Option<&'a str> {
    let bytes = rest.as_bytes();
    let first = *after.as_bytes().first()?;
    let ends = |at: &usize| {
        let (before, from) = bytes.split_at_checked(*at).unwrap_or_default();
        from.starts_with(after.as_bytes()) && !(first == b'"' && is_escaped(before))
    };
    let end = memchr_iter(first, bytes).find(ends)?;
    let field = rest.get(..end)?;
    *rest = rest.get(end + after.len()..)?;
    Some(field)
}

/// What was read of a line so far.
#[derive(Debug, Default)]
struct Read<'a> {
    time: Option<(i64, i16)>,
    client: &'a str,
    host: Option<&'a str>,
    ident: Option<&'a str>,
    user: Option<&'a str>,
    request: Option<&'a str>,
    method: Option<&'a str>,
    target: &'a str,
    protocol: &'a str,
    status: u16,
    bytes: Option<u64>,
    referrer: Option<&'a str>,
    user_agent: Option<&'a str>,
    duration: Option<u64>,
}

impl<'a> Read<'a> {
    fn put(&mut self, slot: Slot, text: &'a str, clock: &mut Clock) -> Result<(), Malformed> {
        match slot {
            Slot::Ignored => {}
            Slot::Time => self.time = Some(clock.read_text(text).ok_or(Malformed::Time)?),
            Slot::Epoch => self.time = Some((epoch(text).ok_or(Malformed::Time)?, 0)),
            Slot::Client => self.client = text,
            Slot::Host => self.host = present(text),
            Slot::Ident => self.ident = present(text),
            Slot::User => self.user = present(text),
            Slot::Request => self.request = Some(text),
            Slot::Method => self.method = present(text),
            Slot::Target => self.target = text,
            Slot::Protocol => self.protocol = text,
            Slot::Status => self.status = status(text).ok_or(Malformed::Status)?,
            Slot::Bytes => self.bytes = optional(text, number).ok_or(Malformed::Size)?,
            Slot::Referrer => self.referrer = present(text),
            Slot::UserAgent => self.user_agent = present(text),
            Slot::Duration(unit) => {
                let read = |text: &str| duration(text, unit);
                self.duration = optional(text, read).ok_or(Malformed::Shape)?;
            }
        }
        Ok(())
    }

    fn request(self) -> Result<Request<'a>, Malformed> {
        let (time, utc_offset) = self.time.ok_or(Malformed::Time)?;
        let parts = || request_line::from_parts(self.method, self.target, self.protocol);
        let client = Some(self.client).filter(|client| !client.is_empty());
        Ok(Request {
            time,
            utc_offset,
            host: self.host,
            client: client.ok_or(Malformed::Shape)?,
            ident: self.ident,
            user: self.user,
            line: self.request.map_or_else(parts, request_line::read),
            status: self.status,
            bytes: self.bytes,
            referrer: self.referrer,
            user_agent: self.user_agent,
            duration: self.duration,
        })
    }
}

/// A field that may be `-`: `Some(None)` then, and `None` where it is nonsense.
fn optional(text: &str, read: impl Fn(&str) -> Option<u64>) -> Option<Option<u64>> {
    present(text).map_or(Some(None), |text| read(text).map(Some))
}

/// Seconds with decimals, in milliseconds.
fn epoch(text: &str) -> Option<i64> {
    Some(duration(text, Unit::Seconds)?.cast_signed().div_euclid(1000))
        .filter(|time| time::in_range(*time as f64).is_some())
}

fn status(text: &str) -> Option<u16> {
    let number = u16::try_from(number(text)?).ok()?;
    (number <= 999 && text.len() <= 3).then_some(number)
}

/// A time span in microseconds.
pub(super) fn duration(text: &str, unit: Unit) -> Option<u64> {
    match unit {
        Unit::Seconds => seconds(text),
        Unit::Milliseconds => number(text)?.checked_mul(1000),
        Unit::Microseconds => number(text),
        Unit::Nanoseconds => number(text).map(|nanoseconds| nanoseconds / 1000),
    }
    .filter(|microseconds| i64::try_from(*microseconds).is_ok())
}

/// Appends the line; `None` where the format has fields that no request holds.
pub(super) fn rebuild(layout: &Layout, request: &Request<'_>, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(layout.start.as_bytes());
    for (slot, after) in &layout.fields {
        write(*slot, request, out)?;
        out.extend_from_slice(after.as_bytes());
    }
    Some(())
}

fn write(slot: Slot, request: &Request<'_>, out: &mut Vec<u8>) -> Option<()> {
    let text = |text: &str, out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
    let field = |field: Option<&str>, out: &mut Vec<u8>| text(field.unwrap_or("-"), out);
    match slot {
        Slot::Time => time::write(request.time, request.utc_offset, out).then_some(())?,
        Slot::Client => text(request.client, out),
        Slot::Host => field(request.host, out),
        Slot::Ident => field(request.ident, out),
        Slot::User => field(request.user, out),
        Slot::Request => render::request_line(&request.line, out),
        Slot::Method | Slot::Target | Slot::Protocol => text(part(slot, &request.line)?, out),
        Slot::Status => render::status(request.status, out),
        Slot::Bytes => render::optional(request.bytes, out),
        Slot::Referrer => field(request.referrer, out),
        Slot::UserAgent => field(request.user_agent, out),
        Slot::Duration(Unit::Seconds) => render::seconds(request.duration?, out)?,
        Slot::Duration(Unit::Microseconds) => render::optional(request.duration, out),
        Slot::Ignored | Slot::Epoch | Slot::Duration(_) => return None,
    }
    Some(())
}

fn part<'a>(slot: Slot, line: &RequestLine<'a>) -> Option<&'a str> {
    let RequestLine::Http { method, target, protocol } = line else { return None };
    Some(match slot {
        Slot::Method => method,
        Slot::Target => target,
        _ => protocol,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Parser};
    use super::*;
    use crate::request::Line;

    const MAIN: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for""#;
    const DEBIAN: &str = r#"%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D"#;

    fn plain() -> Request<'static> {
        let line = RequestLine::Http { method: "GET", target: "/a?b", protocol: "HTTP/1.1" };
        Request {
            time: 1_554_179_227_000,
            utc_offset: 120,
            host: None,
            client: "1.2.3.4",
            ident: None,
            user: None,
            line,
            status: 200,
            bytes: Some(12),
            referrer: None,
            user_agent: Some(r#"a \"b\""#),
            duration: None,
        }
    }

    fn check(format: &str, line: &str, expected: Line<'_>, exact: bool) {
        let named = Format::named(format).unwrap();
        assert_eq!(Format::named(&named.name()), Some(named.clone()));
        let mut parser = Parser::new(&named);
        let read = parser.parse(line.as_bytes());
        assert_eq!(read, expected, "{format}: {line}");
        let mut out = Vec::new();
        let rebuilt = matches!(&read, Line::Request(request) if named.rebuild(request, &mut out));
        assert_eq!(rebuilt && out == line.as_bytes(), exact, "{format}: {line}");
    }

    #[test]
    fn formats_of_ones_own_are_read() {
        let common = r#"1.2.3.4 - - [02/Apr/2019:06:27:07 +0200] "GET /a?b HTTP/1.1" 200 12"#;
        let combined = format!(r#"{common} "-" "a \"b\"""#);
        let line = format!(r#"{combined} "10.0.0.1, 10.0.0.2""#);
        check(MAIN, &line, Line::Request(plain()), false);
        let shorter = MAIN.replace(r#" "$http_x_forwarded_for""#, "");
        check(&shorter, &combined, Line::Request(plain()), true);
        let expected = Request { host: Some("x.org"), duration: Some(7), ..plain() };
        check(DEBIAN, &format!("x.org:80 {combined} 7"), Line::Request(expected), false);
        let exact = DEBIAN.replace(":%p", "");
        check(&exact, &format!("x.org {combined} 7"), Line::Request(expected), true);
    }

    #[test]
    fn parts_and_other_times_are_read() {
        let expected = Request {
            utc_offset: 0,
            bytes: None,
            user_agent: None,
            duration: Some(12_000),
            ..plain()
        };
        let format = "$msec|$remote_addr|$request_method|$request_uri|$server_protocol|$status|$request_time";
        let line = "1554179227.000|1.2.3.4|GET|/a?b|HTTP/1.1|200|0.012";
        check(format, line, Line::Request(expected), false);
        let timed = format.replace("$msec", "$time_local");
        let line = line.replace("1554179227.000", "02/Apr/2019:04:27:07 +0000");
        check(&timed, &line, Line::Request(expected), true);
        let iso = line.replace("02/Apr/2019:04:27:07 +0000", "2019-04-02T04:27:07+00:00");
        check(&timed, &iso, Line::Request(expected), false);
        let untimed = line.replace("0.012", "-");
        check(&timed, &untimed, Line::Request(Request { duration: None, ..expected }), false);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let line = r#"1.2.3.4 - - [02/Apr/2019:06:27:07 +0200] "" 200 12 "-" "-" "-""#;
        for (old, new, why) in [
            ("02/Apr", "32/Apr", Malformed::Time),
            (" 200 ", " --- ", Malformed::Status),
            (" 200 ", " 0200 ", Malformed::Status),
            (" 12 ", " x ", Malformed::Size),
            ("1.2.3.4 ", " ", Malformed::Shape),
            ("] \"", "] ", Malformed::Status),
            ("] \"", "]", Malformed::Shape),
            (r#" "-" "-" "-""#, r#" "-" "-""#, Malformed::Shape),
        ] {
            check(MAIN, &line.replace(old, new), Line::Malformed(why), false);
        }
        check("%h %t %>s %D", &"1 ".repeat(30_000), Line::Malformed(Malformed::Shape), false);
    }
}
