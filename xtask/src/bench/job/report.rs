//! What people use GoAccess for.

use std::process::Command;

use super::Job;
use crate::bench::Bench;
use crate::bench::log::{DISTINCT, EXACT};
use crate::bench::measure::{self, Measured};
use crate::run;

/// File → exact report.
pub struct Report;

impl Job for Report {
    fn name(&self) -> &'static str {
        "report"
    }

    fn what(&self) -> &'static str {
        "raw log → exact report, every view (`report FILE`)"
    }

    fn run(&mut self, bench: &Bench) -> Result<Measured, String> {
        let log = &bench.log;
        let said = log.folder().join("report.json");
        let out = std::fs::File::create(&said).map_err(|error| error.to_string())?;
        let mut command = Command::new(run::twofold());
        command.args(["report", "--json"]).arg(log.path());
        let measured = measure::measure_into(&mut command, out.into())?;
        let said = run::json(&said)?;
        log.check(&said, &EXACT)?;
        log.check(&said, &DISTINCT)?;
        Ok(measured)
    }
}
