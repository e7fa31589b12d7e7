//! Measures the speed layer: from a log file to the embedded index.
//!
//! ```text
//! cargo run --release -p twofold-speed --example speed_layer -- generate bench 5000000 bench.log
//! cargo run --release -p twofold-speed --example speed_layer -- run bench.log
//! ```
//!
//! Prints lines, CPU seconds of all threads, lines per CPU second, and the peak
//! of the memory (Linux).

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;
use std::time::Instant;

use object_store::memory::InMemory;
use twofold_data::format::Format;
use twofold_data::generate::{Profile, Traffic};
use twofold_serving::index::Index;
use twofold_serving::index::sqlite::SqliteIndex;
use twofold_speed::resume::positions;
use twofold_speed::source::Mode;
use twofold_speed::source::file::{FileOptions, FileSource};
use twofold_speed::speed::{Options, run};

/// 2026-11-23T00:00Z, in seconds.
const START: i64 = 1_795_392_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["generate", profile, lines, file] => generate(profile, lines.parse()?, file),
        ["run", file] => measure(file),
        _ => Err("usage: generate PROFILE LINES FILE | run FILE".into()),
    }
}

fn generate(profile: &str, lines: u64, file: &str) -> Result<(), Box<dyn Error>> {
    let profile = Profile::named(profile).ok_or("no such profile")?;
    let mut out = BufWriter::new(File::create(file)?);
    Traffic::new(profile, START, 42).write(1, lines, &mut out, |_| {})?;
    Ok(())
}

fn measure(file: &str) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let index: Arc<dyn Index> = Arc::new(SqliteIndex::open(&folder.path().join("twofold.db"))?);
    let options = FileOptions::new(vec![file.to_owned()], Mode::ToEnd);
    let store = Arc::new(InMemory::new());
    let mut source = FileSource::open(options, store, positions(index.clone()))?;
    let format = Format::named("combined").ok_or("no such format")?;
    let started = Instant::now();
    let stop = Arc::default();
    let progress = run(&mut source, index, &format, Options::default(), &stop, &mut |_| ())?;
    let (cpu, wall) = (cpu_seconds()?, started.elapsed().as_secs_f64());
    let size = std::fs::metadata(folder.path().join("twofold.db"))?.len();
    println!(
        "{} records in {wall:.2} s, {cpu:.2} CPU seconds: {:.2} M records per CPU second, \
         {:.0} MiB/s; peak memory {} KiB; index {} MiB; {progress:?}",
        progress.records,
        progress.records as f64 / cpu / 1e6,
        progress.bytes as f64 / wall / (1 << 20) as f64,
        peak_kib()?,
        size >> 20,
    );
    Ok(())
}

/// CPU time of all threads so far (utime and stime of `proc_pid_stat(5)`, in hundredths).
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no fields")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    Ok(ticks.sum::<Result<u64, _>>()? as f64 / 100.0)
}

/// The peak resident size (`VmHWM` of `proc_pid_status(5)`).
fn peak_kib() -> Result<String, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.ok_or("no VmHWM")?.trim().trim_end_matches(" kB").to_owned())
}
