//! A classified request: everything that a view may count by.

use serde::{Deserialize, Serialize};

/// Who made a request, as far as its user agent tells.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Kind {
    /// A browser that people use.
    Human = 0,
    /// A known crawler, monitor, library or scanner.
    Bot = 1,
    /// No user agent, or one that nobody knows.
    #[default]
    Unknown = 2,
}

impl Kind {
    /// The name used in rows, filters and columns.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Bot => "bot",
            Self::Unknown => "unknown",
        }
    }
}

/// A request with its classes. Both layers count facts and nothing else: the
/// speed layer makes them from lines, the batch layer from the archive's columns.
///
/// Every key is valid UTF-8 of at most [`crate::class::KEY_BYTES`] bytes; an
/// absent one is `None` and stands in no view keyed by it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts<'a> {
    /// Event time: milliseconds since the Unix epoch, UTC.
    pub time: i64,
    /// The client's address or host name.
    pub client: &'a str,
    /// The method, where the request line is HTTP.
    pub method: Option<&'a str>,
    /// The page: the path after the normalising rules, where the request line is HTTP.
    pub page: Option<&'a str>,
    /// The response's status code.
    pub status: u16,
    /// The size of the response's body in bytes; 0 where the line has `-`.
    pub bytes: u64,
    /// How long the request took, in microseconds.
    pub duration: Option<u64>,
    /// The host of the referrer.
    pub referrer: Option<&'a str>,
    /// The virtual host, where the format has one and it is not empty.
    pub host: Option<&'a str>,
    /// The browser, or the bot's name.
    pub agent: Option<&'a str>,
    /// The operating system.
    pub os: Option<&'a str>,
    /// The device class: `desktop`, `mobile`, `tablet`, `bot` or `other`.
    pub device: Option<&'a str>,
    /// People, bots, or unknown.
    pub kind: Kind,
}
