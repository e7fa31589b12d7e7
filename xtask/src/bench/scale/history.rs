//! What one new day costs the batch layer, as the days before it grow.

use std::path::Path;
use std::process::Command;

use super::{Chart, Scale, Series};
use crate::bench::log::generate;
use crate::bench::machine;
use crate::bench::measure::measure;
use crate::run;

/// Days of history.
const DAYS: [u64; 5] = [1, 3, 10, 30, 60];

/// Lines of a day.
const LINES: u64 = 20_000;

/// The batch layer on one new day.
pub struct History;

impl Scale for History {
    fn name(&self) -> &'static str {
        "history"
    }

    fn measure(&self) -> Result<Vec<(&'static str, Chart)>, String> {
        let points = DAYS.map(|days| Ok((days as f64, one(days)?)));
        let chart = Chart {
            title: format!("The batch run after one new day of {LINES} lines"),
            across: "days of history before it".into(),
            upwards: "CPU seconds".into(),
            series: vec![Series {
                name: "batch".into(),
                points: points.into_iter().collect::<Result<_, String>>()?,
            }],
            machine: machine::describe_with_load(),
        };
        Ok(vec![(self.name(), chart)])
    }
}

/// CPU seconds of the run that computes the last of so many days and one.
fn one(days: u64) -> Result<f64, String> {
    let folder = run::scratch("bench/history")?;
    let (log, input, data) = (folder.join("all.log"), folder.join("input"), folder.join("data"));
    let of = (days + 1).to_string();
    generate("bench", (days + 1) * LINES, &["--days", &of], &log)?;
    run::emptied(&input)?;
    let text = std::fs::read_to_string(&log).map_err(|error| error.to_string())?;
    let new = start_of_last_day(&text, days);
    let (before, after) = text.split_at(new);
    run::write(&input.join("access.log.1"), before)?;
    twofold(&["archive", "--to-end", "--source"], &input, &data)?;
    run::output(&mut batch(&data))?;
    run::write(&input.join("access.log"), after)?;
    twofold(&["archive", "--to-end", "--source"], &input, &data)?;
    let measured = measure(&mut batch(&data))?;
    run::emptied(&folder)?;
    Ok(measured.cpu)
}

/// Where the line begins that has as many days before it; every day has about as many lines.
fn start_of_last_day(text: &str, days: u64) -> usize {
    let about = text.len() / (days as usize + 1) * days as usize;
    text[about..].find('\n').map_or(about, |at| about + at + 1)
}

fn twofold(arguments: &[&str], input: &Path, data: &Path) -> Result<(), String> {
    let mut command = Command::new(run::twofold());
    command.args(arguments).arg(input).arg("--data").arg(data);
    run::output(&mut command).map(drop)
}

fn batch(data: &Path) -> Command {
    let mut command = Command::new(run::twofold());
    command.args(["batch", "--data"]).arg(data);
    command
}
