//! The series of the traffic that are watched.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::stretch::Direction;
use crate::view::measure_index;

/// What a series counts, per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Requests.
    Requests,
    /// 404s.
    NotFound,
    /// 5xx.
    ServerErrors,
    /// The sum of the sizes of bodies, in bytes.
    Bytes,
    /// Distinct clients.
    Clients,
    /// The 95th percentile of the durations, in microseconds.
    DurationP95,
}

impl Quantity {
    /// Every one, in the order in which spikes are told.
    pub const ALL: [Self; 6] = [
        Self::Requests,
        Self::ServerErrors,
        Self::NotFound,
        Self::DurationP95,
        Self::Bytes,
        Self::Clients,
    ];

    /// The name used in rows, ids and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::NotFound => "not_found",
            Self::ServerErrors => "server_errors",
            Self::Bytes => "bytes",
            Self::Clients => "clients",
            Self::DurationP95 => "duration_p95",
        }
    }

    /// The measure whose sums are compared to tell who contributed: its position in
    /// [`crate::view::MEASURES`]. Of clients and durations it is that of the requests.
    pub fn measure(self) -> usize {
        measure_index(self.name()).unwrap_or(0)
    }
}

/// Of what part of the traffic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "scope", content = "key")]
pub enum Scope {
    /// All of it.
    All,
    /// Of one virtual host.
    Host(String),
    /// Of one page.
    Page(String),
}

/// One watched series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// What it counts.
    pub quantity: Quantity,
    /// Of what.
    #[serde(flatten)]
    pub scope: Scope,
}

impl Series {
    /// A series of the whole traffic.
    pub fn whole(quantity: Quantity) -> Self {
        Self { quantity, scope: Scope::All }
    }

    /// How rare a deviation is with which a spike opens. All series together shall give one false alarm a week: the
    /// requests have most of that, the many others share the rest.
    ///
    /// What is learnt of the requests while nothing is the matter holds rises that are too small to be found, so
    /// that their rises come to seem ten times as frequent as chance makes them; small counts, on the other
    /// hand, are silent for some minutes more easily than the tail says. So are bytes, of which a few large bodies
    /// make most: where fewer are sent because nobody asks, the requests show it.
    pub fn rarity(&self) -> Rarity {
        match (&self.scope, self.quantity) {
            (Scope::All, Quantity::Requests) => Rarity { rise: RARE - 1.0, fall: RARE + 0.5 },
            (Scope::All, Quantity::Bytes) => Rarity { rise: RARE + 1.5, fall: RARE + 5.0 },
            (Scope::All, _) => Rarity::both(RARE + 1.5),
            (Scope::Host(_) | Scope::Page(_), _) => Rarity::both(RARE + 2.5),
        }
    }
}

/// A spike opens where a deviation is as rare as this, unless its series has a [`Series::rarity`] of its own. Of
/// independent minutes a week has one of 4.0; the tail that is assumed is heavier than theirs.
const RARE: f64 = 4.5;

/// How rare a deviation is with which a spike opens: minus the decimal logarithm of how often chance would
/// do it, by the tail that is fitted to the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rarity {
    /// Of a rise.
    pub rise: f64,
    /// Of a fall.
    pub fall: f64,
}

impl Rarity {
    fn both(rare: f64) -> Self {
        Self { rise: rare, fall: rare }
    }

    pub(super) fn of(self, direction: Direction) -> f64 {
        match direction {
            Direction::Up => self.rise,
            Direction::Down => self.fall,
        }
    }
}

impl Default for Rarity {
    fn default() -> Self {
        Self::both(RARE)
    }
}

/// `requests`, `requests host=example.org`, `not_found page=/login`.
impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.quantity.name())?;
        match &self.scope {
            Scope::All => Ok(()),
            Scope::Host(host) => write!(f, " host={host}"),
            Scope::Page(page) => write!(f, " page={page}"),
        }
    }
}
