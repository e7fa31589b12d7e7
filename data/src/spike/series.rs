//! The series of the traffic that are watched.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::tracker::RARE;
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

    /// How rare a deviation is with which a spike opens: minus the decimal logarithm of how often chance
    /// would do it. All series together shall give one false alarm a week: the requests
    /// have most of that, the many others share the rest.
    pub fn rarity(&self) -> f64 {
        match (&self.scope, self.quantity) {
            (Scope::All, Quantity::Requests) => RARE,
            (Scope::All, _) => RARE + 1.5,
            (Scope::Host(_) | Scope::Page(_), _) => RARE + 2.5,
        }
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
