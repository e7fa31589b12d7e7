//! The jobs, one a file.

pub mod api;
mod archive;
mod batch;
mod cardinality;
mod kafka;
mod latency;
mod parse;
mod report;
mod speed;
mod whole;

use super::Bench;
use super::measure::Measured;

/// One thing that is measured.
pub trait Job {
    /// Its name, on the command line and in the table.
    fn name(&self) -> &'static str;

    /// What it does, in a few words.
    fn what(&self) -> &'static str;

    /// How much work a run is, in [`Self::unit`].
    fn amount(&self, bench: &Bench) -> u64 {
        bench.log.lines
    }

    /// What is counted.
    fn unit(&self) -> &'static str {
        "lines"
    }

    /// The least that the project holds itself to, in units per CPU-second.
    fn floor(&self) -> Option<f64> {
        None
    }

    /// What it aims at, in units per CPU-second.
    fn goal(&self) -> Option<f64> {
        None
    }

    /// Starts and fills what every run needs, and is measured by none.
    fn prepare(&mut self, _bench: &Bench) -> Result<(), String> {
        Ok(())
    }

    /// One run from a clean start. Its answers are checked: an error says which is wrong.
    fn run(&mut self, bench: &Bench) -> Result<Measured, String>;

    /// Further findings of the runs, each a sentence for BENCHMARKS.md.
    fn findings(&self, _bench: &Bench) -> Vec<String> {
        Vec::new()
    }
}

/// Every job, in the order of the table.
pub fn all() -> Vec<Box<dyn Job>> {
    let mut jobs: Vec<Box<dyn Job>> = vec![
        Box::new(parse::Parse::default()),
        Box::new(speed::Speed),
        Box::new(archive::Archive::default()),
        Box::new(batch::Batch),
        Box::new(whole::Whole),
        Box::new(report::Report),
        Box::new(api::Api::default()),
        Box::new(cardinality::Cardinality::default()),
    ];
    jobs.extend(kafka::jobs());
    jobs.push(Box::new(latency::Latency::default()));
    jobs
}
