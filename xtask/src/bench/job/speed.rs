//! The speed layer alone.

use super::Job;
use crate::bench::Bench;
use crate::bench::log::EXACT;
use crate::bench::measure::{self, Measured};

/// File → speed layer → index.
pub struct Speed;

impl Job for Speed {
    fn name(&self) -> &'static str {
        "speed"
    }

    fn what(&self) -> &'static str {
        "file → all speed views in the index"
    }

    fn floor(&self) -> Option<f64> {
        Some(2e6)
    }

    fn goal(&self) -> Option<f64> {
        Some(4e6)
    }

    fn run(&mut self, bench: &Bench) -> Result<Measured, String> {
        let log = &bench.log;
        log.clear_data()?;
        let measured = measure::measure(&mut log.twofold(&["speed", "--to-end"], true))?;
        log.check_report(&EXACT)?;
        Ok(measured)
    }
}
