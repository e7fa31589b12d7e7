//! The Apache family: Common, Combined and vhost-Combined, each with an
//! optional number after the last field.
//!
//! ```text
//! [vhost] client ident user [time] "request line" status size ["referrer" "user agent"] [number]
//! ```
//!
//! Fields of Apache's `mod_log_config` and nginx's `ngx_http_log_module`: both
//! write `"` inside a quoted field as an escape (`\"`, `\x22`), which is kept as
//! it stands in the line. Older servers wrote quotes bare; so a quoted field
//! ends at the first unescaped quote that is followed by what comes next in
//! the format.

use memchr::{memchr, memchr_iter};

use super::Trailing;
use super::request_line::{self, split_once};
use super::time::{Clock, STAMP_BYTES};
use super::usual;
use crate::request::{Line, Malformed, Request};

/// Which fields a line of the family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// The virtual host comes first.
    pub(super) vhost: bool,
    /// Referrer and user agent follow the size.
    pub(super) combined: bool,
    /// What a number at the end means.
    pub(super) trailing: Trailing,
}

impl Layout {
    pub(super) const COMMON: Self = Self::of(false, false);
    pub(super) const COMBINED: Self = Self::of(false, true);
    pub(super) const VHOST_COMBINED: Self = Self::of(true, true);

    const fn of(vhost: bool, combined: bool) -> Self {
        Self { vhost, combined, trailing: Trailing::Ignored }
    }

    /// Reads `combined`, `combined+seconds` and the like.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (fields, trailing) = Trailing::split(name)?;
        let layout = match fields {
            "common" => Self::COMMON,
            "combined" => Self::COMBINED,
            "vhost-combined" => Self::VHOST_COMBINED,
            _ => return None,
        };
        Some(Self { trailing, ..layout })
    }

    /// The name that [`Layout::named`] reads.
    pub(super) fn name(&self) -> String {
        let fields = match (self.vhost, self.combined) {
            (true, _) => "vhost-combined",
            (false, true) => "combined",
            (false, false) => "common",
        };
        self.trailing.join(fields)
    }
}

/// Reads one line.
#[inline(never)]
pub(super) fn line<'a>(line: &'a str, layout: &Layout, clock: &mut Clock) -> Line<'a> {
    match usual::parse(line, layout, clock) {
        Some(request) => Line::Request(request),
        None => unusual(line, layout, clock),
    }
}

/// It is called cold so that nothing is kept in memory for its sake on the way of a usual line.
#[cold]
#[inline(never)]
fn unusual<'a>(line: &'a str, layout: &Layout, clock: &mut Clock) -> Line<'a> {
    parse(line, layout, clock).map_or_else(Line::Malformed, Line::Request)
}

/// Parses one line, however unusual.
#[inline(never)]
pub(super) fn parse<'a>(
    line: &'a str,
    layout: &Layout,
    clock: &mut Clock,
) -> Result<Request<'a>, Malformed> {
    let mut rest = line;
    let host = if layout.vhost { Some(word(&mut rest)?) } else { None };
    let client = filled(word(&mut rest)?)?;
    let ident = filled(short_word(&mut rest)?)?;
    let (user, time, utc_offset) = user_and_time(&mut rest, clock)?;
    let line = request_line::read(quoted(&mut rest, begins_with_status)?);
    let status = status(&mut rest)?;
    let bytes = size(&mut rest)?;
    let (referrer, user_agent) = if layout.combined {
        rest = rest.strip_prefix(' ').ok_or(Malformed::Shape)?;
        (present(quoted(&mut rest, begins_with_quote)?), present(last_quoted(&mut rest)?))
    } else {
        (None, None)
    };
    let duration = trailing(rest, layout)?;
    Ok(Request {
        time,
        utc_offset,
        host: host.and_then(present),
        client,
        ident: present(ident),
        user: present(user),
        line,
        status,
        bytes,
        referrer,
        user_agent,
        duration,
    })
}

/// The text before the next space, which is taken off as well.
pub(super) fn word<'a>(rest: &mut &'a str) -> Result<&'a str, Malformed> {
    let (word, after) = split_once(rest, b' ').ok_or(Malformed::Shape)?;
    *rest = after;
    Ok(word)
}

/// Like [`word`], faster for a few bytes and slower for many.
fn short_word<'a>(rest: &mut &'a str) -> Result<&'a str, Malformed> {
    let (word, after) = split_around(rest, space(rest).ok_or(Malformed::Shape)?)?;
    *rest = after;
    Ok(word)
}

/// Where the next space is, in a short field.
fn space(text: &str) -> Option<usize> {
    text.bytes().position(|byte| byte == b' ')
}

fn filled(field: &str) -> Result<&str, Malformed> {
    if field.is_empty() { Err(Malformed::Shape) } else { Ok(field) }
}

/// `-` stands for "absent".
pub(super) fn present(field: &str) -> Option<&str> {
    (field != "-").then_some(field)
}

/// The user, which may hold spaces and brackets: it ends where a time stamp in
/// brackets and the request line's quote follow.
fn user_and_time<'a>(
    rest: &mut &'a str,
    clock: &mut Clock,
) -> Result<(&'a str, i64, i16), Malformed> {
    // Nearly every line goes on with `- [`.
    let usual = rest.starts_with("- [").then_some(2);
    for bracket in usual.into_iter().chain(memchr_iter(b'[', rest.as_bytes())) {
        let Some(user) = rest.get(..bracket).and_then(|before| before.strip_suffix(' ')) else {
            continue;
        };
        let Some((stamp, after)) = bracketed(rest, bracket) else { continue };
        if let Some((time, utc_offset)) = clock.read(stamp) {
            *rest = after;
            return Ok((user, time, utc_offset));
        }
    }
    // Where a quoted field follows it is a log line all the same, but of no time.
    Err(if memchr(b'"', rest.as_bytes()).is_some() { Malformed::Time } else { Malformed::Shape })
}

/// What may be a time stamp after the bracket, and what follows `] `.
fn bracketed(text: &str, bracket: usize) -> Option<(&[u8; STAMP_BYTES], &str)> {
    let stamp = text.as_bytes().get(bracket + 1..)?.first_chunk()?;
    let after = text.get(bracket + 1 + STAMP_BYTES..)?.strip_prefix("] ")?;
    after.starts_with('"').then_some((stamp, after))
}

/// The text between quotes. The field ends at the first unescaped quote before
/// which `next` knows what follows, or failing that at the first unescaped one.
/// The space after it is taken off as well.
fn quoted<'a>(rest: &mut &'a str, next: impl Fn(&[u8]) -> bool) -> Result<&'a str, Malformed> {
    let (field, after) = closed(rest, next)?;
    *rest = after.strip_prefix(' ').ok_or(Malformed::Shape)?;
    Ok(field)
}

/// The user agent: the end of the line may follow it, or a number.
fn last_quoted<'a>(rest: &mut &'a str) -> Result<&'a str, Malformed> {
    let (field, after) = closed(rest, begins_with_extra)?;
    *rest = after;
    Ok(field)
}

/// The text between quotes, and what follows the closing one: the first that is not escaped and that `next`
/// accepts what stands behind, or, without such a one, the first that is not escaped.
pub(super) fn closed(rest: &str, next: impl Fn(&[u8]) -> bool) -> Result<(&str, &str), Malformed> {
    let text = rest.strip_prefix('"').ok_or(Malformed::Shape)?;
    let bytes = text.as_bytes();
    let mut first = None;
    for quote in memchr_iter(b'"', bytes) {
        let (before, after) = bytes.split_at_checked(quote).ok_or(Malformed::Shape)?;
        if is_escaped(before) {
            continue;
        }
        if after.get(1..).is_some_and(&next) {
            return split_around(text, quote);
        }
        first.get_or_insert(quote);
    }
    split_around(text, first.ok_or(Malformed::Shape)?)
}

/// Whether an odd number of backslashes stands before a quote.
pub(super) fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

fn split_around(text: &str, at: usize) -> Result<(&str, &str), Malformed> {
    text.get(..at).zip(text.get(at + 1..)).ok_or(Malformed::Shape)
}

fn begins_with_status(after: &[u8]) -> bool {
    matches!(after, [b' ', a, b, c, b' ', ..]
        if a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit())
}

fn begins_with_quote(after: &[u8]) -> bool {
    after.starts_with(b" \"")
}

pub(super) fn begins_with_extra(after: &[u8]) -> bool {
    matches!(after, [] | [b' '] | [b' ', b'0'..=b'9' | b'-' | b'"', ..])
}

fn status(rest: &mut &str) -> Result<u16, Malformed> {
    let digits = short_word(rest).map_err(|_| Malformed::Status)?.as_bytes();
    if digits.is_empty() || digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed::Status);
    }
    Ok(digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
}

fn size(rest: &mut &str) -> Result<Option<u64>, Malformed> {
    let end = space(rest).unwrap_or(rest.len());
    let (field, after) = rest.split_at_checked(end).ok_or(Malformed::Size)?;
    *rest = after;
    if field == "-" {
        return Ok(None);
    }
    number(field).map(Some).ok_or(Malformed::Size)
}

/// Decimal digits as a number that also a signed column can hold.
pub(super) fn number(digits: &str) -> Option<u64> {
    let add = |number: i64, digit: u8| {
        let digit = char::from(digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(i64::from(digit))
    };
    let number = digits.bytes().try_fold(0, add)?;
    (!digits.is_empty()).then_some(number.unsigned_abs())
}

/// The duration in microseconds that the number after the last field says.
#[inline(always)]
pub(super) fn trailing(rest: &str, layout: &Layout) -> Result<Option<u64>, Malformed> {
    if rest.is_empty() { Ok(None) } else { after_last(rest, layout) }
}

#[inline(never)]
fn after_last(rest: &str, layout: &Layout) -> Result<Option<u64>, Malformed> {
    let rest = rest.strip_prefix(' ').ok_or(Malformed::Shape)?;
    let (first, more) = split_once(rest, b' ').unwrap_or((rest, ""));
    let (duration, extras) = match layout.trailing {
        Trailing::Ignored => (None, rest),
        _ if first == "-" || first.is_empty() => (None, more),
        Trailing::Seconds => (Some(seconds(first).ok_or(Malformed::Shape)?), more),
        Trailing::Microseconds => (Some(number(first).ok_or(Malformed::Shape)?), more),
    };
    if are_extras(extras, layout.combined) { Ok(duration) } else { Err(Malformed::Shape) }
}

/// Whether the text is nothing but further fields.
fn are_extras(mut rest: &str, quoted_too: bool) -> bool {
    loop {
        match after_extra(rest, quoted_too) {
            None => return false,
            Some("") => return true,
            // Without a space there is no field, and looking on from every quote would take
            // time quadratic in the line.
            Some(after) => match after.strip_prefix(' ') {
                Some(next) => rest = next,
                None => return false,
            },
        }
    }
}

/// What follows a number, `-`, or in the longer formats a quoted field, such as
/// the forwarded address that nginx's own `main` format ends with.
fn after_extra(rest: &str, quoted_too: bool) -> Option<&str> {
    if quoted_too && rest.starts_with('"') {
        return closed(rest, begins_with_extra).ok().map(|(_, after)| after);
    }
    let (field, after) = rest.split_at_checked(space(rest).unwrap_or(rest.len()))?;
    is_number_or_absent(field).then_some(after)
}

fn is_number_or_absent(field: &str) -> bool {
    field == "-" || field.is_empty() || field.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Seconds with decimals, in microseconds; finer decimals are cut.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros = decimals.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = micros.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let total = number(whole)?.checked_mul(1_000_000)?.checked_add(micros)?;
    (total <= i64::MAX.unsigned_abs()).then_some(total)
}
