//! The views: one table that says what is counted, by what key, at what grain.
//!
//! The table is data, not code: the speed layer folds it, the batch layer turns
//! it into Polars expressions, serving into a mapping and a query, Kibana into
//! panels, and [`declaration`] into JSON for anybody else. A view or a measure
//! added to these tables appears everywhere.

mod class;
mod filter;
mod measure;
mod row;
mod union;

pub use class::Class;
pub use filter::Filter;
pub use measure::{Amount, Counts, MEASURES, Measure, Predicate, measure_index};
pub use row::{Distincts, Row, RowSet, State, Summary, Tally};
pub use union::{Union, union};

use serde::Serialize;

use crate::facts::Facts;

/// One view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct View {
    /// The name, as used in ids, URLs and files.
    pub name: &'static str,
    /// What its rows are keyed by.
    pub key: Key,
    /// Which requests it counts.
    pub only: Predicate,
    /// How many rows of it are published per window; 0: every key there is,
    /// for key sets that are small and closed.
    pub top: usize,
}

/// What a view's rows are keyed by. A request whose key is absent stands in no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// One row a window: the whole traffic.
    None,
    /// The status code, as three digits.
    Status,
    /// The method.
    Method,
    /// The client's address or host name.
    Client,
    /// The path without query, normalised.
    Page,
    /// The referrer's host.
    Referrer,
    /// The browser, or the bot's name.
    Agent,
    /// The operating system.
    Os,
    /// The virtual host.
    Host,
}

impl Key {
    /// Whether it is a text, of which nearly all requests have one of a few dozen.
    pub fn is_few(self) -> bool {
        matches!(self, Self::Method | Self::Agent | Self::Os)
    }

    /// The request's key; `None` where it has none. (The status is a number, see [`status_key`].)
    pub fn of<'a>(self, facts: &Facts<'a>) -> Option<&'a str> {
        match self {
            Self::None => Some(""),
            Self::Status => Some(status_key(facts.status)),
            Self::Method => facts.method,
            Self::Client => Some(facts.client),
            Self::Page => facts.page,
            Self::Referrer => facts.referrer,
            Self::Agent => facts.agent,
            Self::Os => facts.os,
            Self::Host => facts.host,
        }
    }
}

/// The status code as the text that keys its row: three digits.
pub fn status_key(status: u16) -> &'static str {
    static TEXT: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| (0..1000).map(|code| format!("{code:03}")).collect());
    TEXT.get(usize::from(status)).map_or("999", |text| text)
}

/// How many rows of a capped view one window publishes.
pub const TOP: usize = 100;

/// Every view. The position in this table is a view's number within one run;
/// outside of a process a view goes by its name.
pub const VIEWS: &[View] = &[
    View { name: "traffic", key: Key::None, only: Predicate::All, top: 0 },
    View { name: "statuses", key: Key::Status, only: Predicate::All, top: 0 },
    View { name: "methods", key: Key::Method, only: Predicate::All, top: TOP },
    View { name: "clients", key: Key::Client, only: Predicate::All, top: TOP },
    View { name: "pages", key: Key::Page, only: Predicate::All, top: TOP },
    View { name: "errors", key: Key::Page, only: ERROR, top: TOP },
    View { name: "referrers", key: Key::Referrer, only: Predicate::All, top: TOP },
    View { name: "agents", key: Key::Agent, only: Predicate::All, top: TOP },
    View { name: "systems", key: Key::Os, only: Predicate::All, top: TOP },
    View { name: "hosts", key: Key::Host, only: Predicate::All, top: TOP },
];

/// The position of `traffic` in [`VIEWS`].
pub const TRAFFIC: usize = 0;

/// The position of `clients` in [`VIEWS`]: where it sees a new key, the distinct clients grow.
pub const CLIENTS: usize = 3;

/// What the error view counts: 404s and 5xx.
const ERROR: Predicate =
    Predicate::Any(&[Predicate::Status(404, 404), Predicate::Status(500, 599)]);

/// The view of that name.
pub fn view(name: &str) -> Option<&'static View> {
    VIEWS.iter().find(|view| view.name == name)
}

/// The position in [`VIEWS`] of the view of that name.
pub fn view_index(name: &str) -> Option<usize> {
    VIEWS.iter().position(|view| view.name == name)
}

/// The tables of views and measures as JSON, for other engines and for the
/// fingerprint by which the batch layer knows that they changed.
pub fn declaration() -> serde_json::Value {
    serde_json::json!({ "views": VIEWS, "measures": MEASURES })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_names_agree() {
        assert_eq!(view_index("traffic"), Some(TRAFFIC));
        assert_eq!(view_index("clients"), Some(CLIENTS));
        assert_eq!(VIEWS[CLIENTS].only, Predicate::All);
    }
}
