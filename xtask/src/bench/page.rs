//! BENCHMARKS.md.

use super::measure::Measured;
use super::{Bench, Figure, machine};

/// One figure, for the terminal.
pub fn line(figure: &Figure, lines: u64) -> String {
    let median = median(&figure.runs);
    format!(
        "{:<8} {:>10.0} lines per CPU-second  {:>6.2} CPU-s  {:>6.2} s  {:>5.0} MiB",
        figure.job.name,
        lines as f64 / median.cpu,
        median.cpu,
        median.wall,
        median.peak
    )
}

/// The whole page.
pub fn page(bench: &Bench, figures: &[Figure], archive: f64, wide: Option<&Measured>) -> String {
    let mut text = format!(
        "# Benchmarks\n\nMeasured on {}. `cargo xtask bench --lines {}` shows them again.\n\n",
        machine::describe(),
        bench.lines
    );
    text += &format!(
        "The log is `twofold generate --profile bench --lines {}`: {} bytes, {:.0} a line. The unit is\n\
         lines per CPU-second (user and system time of the whole process); wall time is what it\n\
         happened to be. Medians of {} runs; the answers were compared with the generator's before a\n\
         time was taken down.\n\n",
        bench.lines,
        bench.bytes,
        bench.bytes as f64 / bench.lines as f64,
        figures.first().map_or(0, |figure| figure.runs.len())
    );
    text += "| job | what it does | lines per CPU-second | floor | CPU-s per million lines | wall s | peak MiB |\n";
    text += "|---|---|---:|---:|---:|---:|---:|\n";
    for figure in figures {
        text += &row(figure, bench.lines as f64);
    }
    text += &format!("\nThe archive is {:.1} % of the raw log (at most 12 %).\n", archive * 100.0);
    if let Some(wide) = wide {
        text += &format!(
            "\nThe speed layer on a million distinct clients and a million distinct pages in one minute\n\
             (`--profile cardinality`): {:.0} MiB at its peak (at most 256), {:.2} CPU-s.\n",
            wide.peak, wide.cpu
        );
    }
    text + "\nNot compared: other tools. The peers' figures are not measured by this bench yet.\n"
}

fn row(figure: &Figure, lines: f64) -> String {
    let median = median(&figure.runs);
    format!(
        "| {} | {} | {:.0} | {:.0} | {:.2} | {:.1} | {:.0} |\n",
        figure.job.name,
        figure.job.what,
        lines / median.cpu,
        figure.job.floor,
        median.cpu / lines * 1e6,
        median.wall,
        median.peak
    )
}

/// The run with the median CPU time.
fn median(runs: &[Measured]) -> Measured {
    let mut sorted = runs.to_vec();
    sorted.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    sorted[sorted.len() / 2]
}
