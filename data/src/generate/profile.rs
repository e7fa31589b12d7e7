//! The kinds of traffic that can be generated.

/// What traffic is like.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The name on the command line.
    pub name: &'static str,
    /// How many clients there are.
    pub clients: usize,
    /// Zipf's exponent over clients; 0 visits them one after the other.
    pub client_skew: f64,
    /// How many pages there are.
    pub pages: usize,
    /// Zipf's exponent over pages; 0 visits them one after the other.
    pub page_skew: f64,
    /// The share of lines that are written up to 60 s late.
    pub late: f64,
    /// The share of lines that are written 3 to 15 minutes late.
    pub very_late: f64,
    /// The share of lines that are broken, of six kinds.
    pub malformed: f64,
    /// The share of requests by a scanner that looks for holes, and gets 404s.
    pub scanner: f64,
    /// A spike, if there is one.
    pub spike: Option<Spike>,
    /// Whether the traffic is that of [`super::Weeks`], with labelled spikes.
    pub labelled: bool,
    /// The span of the traffic in seconds, where it is not whole days.
    pub seconds: Option<u64>,
}

/// A spike: many requests of few clients for one page, many of them failing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spike {
    /// The second of the day at which it starts.
    pub start: u64,
    /// How long it lasts, in seconds.
    pub length: u64,
    /// How many times the usual traffic there is.
    pub times: f64,
}

/// Ten minutes of six times the traffic, at half past two.
const SPIKE: Spike = Spike { start: 14 * 3600 + 1800, length: 600, times: 6.0 };

impl Profile {
    /// The profile's names.
    pub const NAMES: [&'static str; 4] = ["demo", "bench", "cardinality", "spikes"];

    /// The profile of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "demo" => Some(Self::demo()),
            "bench" => Some(Self::bench()),
            "cardinality" => Some(Self::cardinality()),
            "spikes" => Some(Self::spikes()),
            _ => None,
        }
    }

    /// A realistic day: bots, a scanner, errors, a spike, late and broken lines.
    pub fn demo() -> Self {
        Self {
            name: "demo",
            clients: 8_000,
            client_skew: 0.9,
            pages: 600,
            very_late: 0.000_5,
            late: 0.05,
            scanner: 0.01,
            ..Self::bench()
        }
    }

    /// What benchmarks run on: 50,000 clients and 5,000 pages by Zipf, a quarter of
    /// the lines up to 60 s late, 0.1 % malformed.
    pub fn bench() -> Self {
        Self {
            name: "bench",
            clients: 50_000,
            client_skew: 1.05,
            pages: 5_000,
            page_skew: 1.1,
            late: 0.25,
            very_late: 0.0,
            malformed: 0.001,
            scanner: 0.0,
            spike: Some(SPIKE),
            labelled: false,
            seconds: None,
        }
    }

    /// Weeks with spikes of many kinds, each with a label: see [`super::Weeks`].
    pub fn spikes() -> Self {
        Self { name: "spikes", scanner: 0.0, spike: None, labelled: true, ..Self::demo() }
    }

    /// Every line another client and another page (up to a million of each), all in one minute.
    pub fn cardinality() -> Self {
        Self {
            name: "cardinality",
            clients: 1_000_000,
            client_skew: 0.0,
            pages: 1_000_000,
            page_skew: 0.0,
            late: 0.0,
            malformed: 0.0,
            spike: None,
            seconds: Some(60),
            ..Self::bench()
        }
    }
}
