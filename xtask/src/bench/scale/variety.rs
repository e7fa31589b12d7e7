//! Memory and cost of the speed layer as distinct clients and pages of one minute grow.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Chart, Scale, Series};
use crate::bench::machine;
use crate::bench::measure::{Measured, measure};
use crate::run;

/// Distinct clients, and as many distinct pages.
const SIZES: [u64; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// A run has at least so many lines.
const LINES: u64 = 1_000_000;

/// File → speed layer.
pub struct Variety;

impl Scale for Variety {
    fn name(&self) -> &'static str {
        "variety"
    }

    fn measure(&self) -> Result<Vec<(&'static str, Chart)>, String> {
        let (mut memory, mut cost) = (Vec::new(), Vec::new());
        for distinct in SIZES {
            let lines = LINES.max(distinct);
            let run = one(distinct, lines)?;
            memory.push((distinct as f64, run.peak));
            cost.push((distinct as f64, run.cpu / lines as f64 * 1e6));
        }
        Ok(vec![
            ("variety-memory", chart("Peak memory of the speed layer", "MiB", memory)),
            ("variety-cost", chart("Cost of the speed layer", "CPU-s per million lines", cost)),
        ])
    }
}

fn chart(title: &str, upwards: &str, points: Vec<(f64, f64)>) -> Chart {
    Chart {
        title: title.to_owned(),
        across: "distinct clients and distinct pages in one minute".into(),
        upwards: upwards.to_owned(),
        series: vec![Series { name: "file → all speed views".into(), points }],
        machine: machine::describe_with_load(),
    }
}

fn one(distinct: u64, lines: u64) -> Result<Measured, String> {
    let folder = run::scratch("bench/variety")?;
    let (log, data) = (folder.join("access.log"), folder.join("data"));
    write(&log, distinct, lines).map_err(|error| format!("{}: {error}", log.display()))?;
    let mut speed = Command::new(run::twofold());
    speed.args(["speed", "--to-end", "--data"]).arg(&data).arg("--source").arg(&log);
    let measured = measure(&mut speed)?;
    let mut report = Command::new(run::twofold());
    let said = run::output(report.args(["report", "--json", "--data"]).arg(&data))?;
    let said: Value = serde_json::from_str(&said).map_err(|error| error.to_string())?;
    run::emptied(&folder)?;
    match said["requests"].as_u64() {
        Some(counted) if counted == lines => Ok(measured),
        _ => Err(format!("{} requests are counted, not {lines}", said["requests"])),
    }
}

/// Lines of one minute; clients and pages come in turn.
fn write(path: &Path, distinct: u64, lines: u64) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for line in 0..lines {
        let (key, second) = (line % distinct, line * 60 / lines);
        let [_, a, b, c] = (key as u32).to_be_bytes();
        writeln!(
            out,
            "10.{a}.{b}.{c} - - [23/Nov/2026:18:04:{second:02} +0000] \"GET /item/{key} HTTP/1.1\" 200 {} \"-\" \
             \"Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\"",
            line % 5000
        )?;
    }
    out.flush()
}
