//! What a second core brings, in lines per second of wall time.

use std::path::Path;
use std::process::Command;

use super::{Chart, Scale, Series};
use crate::bench::log::Log;
use crate::bench::machine;
use crate::bench::measure::measure;

/// The cores that `taskset` grants.
const CORES: [(f64, &str); 2] = [(1.0, "0"), (2.0, "0,1")];

/// Lines: fewer than the jobs', since a slow core takes its time.
const LINES: u64 = 1_000_000;

/// File → speed layer, archive, everything.
pub struct Cores;

impl Scale for Cores {
    fn name(&self) -> &'static str {
        "cores"
    }

    fn measure(&self) -> Result<Vec<(&'static str, Chart)>, String> {
        let log = Log::generate("bench", LINES)?;
        let parts = [
            ("speed layer", ["speed", "--to-end"].as_slice()),
            ("archiver", &["archive", "--to-end"]),
            ("run, all layers", &["run", "--to-end", "--no-serve"]),
        ];
        let series = parts.map(|(name, part)| {
            let points = CORES.map(|(cores, granted)| Ok((cores, rate(&log, part, granted)?)));
            let points = points.into_iter().collect::<Result<_, String>>()?;
            Ok(Series { name: name.to_owned(), points })
        });
        let chart = Chart {
            title: "One core and two".into(),
            across: "cores".into(),
            upwards: "lines per second (wall)".into(),
            series: series.into_iter().collect::<Result<_, String>>()?,
            machine: machine::describe_with_load(),
        };
        Ok(vec![("cores", chart)])
    }
}

fn rate(log: &Log, part: &[&str], granted: &str) -> Result<f64, String> {
    log.clear_data()?;
    let twofold = log.twofold(part, true);
    let mut command = Command::new("taskset");
    command.args(["-c", granted]).arg(Path::new(twofold.get_program())).args(twofold.get_args());
    Ok(log.lines as f64 / measure(&mut command)?.wall)
}
