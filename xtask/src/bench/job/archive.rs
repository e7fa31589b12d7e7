//! The archiver alone.

use super::Job;
use crate::bench::Bench;
use crate::bench::measure::{self, Measured};
use crate::run;

/// File → archiver → Parquet.
#[derive(Default)]
pub struct Archive {
    bytes: u64,
}

impl Job for Archive {
    fn name(&self) -> &'static str {
        "archive"
    }

    fn what(&self) -> &'static str {
        "file → Parquet"
    }

    fn floor(&self) -> Option<f64> {
        Some(0.5e6)
    }

    fn goal(&self) -> Option<f64> {
        Some(0.7e6)
    }

    fn run(&mut self, bench: &Bench) -> Result<Measured, String> {
        let log = &bench.log;
        log.clear_data()?;
        let measured = measure::measure(&mut log.twofold(&["archive", "--to-end"], true))?;
        log.check_audit()?;
        self.bytes = run::size(&log.data().join("archive").join("logs"));
        Ok(measured)
    }

    fn findings(&self, bench: &Bench) -> Vec<String> {
        let share = self.bytes as f64 / bench.log.bytes as f64 * 100.0;
        vec![format!("The archive is {share:.1} % of the raw log (at most 12 %).")]
    }
}
