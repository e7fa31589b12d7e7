//! What the detector costs while traffic comes in, beside the speed layer.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use twofold_data::generate::{LiveTraffic, Profile};

use crate::bench::measure::seconds;
use crate::bench::running::Running;
use crate::run;

/// Lines a second, on a day's average: the hour decides how many there are.
const RATES: [f64; 2] = [5_000.0, 25_000.0];

const SEED: u64 = 42;

/// How long is measured, in seconds, and how long both run before.
const SECONDS: u64 = 60;
const WARM: u64 = 10;

/// The speed layer follows a log to which lines are added; a server beside it judges.
pub fn measure() -> Result<String, String> {
    run::cargo(&["build", "--release", "--workspace", "--bin", "twofold"])?;
    let mut page = format!(
        "CPU-seconds in {SECONDS} s:\n\n| lines a second | speed layer | judging | |\n|--:|--:|--:|--:|\n"
    );
    for rate in RATES {
        page += &at(rate)?;
    }
    Ok(page)
}

fn at(rate: f64) -> Result<String, String> {
    let place = run::scratch("bench-spikes")?;
    let log = place.join("access.log");
    let mut live = Live::start(&log, rate)?;
    live.feed(1)?;
    let mut speed = start(&place, &["speed", "--source", &log.to_string_lossy()])?;
    // By then there is an index to serve.
    live.feed(WARM)?;
    let mut serve = start(&place, &["serve", "--listen", "127.0.0.1:0"])?;
    let outcome = took([&speed, &serve], &mut live);
    if !speed.runs() || !serve.runs() {
        return Err("the speed layer or the server ended too early".to_owned());
    }
    let [speed, judge] = outcome?;
    let (lines, part) = (live.written as u64 / SECONDS, 100.0 * judge / speed.max(0.01));
    Ok(format!("| {lines} | {speed:.2} | {judge:.4} | {part:.2} % |\n"))
}

/// The CPU-seconds of the speed layer, and of the server's first thread, which does nothing but judge, while
/// the log grew.
fn took([speed, serve]: [&Running; 2], live: &mut Live) -> Result<[f64; 2], String> {
    live.feed(WARM)?;
    live.written = 0;
    let [speed, serve] = [speed.0.id(), serve.0.id()];
    let now = || Ok::<_, String>([all_threads(speed)?, thread(serve, serve)?]);
    let before = now()?;
    live.feed(SECONDS)?;
    let after = now()?;
    Ok([after[0] - before[0], after[1] - before[1]])
}

fn all_threads(process: u32) -> Result<f64, String> {
    let folder = format!("/proc/{process}/task");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    names.map(|name| thread(process, name)).sum()
}

/// What a thread has used, in seconds: the scheduler counts nanoseconds, where the usual figures count
/// hundredths of a second.
fn thread(process: u32, thread: u32) -> Result<f64, String> {
    let path = format!("/proc/{process}/task/{thread}/schedstat");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let first = text.split(' ').next().and_then(|text| text.parse::<f64>().ok());
    first.map(|nanoseconds| nanoseconds / 1e9).ok_or(format!("{path}: {text}"))
}

fn start(place: &Path, arguments: &[&str]) -> Result<Running, String> {
    let mut command = Command::new(run::twofold());
    command.args(arguments).arg("--data").arg(place.join("data"));
    Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))
}

/// Appends generated lines to a log as time goes on.
struct Live {
    traffic: LiveTraffic,
    log: File,
    written: usize,
}

impl Live {
    fn start(log: &Path, rate: f64) -> Result<Self, String> {
        let log = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let traffic = LiveTraffic::new(Profile::bench(), seconds(), SEED, rate);
        Ok(Self { traffic, log, written: 0 })
    }

    /// Adds a second's lines each second, for so many seconds.
    fn feed(&mut self, time: u64) -> Result<(), String> {
        let begun = Instant::now();
        for second in 1..=time {
            let mut block = Vec::new();
            self.traffic.second(seconds(), &mut block).map_err(|error| error.to_string())?;
            self.written += block.iter().filter(|byte| **byte == b'\n').count();
            self.log.write_all(&block).map_err(|error| error.to_string())?;
            let due = Duration::from_secs(second);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        Ok(())
    }
}
