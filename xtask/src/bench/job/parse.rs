//! The parser alone: what everything else begins with.

use std::fs::File;
use std::process::{Command, Stdio};

use super::Job;
use crate::bench::Bench;
use crate::bench::log::{EXACT, Log};
use crate::bench::measure::{self, Measured};
use crate::run;

/// File → requests, on two kinds of traffic.
#[derive(Default)]
pub struct Parse {
    demo: Option<Log>,
}

/// Of these there are the more kinds of bots, scanners and broken lines.
const DEMO_LINES: u64 = 1_000_000;

impl Job for Parse {
    fn name(&self) -> &'static str {
        "parse"
    }

    fn what(&self) -> &'static str {
        "file → requests, Combined, fully validated (`data/examples/parse_log.rs`; 1 M lines of the profile `demo` on top)"
    }

    fn amount(&self, bench: &Bench) -> u64 {
        bench.log.lines + DEMO_LINES
    }

    fn floor(&self) -> Option<f64> {
        Some(3e6)
    }

    fn goal(&self) -> Option<f64> {
        Some(6e6)
    }

    fn prepare(&mut self, _bench: &Bench) -> Result<(), String> {
        run::cargo(&["build", "--release", "--workspace", "--example", "parse_log"])?;
        self.demo = Some(Log::generate("demo", DEMO_LINES)?);
        Ok(())
    }

    fn run(&mut self, bench: &Bench) -> Result<Measured, String> {
        let demo = self.demo.as_ref().ok_or("the log was not generated")?;
        let (bench, demo) = (parsed(&bench.log)?, parsed(demo)?);
        Ok(Measured {
            cpu: bench.cpu + demo.cpu,
            wall: bench.wall + demo.wall,
            peak: bench.peak.max(demo.peak),
        })
    }
}

fn parsed(log: &Log) -> Result<Measured, String> {
    let said = log.folder().join("parsed.json");
    let out = File::create(&said).map_err(|error| format!("{}: {error}", said.display()))?;
    let mut parse = Command::new(run::target().join("release/examples/parse_log"));
    let measured = measure::measure_into(parse.arg("combined").arg(log.path()), Stdio::from(out))?;
    log.check(&run::json(&said)?, &EXACT)?;
    Ok(measured)
}
