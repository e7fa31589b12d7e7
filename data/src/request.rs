//! One request, as a format found it in a line: borrowed, unclassified.

use crate::scan::find;

/// What became of one record (the bytes before `\n`).
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a> {
    /// Nothing, or nothing but white space: archived, and counted as blank.
    Blank,
    /// A format matched.
    Request(Request<'a>),
    /// No format matched: kept, counted, never dropped.
    Malformed(Malformed),
}

/// Why no format matched a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// The line has another shape than the format.
    Shape,
    /// The time stamp is missing or names no instant.
    Time,
    /// The status is not a number from 0 to 999.
    Status,
    /// The size is neither a number nor `-`.
    Size,
    /// A JSON line or envelope is not valid JSON.
    Json,
    /// The line is longer than the limit.
    TooLong,
}

impl Malformed {
    /// Every reason, in the order in which counters hold them.
    pub const ALL: [Malformed; 6] =
        [Self::Shape, Self::Time, Self::Status, Self::Size, Self::Json, Self::TooLong];

    /// The name that reports, metrics and columns use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Time => "time",
            Self::Status => "status",
            Self::Size => "size",
            Self::Json => "json",
            Self::TooLong => "too_long",
        }
    }
}

/// One request. Every text is a slice of the line (or of the parser's scratch,
/// where a format has escapes that change the text).
///
/// `-` stands for "absent" in the Apache formats and is `None` here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request<'a> {
    /// Event time: milliseconds since the Unix epoch, UTC.
    pub time: i64,
    /// The offset from UTC that the line was written in, in minutes.
    pub utc_offset: i16,
    /// The virtual host; empty where the format has the field and the line left it empty.
    pub host: Option<&'a str>,
    /// The client: an IPv4 or IPv6 address or a host name, as written.
    pub client: &'a str,
    /// The identity of RFC 1413, nearly always absent.
    pub ident: Option<&'a str>,
    /// The authenticated user.
    pub user: Option<&'a str>,
    /// The request line.
    pub line: RequestLine<'a>,
    /// The response's status code.
    pub status: u16,
    /// The size of the response's body in bytes; absent counts as 0.
    pub bytes: Option<u64>,
    /// The `Referer` header.
    pub referrer: Option<&'a str>,
    /// The `User-Agent` header.
    pub user_agent: Option<&'a str>,
    /// How long the request took, in microseconds.
    pub duration: Option<u64>,
}

/// The request line, taken apart where it is HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestLine<'a> {
    /// `METHOD target HTTP/x`.
    Http {
        /// The method, as written.
        method: &'a str,
        /// The target: path and query, as written.
        target: &'a str,
        /// The protocol with its version, such as `HTTP/1.1`.
        protocol: &'a str,
    },
    /// Anything else: TLS bytes, nothing at all, scanners' junk.
    Other(&'a str),
}

impl<'a> Request<'a> {
    /// The method, where the request line is HTTP.
    pub fn method(&self) -> Option<&'a str> {
        match self.line {
            RequestLine::Http { method, .. } => Some(method),
            RequestLine::Other(_) => None,
        }
    }

    /// The target up to its first `?`, where the request line is HTTP.
    pub fn path(&self) -> Option<&'a str> {
        self.split_target().map(|(path, _)| path)
    }

    /// What follows the first `?` of the target; `None` where there is none.
    pub fn query(&self) -> Option<&'a str> {
        self.split_target().and_then(|(_, query)| query)
    }

    /// The target's [`Self::path`] and [`Self::query`], where the request line is HTTP.
    #[inline(always)]
    pub fn split_target(&self) -> Option<(&'a str, Option<&'a str>)> {
        let RequestLine::Http { target, .. } = self.line else { return None };
        let Some(mark) = find(b'?', target.as_bytes()) else {
            return Some((target, None));
        };
        Some((target.get(..mark).unwrap_or_default(), target.get(mark + 1..)))
    }
}
