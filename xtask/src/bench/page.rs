//! BENCHMARKS.md.

use super::figure::{Figure, Figures};
use super::job::{self, Job};
use super::peers;
use crate::run;

/// One figure, for the terminal.
pub fn line(figure: &Figure) -> String {
    let median = figure.median();
    format!(
        "{:<14} {:>10.0} {} per CPU-second  {:>6.2} CPU-s  {:>6.2} s  {:>5.0} MiB",
        figure.name,
        figure.rate(),
        figure.unit,
        median.cpu,
        median.wall,
        median.peak
    )
}

/// Writes the page from the figures.
pub fn write(figures: &Figures) -> Result<(), String> {
    run::write(&run::root().join("BENCHMARKS.md"), &page(figures)?)
}

const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask bench`, from `docs/figures.json`. `cargo xtask bench NAME…` measures those
jobs again; without names all of them.

The log is `twofold generate --profile bench --lines 5000000` (fixed seed): 1.14 GB, 227 bytes a line,
50 k clients and 5 k pages by Zipf, a quarter of the lines up to 60 s late. The unit is units of work
per CPU-second (user and system time of the whole process); wall time is what it happened to be. A
first run warms up, then the median of the others counts. The answers of every run are compared with
the generator's before its time is taken down. Load is the machine's load average at the end of the
last run, on all its cores: what is above the job's own threads is other work, which costs a job CPU
time, too (caches are shared).

";

fn page(figures: &Figures) -> Result<String, String> {
    let ours: Vec<Figure> = job::all().iter().filter_map(|job| figures.get(job.name())).collect();
    let mut text = HEAD.to_owned() + &table(&ours);
    for finding in ours.iter().flat_map(|figure| &figure.findings) {
        text += &format!("\n{finding}\n");
    }
    text += &peer_table(figures);
    text += &machines(&ours);
    text += &charts(figures)?;
    Ok(text + NOT_COMPARED)
}

/// The charts, drawn into `docs/charts`.
fn charts(figures: &Figures) -> Result<String, String> {
    let charts = figures.charts();
    if charts.is_empty() {
        return Ok(String::new());
    }
    let folder = run::root().join("docs").join("charts");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut text =
        "\n## How it grows\n\n`cargo xtask bench --charts` measures and draws these.\n".to_owned();
    for (name, chart) in &charts {
        run::write(&folder.join(format!("{name}.svg")), &chart.svg())?;
        text += &format!("\n![{}](docs/charts/{name}.svg)\n\n{}.\n", chart.title, chart.machine);
    }
    Ok(text)
}

const NOT_COMPARED: &str = "
Not compared: what the others do and twofold doesn't (any SQL; a cluster), and what twofold does and
they don't in these jobs: keeping every line byte for byte, estimates within seconds, classes of user
agents, resuming after a kill, and a proof of completeness. Start-up counts for everybody: Spark's is
about 27 CPU-seconds. A difference below a quarter says nothing on a shared machine.
";

/// What people use today, and how much more of it twofold does in a CPU-second.
fn peer_table(figures: &Figures) -> String {
    let mut text = String::from(
        "\n## Beside what people use today\n\n\
         `cargo xtask bench --peers` runs them on the same log, one after the other (`xtask/peers`). Their \
         answers are checked, too.\n\n\
         | peer and job | lines per CPU-second | peak MiB | wall s | twofold's job is so many times as fast |\n\
         |---|---:|---:|---:|---|\n",
    );
    let mut any = false;
    for peer in peers::all() {
        let Some(figure) = figures.get(peer.name()) else { continue };
        any = true;
        let times = |name: &&str| {
            let ours = figures.get(name)?;
            Some(format!("`{name}` {:.1}", ours.rate() / figure.rate()))
        };
        let times: Vec<String> = peer.beside().iter().filter_map(times).collect();
        let median = figure.median();
        text += &format!(
            "| {} | {:.0} | {:.0} | {:.1} | {} |\n",
            figure.what,
            figure.rate(),
            median.peak,
            median.wall,
            times.join(", ")
        );
    }
    if any {
        text
    } else {
        "\nThe peers have not been measured yet: `cargo xtask bench --peers`.\n".into()
    }
}

fn table(figures: &[Figure]) -> String {
    let mut text = String::from(
        "| job | what it does | per CPU-second | floor | goal | CPU-s per million | wall s | peak MiB | runs | load |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for figure in figures {
        let median = figure.median();
        let limit = |limit: Option<f64>| limit.map_or("–".into(), |limit| format!("{limit:.0}"));
        text += &format!(
            "| {} | {} | {:.0} {} | {} | {} | {:.2} | {:.1} | {:.0} | {} | {:.1} |\n",
            figure.name,
            figure.what,
            figure.rate(),
            figure.unit,
            limit(figure.floor),
            limit(figure.goal),
            median.cpu / figure.amount * 1e6,
            median.wall,
            median.peak,
            figure.runs.len(),
            figure.load,
        );
    }
    text
}

/// On what the figures were measured: one machine, mostly.
fn machines(figures: &[Figure]) -> String {
    let mut machines: Vec<(&str, Vec<&str>)> = Vec::new();
    for figure in figures {
        match machines.iter_mut().find(|(machine, _)| *machine == figure.machine) {
            Some((_, names)) => names.push(&figure.name),
            None => machines.push((&figure.machine, vec![&figure.name])),
        }
    }
    let line = |(machine, names): &(&str, Vec<&str>)| {
        format!("\nMeasured on {machine}: {}.\n", names.join(", "))
    };
    machines.iter().map(line).collect()
}
