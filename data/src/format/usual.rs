//! The line that nearly every server writes nearly always, read in one go.
//!
//! It is a short cut of [`apache::parse`], not a format of its own: whatever it reads, that reads
//! alike (a property test holds the two together), and whatever is unusual about a line is left to
//! that: a user's name, an escaped quote at the end of a field, a quote within one.

use super::apache::{self, Layout};
use super::request_line;
use super::time::{Clock, STAMP_BYTES};
use crate::request::Request;
use crate::scan::find;

/// The request of a usual line; `None` where the line is not usual, or none at all.
#[inline(always)]
pub(super) fn parse<'a>(line: &'a str, layout: &Layout, clock: &mut Clock) -> Option<Request<'a>> {
    let (host, rest) = if layout.vhost { host(line)? } else { (None, line) };
    let (client, rest) = up_to(b' ', rest)?;
    let (time, utc_offset, rest) = time(rest, clock)?;
    let (request, rest) = up_to_quote(rest)?;
    let (status, rest) = status(rest)?;
    let (bytes, rest) = size(rest)?;
    let (referrer, user_agent, rest) =
        if layout.combined { headers(rest)? } else { (None, None, rest) };
    let duration = apache::trailing(rest, layout).ok()?;
    if client.is_empty() {
        return None;
    }
    // In a closure it would be a call of its own.
    Some(Request {
        time,
        utc_offset,
        host,
        client,
        ident: None,
        user: None,
        line: request_line::read(request),
        status,
        bytes,
        referrer,
        user_agent,
        duration,
    })
}

#[inline(always)]
fn host(line: &str) -> Option<(Option<&str>, &str)> {
    let (host, rest) = up_to(b' ', line)?;
    Some((apache::present(host), rest.strip_prefix(" ")?))
}

/// The text up to the first `byte`, and that with what follows it.
#[inline(always)]
fn up_to(byte: u8, text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(find(byte, text.as_bytes())?)
}

/// The same of the quote that ends a field.
#[inline(always)]
fn up_to_quote(text: &str) -> Option<(&str, &str)> {
    let (field, rest) = up_to(b'"', text)?;
    (!field.ends_with('\\')).then_some((field, rest))
}

/// The time stamp after two absent names, and what is in quotes after it.
#[inline(always)]
fn time<'a>(rest: &'a str, clock: &mut Clock) -> Option<(i64, i16, &'a str)> {
    let rest = rest.strip_prefix(" - - [")?;
    let stamp: &[u8; STAMP_BYTES] = rest.as_bytes().first_chunk()?;
    let rest = rest.get(STAMP_BYTES..)?.strip_prefix("] \"")?;
    let (time, utc_offset) = clock.read(stamp)?;
    Some((time, utc_offset, rest))
}

/// Three digits between a quote and a space.
#[inline(always)]
fn status(rest: &str) -> Option<(u16, &str)> {
    let [b'"', b' ', a, b, c, b' '] = rest.as_bytes().first_chunk()? else { return None };
    let mut status = 0;
    for digit in [a, b, c] {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        status = status * 10 + u16::from(digit);
    }
    Some((status, rest.get(6..)?))
}

/// So many decimal digits can't overflow.
const FEW_DIGITS: usize = 18;

#[inline(always)]
fn size(rest: &str) -> Option<(Option<u64>, &str)> {
    if let Some(rest) = rest.strip_prefix("-") {
        return Some((None, rest));
    }
    let (mut size, mut digits) = (0_u64, 0);
    for byte in rest.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        size = size.wrapping_mul(10).wrapping_add(u64::from(digit));
        digits += 1;
    }
    let rest = rest.get(digits..)?;
    ((1..=FEW_DIGITS).contains(&digits)).then_some((Some(size), rest))
}

/// Referrer and user agent.
#[inline(always)]
fn headers(rest: &str) -> Option<(Option<&str>, Option<&str>, &str)> {
    let (referrer, rest) = up_to_quote(rest.strip_prefix(" \"")?)?;
    let (user_agent, rest) = up_to_quote(rest.strip_prefix("\" \"")?)?;
    let rest = rest.strip_prefix("\"")?;
    apache::begins_with_extra(rest.as_bytes())
        .then(|| (apache::present(referrer), apache::present(user_agent), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAYOUTS: [&str; 6] = [
        "common",
        "combined",
        "vhost-combined",
        "common+microseconds",
        "combined+seconds",
        "vhost-combined+seconds",
    ];

    /// Parts that are mostly usual, so that most lines have nothing unusual, or one thing.
    fn mostly(
        usual: &'static [&'static str],
        unusual: &'static [&'static str],
    ) -> impl Strategy<Value = &'static str> {
        let of = prop::sample::select::<&'static str>;
        prop_oneof![9 => of(usual), 1 => of(unusual)]
    }

    fn line() -> impl Strategy<Value = String> {
        let stamps = &["23/Nov/2026:18:04:05 +0000", "23/Nov/2026:18:04:60 -0330"];
        let no_stamps = &[
            "23/Nov/2026:18:04:61 +0000",
            "23/Nov/2026:18:60:00 +0000",
            "31/Feb/2026:18:04:05 +0000",
            "23/Nov/2026:18:0/:05 +0000",
            "23/Nov/2026:18:04;05 +0000",
            "23/Nov/2026:18:0::05 +0000",
        ];
        let clients = &["192.0.2.1", "2001:db8::1", "a-name-of-more-than-32-bytes.example"];
        let long =
            &["123456789012345678", "1234567890123456789", "99999999999999999999", "-5", "12x"];
        (
            mostly(&["", "", "example.org "], &["- ", " ", "é.org:80 "]),
            mostly(clients, &["", "é", "x["]),
            mostly(&[" - - ["], &[" - bob [", " x - [", "  - [", " - - [ ", " - [ ["]),
            mostly(stamps, no_stamps),
            mostly(&["] \""], &["]\"", "] ", " \""]),
            request(),
            mostly(&["\" 200 ", "\" 304 "], &["\" 20 ", "\" 2000 ", "\" 2x0 ", "\"  ", " 200 "]),
            mostly(&["0", "5123", "-"], long),
            tail(),
        )
            .prop_map(
                |(host, client, names, stamp, bracket, request, status, size, tail)| {
                    [host, client, names, stamp, bracket, &request, status, size, &tail].concat()
                },
            )
    }

    fn request() -> impl Strategy<Value = String> {
        let method = mostly(&["GET ", "POST ", "HEAD "], &["GET", "", "G\"T ", "get "]);
        let protocol = mostly(&[" HTTP/1.1", " HTTP/2.0"], &[" HTTP/", "", " ", " HTTP/1.1 "]);
        let target = r#"/[a-z?&=]{0,40}|[a-z?é"\\ ]{0,9}"#;
        (method, target, protocol)
            .prop_map(|(method, target, protocol)| [method, &target, protocol].concat())
    }

    fn tail() -> impl Strategy<Value = String> {
        let referrer = r#"-|https://[a-z]{1,20}/|[a-z :\\"é]{0,40}"#;
        let agent = r#"-|Mozilla/5\.0 [a-z /;.]{0,120}|[a-z \\"é]{0,9}"#;
        let end = mostly(&["", " 0.123", " 17"], &[" ", " -", " x", " \"-\"", "5", "\\"]);
        let quoted = (referrer, agent, end)
            .prop_map(|(referrer, agent, end)| format!(" \"{referrer}\" \"{agent}\"{end}"));
        prop_oneof![4 => quoted, 1 => r#"[ "0-9.-]{0,9}"#]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn it_reads_what_the_whole_parser_reads(line in line()) {
            for layout in LAYOUTS {
                let layout = Layout::named(layout).unwrap();
                let mut clock = Clock::default();
                if let Some(request) = parse(&line, &layout, &mut clock) {
                    prop_assert_eq!(Ok(request), apache::parse(&line, &layout, &mut Clock::default()), "{}", line);
                }
            }
        }
    }

    #[test]
    fn usual_lines_are_read() {
        let usual = r#"192.0.2.1 - - [23/Nov/2026:18:04:05 +0000] "GET /a HTTP/1.1" 200 5"#;
        for (name, line) in [
            ("common", usual.to_owned()),
            ("combined", format!(r#"{usual} "-" "curl/8""#)),
            ("vhost-combined", format!(r#"example.org {usual} "-" "curl/8""#)),
            ("combined+seconds", format!(r#"{usual} "-" "curl/8" 0.123"#)),
        ] {
            let layout = Layout::named(name).unwrap();
            assert!(parse(&line, &layout, &mut Clock::default()).is_some(), "{line}");
        }
    }
}
