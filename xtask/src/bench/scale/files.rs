//! What it costs an archiver to start again, as the files it has put grow in number.

use std::path::Path;
use std::process::Command;

use super::{Chart, Scale, Series};
use crate::bench::log::generate;
use crate::bench::machine;
use crate::bench::measure::measure;
use crate::run;

/// Files of the archive, about.
const FILES: [u64; 4] = [10, 100, 1_000, 10_000];

/// Lines of a file: few, since their number is what counts.
const LINES: u64 = 100;

/// Archiver → nothing to do.
pub struct Files;

impl Scale for Files {
    fn name(&self) -> &'static str {
        "archive-start"
    }

    fn measure(&self) -> Result<Vec<(&'static str, Chart)>, String> {
        let points = FILES.map(one);
        let chart = Chart {
            title: "An archiver that finds everything archived".into(),
            across: "files in the archive".into(),
            upwards: "CPU seconds".into(),
            series: vec![Series {
                name: "archive --to-end".into(),
                points: points.into_iter().collect::<Result<_, String>>()?,
            }],
            machine: machine::describe_with_load(),
        };
        Ok(vec![(self.name(), chart)])
    }
}

fn one(files: u64) -> Result<(f64, f64), String> {
    let folder = run::scratch("bench/files")?;
    let (log, data) = (folder.join("access.log"), folder.join("data"));
    generate("bench", files * LINES, &[], &log)?;
    run::output(&mut archive(&log, &data))?;
    let put = count(&data.join("archive").join("logs"));
    let measured = measure(&mut archive(&log, &data))?;
    run::emptied(&folder)?;
    Ok((put as f64, measured.cpu))
}

/// Files of a few hundred lines.
fn archive(log: &Path, data: &Path) -> Command {
    let mut command = Command::new(run::twofold());
    let size = format!("archive.max_bytes={}", LINES * 227);
    command.args(["archive", "--to-end", "--set", &size, "--source"]).arg(log);
    command.arg("--data").arg(data);
    command
}

fn count(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 })
        .sum()
}
