//! The whole lambda.

use super::Job;
use crate::bench::Bench;
use crate::bench::log::{DISTINCT, EXACT};
use crate::bench::measure::{self, Measured};

/// File → speed layer, archive and exact views.
pub struct Whole;

impl Job for Whole {
    fn name(&self) -> &'static str {
        "run"
    }

    fn what(&self) -> &'static str {
        "raw log → the whole lambda done (`run --to-end`)"
    }

    fn floor(&self) -> Option<f64> {
        Some(0.5e6)
    }

    fn goal(&self) -> Option<f64> {
        Some(1e6)
    }

    fn run(&mut self, bench: &Bench) -> Result<Measured, String> {
        let log = &bench.log;
        log.clear_data()?;
        let mut command = log.twofold(&["run", "--to-end", "--no-serve"], true);
        let measured = measure::measure(&mut command)?;
        log.check_report(&EXACT)?;
        log.check_report(&DISTINCT)?;
        log.check_audit()?;
        Ok(measured)
    }
}
