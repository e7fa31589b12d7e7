//! Log formats: from a record's bytes to a [`Request`], and back.

use crate::request::Line;

/// A log format with its options, as named in configuration: `auto` excluded.
#[derive(Debug, Clone, PartialEq)]
pub struct Format {
    // fields are the formats helper's affair
}

impl Format {
    /// Reads a format's name: `common`, `combined`, `vhost-combined`, `nginx-json`,
    /// `caddy-json`, `ecs-json`, ...
    pub fn named(_name: &str) -> Option<Self> {
        todo!()
    }
}

/// Parses records of one format. One parser serves one thread; it may keep scratch space.
#[derive(Debug)]
pub struct Parser {}

impl Parser {
    /// A parser of `format`.
    pub fn new(_format: &Format) -> Self {
        todo!()
    }

    /// Parses one record (the bytes before `\n`; a trailing `\r` is not part of the
    /// last field). Any bytes are valid input: what is not UTF-8 is decoded with
    /// U+FFFD first, so that every key is text. Never panics.
    pub fn parse<'a>(&'a mut self, _record: &'a [u8]) -> Line<'a> {
        todo!()
    }
}
