//! What the detector costs while traffic comes in, beside the speed layer.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use twofold_data::generate::{LiveTraffic, Profile};

use crate::bench::measure::so_far;
use crate::run;

/// Lines a second, on a day's average: the hour decides how many there are.
const RATE: f64 = 5_000.0;

const SEED: u64 = 42;

/// How long is measured, in seconds, and how long both run before.
const SECONDS: u64 = 120;
const WARM: u64 = 15;

/// The speed layer follows a log to which lines are added; a server beside it judges. What
/// a server costs that has nothing to judge is not taken off.
pub fn measure() -> Result<String, String> {
    run::cargo(&["build", "--release", "--workspace", "--bin", "twofold"])?;
    let place = run::scratch("bench-spikes")?;
    let log = place.join("access.log");
    let mut live = Live::start(&log)?;
    live.feed(1)?;
    let mut speed = start(&place, &["speed", "--source", &log.to_string_lossy()])?;
    // By then there is an index to serve.
    live.feed(WARM)?;
    let mut serve = start(&place, &["serve", "--listen", "127.0.0.1:0"])?;
    let outcome = took([&speed, &serve], &mut live);
    let both = [&mut speed, &mut serve].map(|child| matches!(child.try_wait(), Ok(None)));
    for child in [&mut speed, &mut serve] {
        let _ = child.kill();
        let _ = child.wait();
    }
    if both != [true, true] {
        return Err("the speed layer or the server ended too early".to_owned());
    }
    let [speed, judge] = outcome?;
    Ok(format!(
        "With {} lines a second for {SECONDS} s the speed layer took {speed:.2} CPU-seconds, and the server that \
         judges beside it {judge:.2}: {:.1} %.\n",
        live.written as u64 / SECONDS,
        100.0 * judge / speed.max(0.01)
    ))
}

/// The CPU-seconds that each took while the log grew.
fn took(children: [&Child; 2], live: &mut Live) -> Result<[f64; 2], String> {
    live.feed(WARM)?;
    live.written = 0;
    let before = [cpu(children[0])?, cpu(children[1])?];
    live.feed(SECONDS)?;
    Ok([cpu(children[0])? - before[0], cpu(children[1])? - before[1]])
}

fn start(place: &Path, arguments: &[&str]) -> Result<Child, String> {
    let mut command = Command::new(run::twofold());
    command.args(arguments).arg("--data").arg(place.join("data"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| format!("twofold {arguments:?}: {error}"))
}

/// User and system time so far, in seconds.
fn cpu(child: &Child) -> Result<f64, String> {
    Ok(so_far(child.id())?.cpu)
}

/// Appends generated lines to a log as time goes on.
struct Live {
    traffic: LiveTraffic,
    log: File,
    written: usize,
}

impl Live {
    fn start(log: &Path) -> Result<Self, String> {
        let log = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let traffic = LiveTraffic::new(Profile::bench(), now(), SEED, RATE);
        Ok(Self { traffic, log, written: 0 })
    }

    /// Adds a second's lines each second, for so many seconds.
    fn feed(&mut self, seconds: u64) -> Result<(), String> {
        let begun = Instant::now();
        for second in 1..=seconds {
            let mut block = Vec::new();
            self.traffic.second(now(), &mut block).map_err(|error| error.to_string())?;
            self.written += block.iter().filter(|byte| **byte == b'\n').count();
            self.log.write_all(&block).map_err(|error| error.to_string())?;
            let due = Duration::from_secs(second);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        Ok(())
    }
}

/// The wall clock, in seconds since the Unix epoch.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
