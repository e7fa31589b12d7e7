//! A spike: a stretch in which a series is not what was expected.

use serde::{Deserialize, Serialize};

/// A stretch in which a series is not what was expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spike {
    /// The start of its first step: seconds since the Unix epoch.
    pub start: i64,
    /// The end of its last step so far: seconds since the Unix epoch.
    pub end: i64,
    /// Whether it has ended; until then it may grow.
    pub closed: bool,
    /// Why it ended.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// How many steps were observed in it.
    pub steps: u64,
    /// The mean of the observed values, per step.
    pub observed: f64,
    /// The mean of the expected values, per step.
    pub expected: f64,
    /// The value furthest from what was expected.
    pub peak: f64,
    /// The start of the step with that value: seconds since the Unix epoch.
    pub peak_at: i64,
    /// The largest score of its steps, 0 to 1.
    pub score: f64,
    /// The largest surprise of its steps: minus the decimal logarithm of how often a step
    /// looks like this by chance.
    pub surprise: f64,
    /// Above or below what was expected.
    pub direction: Direction,
    /// How much it matters.
    pub severity: Severity,
}

/// Above or below what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More than expected.
    Up,
    /// Less than expected; a sudden silence is one, too.
    Down,
}

/// Why a spike ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// The series is again what was expected.
    Back,
    /// It lasted so long that it is what is expected from now on.
    Learnt,
}

/// How much a spike matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing: less than twice, or more than half of what was expected.
    #[default]
    Notice,
    /// Worth looking at: twice to five times, or less than half.
    Warning,
    /// Worth waking somebody: five times and more, or less than a tenth.
    Critical,
}

impl Spike {
    /// How many times the expected value was observed; of what was expected to be nothing,
    /// the observed value itself.
    pub fn ratio(&self) -> f64 {
        self.observed / self.expected.abs().max(1.0f64.min(self.observed.abs()).max(1e-9))
    }

    pub(super) fn rate(&mut self) {
        let ratio = self.ratio();
        self.severity = match self.direction {
            Direction::Up if ratio >= 5.0 => Severity::Critical,
            Direction::Up if ratio >= 2.0 => Severity::Warning,
            Direction::Down if ratio < 0.1 => Severity::Critical,
            Direction::Down if ratio < 0.5 => Severity::Warning,
            _ => Severity::Notice,
        };
    }
}

impl Direction {
    /// The name used in rows and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// 1 or -1: what a difference is multiplied by, so that more of it is further in this direction.
    pub(super) fn sign(self) -> f64 {
        match self {
            Self::Up => 1.0,
            Self::Down => -1.0,
        }
    }
}

impl Severity {
    /// The name used in rows and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
