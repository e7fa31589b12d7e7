//! Bounded memory whatever the variety.

use super::Job;
use crate::bench::Bench;
use crate::bench::log::{EXACT, Log};
use crate::bench::measure::{self, Measured};

/// A million distinct clients and a million distinct pages in one minute.
#[derive(Default)]
pub struct Cardinality {
    log: Option<Log>,
}

const LINES: u64 = 1_000_000;

/// What the speed layer may take at most.
const MOST_MIB: f64 = 256.0;

impl Job for Cardinality {
    fn name(&self) -> &'static str {
        "cardinality"
    }

    fn what(&self) -> &'static str {
        "file → all speed views, 1 M distinct clients and 1 M distinct pages in one minute"
    }

    fn amount(&self, _bench: &Bench) -> u64 {
        LINES
    }

    fn prepare(&mut self, _bench: &Bench) -> Result<(), String> {
        self.log = Some(Log::generate("cardinality", LINES)?);
        Ok(())
    }

    fn run(&mut self, _bench: &Bench) -> Result<Measured, String> {
        let log = self.log.as_ref().ok_or("the log was not generated")?;
        log.clear_data()?;
        let measured = measure::measure(&mut log.twofold(&["speed", "--to-end"], true))?;
        log.check_report(&EXACT)?;
        if measured.peak > MOST_MIB {
            return Err(format!("{:.0} MiB at its peak, {MOST_MIB} at most", measured.peak));
        }
        Ok(measured)
    }
}
