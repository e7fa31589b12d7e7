//! Log formats: from a record's bytes to a [`Request`], and back.
//!
//! [`Format`] is what configuration names, [`Parser`] reads records of one
//! format, [`Format::rebuild`] writes them again, and [`detect`] finds out
//! which format a log has.

mod apache;
mod detect;
mod render;
mod request_line;
mod time;

use serde::{Deserialize, Serialize};

pub use detect::{Detection, detect};

use crate::request::{Line, Malformed};

/// The longest record that is parsed where configuration says nothing else, in bytes.
pub const DEFAULT_MAX_LINE: usize = 64 * 1024;

/// The version of the parsers: raised when the same line is read differently
/// than before, so that [`Format::fingerprint`] changes and what was parsed is
/// computed again.
const PARSER_VERSION: u32 = 1;

/// A log format with its options. `auto` is none: [`detect`] picks one.
#[derive(Debug, Clone, PartialEq)]
pub struct Format {
    shape: Shape,
    max_line: usize,
}

/// What a record of the format looks like.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// Fields between spaces, quotes and brackets, as Apache and nginx write them.
    Apache(apache::Layout),
}

/// What the number after the last field of an Apache format means. It is
/// configured and never guessed, because 12 may be seconds or microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trailing {
    /// Whatever follows the last field is no business of ours.
    #[default]
    Ignored,
    /// Seconds with decimals: nginx's `$request_time`, Apache's `%T`.
    Seconds,
    /// Microseconds: Apache's `%D`.
    Microseconds,
}

impl Trailing {
    /// Every meaning, the default first.
    pub const ALL: [Self; 3] = [Self::Ignored, Self::Seconds, Self::Microseconds];

    /// The name used in configuration and in a format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Seconds => "seconds",
            Self::Microseconds => "microseconds",
        }
    }
}

impl Format {
    /// Reads a format's name: `common`, `combined` or `vhost-combined`, each with
    /// `+seconds` or `+microseconds` where a trailing number has that meaning.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        let layout = apache::Layout::named(&name)?;
        Some(Self { shape: Shape::Apache(layout), max_line: DEFAULT_MAX_LINE })
    }

    /// The canonical name, which [`Format::named`] reads: all that is needed to
    /// rebuild records.
    pub fn name(&self) -> String {
        match &self.shape {
            Shape::Apache(layout) => layout.name(),
        }
    }

    /// What decides how a line is read, as one short text: two formats with the
    /// same fingerprint make the same requests of the same lines.
    pub fn fingerprint(&self) -> String {
        format!("{};max_line={};parser={PARSER_VERSION}", self.name(), self.max_line)
    }

    /// The format with a meaning for the number after the last field, which only
    /// the Apache formats have.
    pub fn with_trailing(mut self, trailing: Trailing) -> Self {
        match &mut self.shape {
            Shape::Apache(layout) => layout.trailing = trailing,
        }
        self
    }

    /// The format with another limit on the length of a record, in bytes.
    pub fn with_max_line(mut self, max_line: usize) -> Self {
        self.max_line = max_line;
        self
    }
}

/// Parses records of one format. One parser serves one thread: it keeps scratch
/// space, and the hour that it saw last.
#[derive(Debug)]
pub struct Parser {
    format: Format,
    clock: time::Clock,
    text: String,
}

impl Parser {
    /// A parser of `format`.
    pub fn new(format: &Format) -> Self {
        Self { format: format.clone(), clock: time::Clock::default(), text: String::new() }
    }

    /// Parses one record (the bytes before `\n`; a trailing `\r` is not part of the
    /// last field). Any bytes are valid input: what is not UTF-8 is decoded with
    /// U+FFFD first, so that every key is text. Never panics.
    pub fn parse<'a>(&'a mut self, record: &'a [u8]) -> Line<'a> {
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if record.len() > self.format.max_line {
            return Line::Malformed(Malformed::TooLong);
        }
        if record.iter().all(u8::is_ascii_whitespace) {
            return Line::Blank;
        }
        let line = decode(record, &mut self.text);
        let parsed = match &self.format.shape {
            Shape::Apache(layout) => apache::parse(line, layout, &mut self.clock),
        };
        parsed.map_or_else(Line::Malformed, Line::Request)
    }
}

/// The record as text; `scratch` is used only where it is not valid UTF-8.
fn decode<'a>(record: &'a [u8], scratch: &'a mut String) -> &'a str {
    match simdutf8::basic::from_utf8(record) {
        Ok(text) => text,
        Err(_) => {
            scratch.clear();
            for chunk in record.utf8_chunks() {
                scratch.push_str(chunk.valid());
                if !chunk.invalid().is_empty() {
                    scratch.push(char::REPLACEMENT_CHARACTER);
                }
            }
            scratch
        }
    }
}
