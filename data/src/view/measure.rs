//! What a row counts: sums over requests, declared as data.

use serde::Serialize;

use crate::facts::{Facts, Kind};

/// One measure: the sum of `add` over the requests that `only` admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// The name, as used in rows, columns and queries.
    pub name: &'static str,
    /// What each request adds.
    pub add: Amount,
    /// Which requests add anything.
    pub only: Predicate,
}

/// What a request adds to a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// One.
    One,
    /// The size of the response's body.
    Bytes,
}

/// Which requests a measure or a view counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// Every request.
    All,
    /// Those whose status lies in this range, both ends included.
    Status(u16, u16),
    /// Those of people, bots or unknown agents.
    Kind(Kind),
    /// Those that at least one of these admits.
    Any(&'static [Predicate]),
}

impl Predicate {
    /// Whether it admits the request.
    pub fn admits(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Status(low, high) => (*low..=*high).contains(&facts.status),
            Self::Kind(kind) => facts.kind == *kind,
            Self::Any(some) => some.iter().any(|one| one.admits(facts)),
        }
    }
}

/// Every measure. All keyed rows of all views carry all of them.
pub const MEASURES: &[Measure] = &[
    Measure { name: "requests", add: Amount::One, only: Predicate::All },
    Measure { name: "bytes", add: Amount::Bytes, only: Predicate::All },
    Measure { name: "human", add: Amount::One, only: Predicate::Kind(Kind::Human) },
    Measure { name: "bot", add: Amount::One, only: Predicate::Kind(Kind::Bot) },
    Measure { name: "unknown", add: Amount::One, only: Predicate::Kind(Kind::Unknown) },
    Measure { name: "not_found", add: Amount::One, only: Predicate::Status(404, 404) },
    Measure { name: "client_errors", add: Amount::One, only: Predicate::Status(400, 499) },
    Measure { name: "server_errors", add: Amount::One, only: Predicate::Status(500, 599) },
];

/// The position in [`MEASURES`] of the measure of that name.
pub fn measure_index(name: &str) -> Option<usize> {
    MEASURES.iter().position(|measure| measure.name == name)
}

/// One value for each of [`MEASURES`], in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Counts(pub [u64; MEASURES.len()]);

impl Counts {
    /// What one request adds to each measure.
    pub fn of(facts: &Facts<'_>) -> Self {
        let mut counts = Self::default();
        for (count, measure) in counts.0.iter_mut().zip(MEASURES) {
            if measure.only.admits(facts) {
                *count = match measure.add {
                    Amount::One => 1,
                    Amount::Bytes => facts.bytes,
                };
            }
        }
        counts
    }

    /// The number of requests: the measure that ranks.
    pub fn requests(&self) -> u64 {
        self.0[0]
    }

    /// The measure of that name; `None` where there is none.
    pub fn get(&self, name: &str) -> Option<u64> {
        measure_index(name).map(|index| self.0[index])
    }
}

/// Measures add up; they saturate rather than wrap, since sizes come from hostile input.
impl std::ops::AddAssign<&Counts> for Counts {
    #[inline]
    fn add_assign(&mut self, other: &Counts) {
        // Two numbers below 2^63 don't overflow, and without that question all are added at once.
        let bits = self.0.iter().zip(&other.0).fold(0, |bits, (sum, value)| bits | sum | value);
        if bits >> 63 == 0 {
            self.0
                .iter_mut()
                .zip(&other.0)
                .for_each(|(sum, value)| *sum = sum.wrapping_add(*value));
        } else {
            self.add_saturating(other);
        }
    }
}

impl Counts {
    #[cold]
    fn add_saturating(&mut self, other: &Counts) {
        for (sum, value) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.saturating_add(*value);
        }
    }
}
