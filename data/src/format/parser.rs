//! From one record's bytes to a [`Line`].

use super::time::Clock;
use super::{Format, Shape, alb, apache, json, pieces, w3c};
use crate::request::{Line, Malformed, Request};
use crate::scan::ascii;

/// Parses records of one format. One parser serves one thread: it keeps scratch
/// space, and the hour that it saw last.
#[derive(Debug)]
pub struct Parser {
    format: Format,
    clock: Clock,
    /// The record, where it is not UTF-8.
    text: String,
    /// The line in an envelope, where it has escapes.
    line: String,
    /// The values of a JSON line that have escapes.
    values: String,
}

impl Parser {
    /// A parser of `format`.
    pub fn new(format: &Format) -> Self {
        Self {
            format: format.clone(),
            clock: Clock::default(),
            text: String::new(),
            line: String::new(),
            values: String::new(),
        }
    }

    /// Parses one record (the bytes before `\n`; a trailing `\r` is not part of the
    /// last field). Any bytes are valid input: what is not UTF-8 is decoded with
    /// U+FFFD first, so that every key is text. Never panics.
    pub fn parse<'a>(&'a mut self, record: &'a [u8]) -> Line<'a> {
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if record.len() > self.format.max_line {
            return Line::Malformed(Malformed::TooLong);
        }
        if is_blank(record) {
            return Line::Blank;
        }
        let Self { format, clock, text, line, values } = self;
        let record = decode(record, text);
        if let Shape::Apache(layout) = &format.shape {
            return apache::line(record, layout, clock);
        }
        if format.is_directive(record) {
            format.learn([record.as_bytes()]);
            return Line::Blank;
        }
        let Shape::Envelope(envelope) = &format.shape else {
            return read(record, &format.shape, clock, values);
        };
        match envelope.open(record, line) {
            Ok(line) if is_blank(line.as_bytes()) => Line::Blank,
            Ok(line) => match envelope.format_of(line) {
                Some(inner) if inner.is_directive(line) => {
                    format.learn([record.as_bytes()]);
                    Line::Blank
                }
                Some(inner) => read(line, &inner.shape, clock, values),
                None => Line::Malformed(Malformed::Shape),
            },
            Err(why) => Line::Malformed(why),
        }
    }
}

fn is_blank(record: &[u8]) -> bool {
    record.iter().all(u8::is_ascii_whitespace)
}

/// The record as text; `scratch` is used only where it is not valid UTF-8.
fn decode<'a>(record: &'a [u8], scratch: &'a mut String) -> &'a str {
    // Asked first, because it is quicker, and nearly every record is.
    if let Some(text) = ascii(record) {
        return text;
    }
    if let Ok(text) = simdutf8::basic::from_utf8(record) {
        return text;
    }
    scratch.clear();
    for chunk in record.utf8_chunks() {
        scratch.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            scratch.push(char::REPLACEMENT_CHARACTER);
        }
    }
    scratch
}

#[inline]
fn read<'a>(line: &'a str, shape: &Shape, clock: &mut Clock, values: &'a mut String) -> Line<'a> {
    outcome(match shape {
        Shape::Apache(layout) => return apache::line(line, layout, clock),
        Shape::Pieces(layout) => pieces::parse(line, layout, clock),
        Shape::Json(layout) => json::parse(line, layout, clock, values),
        Shape::Alb => alb::parse(line, clock),
        Shape::W3c(layout) => w3c::parse(line, layout, clock, values),
        // Names and detection make no envelope in an envelope.
        Shape::Envelope(_) => Err(Malformed::Shape),
    })
}

fn outcome(parsed: Result<Request<'_>, Malformed>) -> Line<'_> {
    parsed.map_or_else(Line::Malformed, Line::Request)
}
