//! The batch layer alone.

use super::Job;
use crate::bench::Bench;
use crate::bench::log::{DISTINCT, EXACT};
use crate::bench::measure::{self, Measured};
use crate::run;

/// Archive → batch layer → index.
pub struct Batch;

impl Job for Batch {
    fn name(&self) -> &'static str {
        "batch"
    }

    fn what(&self) -> &'static str {
        "Parquet → all exact views, published"
    }

    fn floor(&self) -> Option<f64> {
        Some(420e3)
    }

    fn goal(&self) -> Option<f64> {
        Some(630e3)
    }

    fn run(&mut self, bench: &Bench) -> Result<Measured, String> {
        let log = &bench.log;
        log.clear_data()?;
        run::output(&mut log.twofold(&["archive", "--to-end"], true))?;
        let measured = measure::measure(&mut log.twofold(&["batch"], false))?;
        log.check_report(&EXACT)?;
        log.check_report(&DISTINCT)?;
        Ok(measured)
    }
}
