//! The API while data flow in.

mod load;
mod server;

pub use load::Latencies;
pub use server::Server;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use self::load::Load;
use super::Job;
use crate::bench::Bench;
use crate::bench::log::generate;
use crate::bench::measure::Measured;
use crate::run;

/// The log: two days, of which the last part is written while questions are asked.
const LINES: usize = 2_000_000;
const DAYS: u64 = 2;
/// It lies in the future: an archive that stands at the end of an old log moves the boundary to the
/// wall clock, and nothing would be live.
pub const START: &str = "2100-01-01";
const LIVE: usize = 60_000;

/// Lines a second while questions are asked.
const PACE: usize = 1_000;

/// Questions a second, and for how long.
const RATE: u64 = 200;
const TIME: Duration = Duration::from_secs(30);

/// What is asked in turn: what the page asks of 24 hours.
const QUESTIONS: [&str; 6] = [
    "top/pages?last=24h&n=10",
    "top/clients?last=24h&n=10",
    "totals?last=24h",
    "series?last=24h&step=auto&split=true&columns=true",
    "top/pages?last=24h&n=10&trend=true",
    "slice?last=24h&status=404&step=auto&n=10",
];

/// Questions at a fixed rate, whether or not the ones before are answered.
#[derive(Default)]
pub struct Api {
    folder: PathBuf,
    /// The lines that are written while questions are asked.
    live: Vec<String>,
    /// Of the last run.
    found: Vec<String>,
}

impl Job for Api {
    fn name(&self) -> &'static str {
        "api"
    }

    fn what(&self) -> &'static str {
        "questions about 24 h, 200 a second, while `run` follows a log of 1,000 lines a second"
    }

    fn amount(&self, _bench: &Bench) -> u64 {
        RATE * TIME.as_secs()
    }

    fn unit(&self) -> &'static str {
        "questions"
    }

    fn prepare(&mut self, _bench: &Bench) -> Result<(), String> {
        self.folder = run::scratch("bench/api")?;
        let whole = self.folder.join("whole.log");
        let days = DAYS.to_string();
        generate("demo", LINES as u64, &["--start", START, "--days", &days], &whole)?;
        let text = fs::read_to_string(&whole).map_err(|error| error.to_string())?;
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let live = lines.split_off(lines.len().saturating_sub(LIVE));
        self.live = live.into_iter().map(str::to_owned).collect();
        run::write(&self.folder.join("before.log"), &lines.concat())?;
        fs::remove_file(whole).map_err(|error| error.to_string())
    }

    fn run(&mut self, _bench: &Bench) -> Result<Measured, String> {
        let folder = run::emptied(&self.folder.join("run")).map(|()| self.folder.join("run"))?;
        let log = folder.join("access.log");
        fs::copy(self.folder.join("before.log"), &log).map_err(|error| error.to_string())?;
        let server = Server::start(&folder)?;
        server.wait_for((LINES - LIVE) as u64)?;
        let before = server.cost()?;
        let (latencies, written) = self.under_load(&server, log)?;
        let after = server.cost()?;
        server.wait_for((LINES - LIVE + written) as u64)?;
        check(&server, LINES - LIVE + written)?;
        let cpu = after.cpu - before.cpu;
        let wall = TIME.as_secs_f64();
        self.found = vec![sentence(&latencies, written, cpu)];
        self.found.iter().for_each(|sentence| println!("{sentence}"));
        Ok(Measured { cpu, wall, peak: after.peak })
    }

    fn findings(&self, _bench: &Bench) -> Vec<String> {
        self.found.clone()
    }
}

impl Api {
    /// Asks and writes side by side. Returns how long the answers took, and how many lines were written.
    fn under_load(&self, server: &Server, log: PathBuf) -> Result<(Latencies, usize), String> {
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| append(&self.live, log));
            let load = Load { address: server.address(), rate: RATE, time: TIME };
            let latencies = load.run(&QUESTIONS)?;
            let written = writer.join().map_err(|_| "the writer panicked".to_owned())??;
            Ok((latencies, written))
        })
    }
}

/// Appends lines for [`TIME`], ten times a second.
fn append(lines: &[String], log: PathBuf) -> Result<usize, String> {
    let mut file =
        fs::OpenOptions::new().append(true).open(log).map_err(|error| error.to_string())?;
    let pieces = lines.chunks(PACE / 10).take(TIME.as_secs() as usize * 10);
    let mut written = 0;
    for piece in pieces {
        file.write_all(piece.concat().as_bytes()).map_err(|error| error.to_string())?;
        written += piece.len();
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(written)
}

/// Every line is counted once, but for those that wait for the next batch run.
fn check(server: &Server, lines: usize) -> Result<(), String> {
    let (totals, status) = (server.ask("totals")?, server.ask("status")?);
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let counted = number(&totals["tally"]["records"]);
    let waiting = number(&status["late"]) + number(&status["ahead"]);
    if (counted..=counted + waiting).contains(&(lines as u64)) {
        return Ok(());
    }
    Err(format!("{counted} records are counted and {waiting} left to the batch layer, of {lines}"))
}

fn sentence(latencies: &Latencies, written: usize, cpu: f64) -> String {
    format!(
        "`api`: {RATE} questions a second for {} s (open loop: the time counts from the instant at which a \
         question was due) while {written} lines flowed in and a batch run published every 15 s: p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms; \
         speed layer, archiver, batch layer and server together used {cpu:.1} CPU-seconds of {} s.",
        TIME.as_secs(),
        latencies.at(0.5),
        latencies.at(0.99),
        latencies.at(1.0),
        TIME.as_secs(),
    )
}
