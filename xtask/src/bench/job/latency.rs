//! How long a line that has arrived in Kafka takes to be counted in the API's answers.

use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use twofold_data::generate::{LiveTraffic, Profile};

use super::Job;
use super::api::{self, Latencies};
use crate::bench::Bench;
use crate::bench::broker::Broker;
use crate::bench::measure::{Measured, now, seconds, so_far};
use crate::bench::running::Running;
use crate::run;
use crate::stack::Server;

/// Lines a second, on a day's average.
const RATE: f64 = 2_000.0;

/// For how long lines come, in seconds. Those of the first are left out: processes start.
const SECONDS: usize = 40;
const WARM: usize = 10;

/// Pieces of a second, which are sent at their time.
const PIECES: usize = 20;

/// A pause between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// So long a server may take to listen, and the last lines to be counted.
const PATIENCE: Duration = Duration::from_secs(60);

/// Producer → Kafka → `speed` → Elasticsearch → `serve` → a reader who asks again and again.
pub struct Latency {
    broker: Rc<RefCell<Broker>>,
    runs: u64,
    found: Vec<String>,
}

impl Default for Latency {
    fn default() -> Self {
        Self { broker: Broker::shared(), runs: 0, found: Vec::new() }
    }
}

impl Job for Latency {
    fn name(&self) -> &'static str {
        "latency"
    }

    fn what(&self) -> &'static str {
        "live traffic through Kafka and Elasticsearch until the API counts it"
    }

    fn amount(&self, _bench: &Bench) -> u64 {
        (RATE * SECONDS as f64) as u64
    }

    fn prepare(&mut self, _bench: &Bench) -> Result<(), String> {
        let mut broker = self.broker.borrow_mut();
        broker.start(Server::Kafka)?;
        broker.start(Server::Elasticsearch)
    }

    fn run(&mut self, _bench: &Bench) -> Result<Measured, String> {
        self.runs += 1;
        let flow = Flow::start(&self.broker.borrow(), self.runs)?;
        let start = Instant::now();
        let latencies = flow.measure()?;
        let measured = so_far(flow.speed.0.id())?;
        let sentence = format!(
            "`latency`: from the instant at which a line is handed to `ship` until an answer of the API counts it: \
             p50 {:.0} ms, p99 {:.0} ms, slowest {:.0} ms, at {RATE} lines a second on a day's average.",
            latencies.at(0.5),
            latencies.at(0.99),
            latencies.at(1.0),
        );
        println!("{sentence}");
        self.found = vec![sentence];
        Ok(Measured { wall: start.elapsed().as_secs_f64(), ..measured })
    }

    fn findings(&self, _bench: &Bench) -> Vec<String> {
        self.found.clone()
    }
}

/// The processes on the way of a line.
struct Flow {
    topic: String,
    speed: Running,
    serve: api::Server,
}

impl Flow {
    fn start(broker: &Broker, number: u64) -> Result<Self, String> {
        let topic = format!("kafka://{}/latency-{number}", broker.address()?);
        let folder = run::scratch(&format!("bench/latency-{number}"))?;
        make_topic(&topic, &folder)?;
        let index = broker.variable("TWOFOLD_TEST_ELASTICSEARCH")?;
        let prefix = format!("index.prefix=latency_{number}");
        let part = |arguments: &[&str]| {
            let mut command = twofold(arguments);
            command.arg("--data").arg(folder.join("data"));
            command.args(["--index", &index, "--set", &prefix]);
            command
        };
        // A group that knows nothing of the run before, whose killed member it would wait for.
        let group = format!("source.group=latency-{number}");
        let speed = ["speed", "--source", &topic, "--format", "combined", "--set", &group];
        let speed = Running::start(&mut part(&speed))?;
        let serve = listening(&mut part(&["serve", "--listen", "127.0.0.1:0"]))?;
        Ok(Self { topic, speed, serve })
    }

    /// Sends lines from another thread, and looks how many are counted.
    fn measure(&self) -> Result<Latencies, String> {
        let mut ship = twofold(&["ship", "-", "--to", &self.topic, "--format", "combined"]);
        let mut ship = Running::start(ship.stdin(Stdio::piped()))?;
        let input = ship.0.stdin.take().ok_or("`ship` has no standard input")?;
        let sent = Mutex::new(Sent::default());
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| send(input, &sent));
            let latencies = self.look(&sent);
            sender.join().map_err(|_| "the sender panicked".to_owned())??;
            latencies
        })
    }

    /// Until every line is counted that will be sent.
    fn look(&self, sent: &Mutex<Sent>) -> Result<Latencies, String> {
        let (mut latencies, mut seen) = (Latencies::default(), 0);
        let until = Instant::now() + Duration::from_secs(SECONDS as u64) + PATIENCE;
        loop {
            // The first line of all made the topic.
            let counted = self.counted()?.saturating_sub(1) as usize;
            let now = Instant::now();
            let sent = sent.lock().map_err(|error| error.to_string())?;
            let new = sent.at.get(seen..counted).unwrap_or_default().iter().flatten();
            new.for_each(|at| latencies.add(now - *at));
            seen = seen.max(counted);
            if sent.all && seen >= sent.at.len() {
                return Ok(latencies);
            }
            if now > until {
                return Err(format!("{seen} of {} lines are counted", sent.at.len()));
            }
            drop(sent);
            std::thread::sleep(LOOK);
        }
    }

    /// The records that an answer counts which was computed just now: other zeros make another question.
    fn counted(&self) -> Result<u64, String> {
        let zeros = "0".repeat(now().subsec_nanos() as usize % 97);
        let totals = self.serve.ask(&format!("totals?last={zeros}2h"))?;
        Ok(totals["tally"]["records"].as_u64().unwrap_or(0))
    }
}

/// When each line was sent; nothing of those that only warm up.
#[derive(Default)]
struct Sent {
    at: Vec<Option<Instant>>,
    all: bool,
}

/// Hands the lines of each second to `ship`, a piece at a time.
fn send(mut input: ChildStdin, sent: &Mutex<Sent>) -> Result<(), String> {
    let mut traffic = LiveTraffic::new(Profile::bench(), seconds(), 42, RATE);
    let start = Instant::now();
    for second in 0..SECONDS {
        let mut block = Vec::new();
        traffic.second(seconds(), &mut block).map_err(|error| error.to_string())?;
        let lines: Vec<&[u8]> = block.split_inclusive(|byte| *byte == b'\n').collect();
        for (piece, lines) in lines.chunks(lines.len().div_ceil(PIECES).max(1)).enumerate() {
            let due = start + Duration::from_millis((second * 1000 + piece * 1000 / PIECES) as u64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let at = (second >= WARM).then(Instant::now);
            let mut sent = sent.lock().map_err(|error| error.to_string())?;
            sent.at.extend(lines.iter().map(|_| at));
            drop(sent);
            let written = input.write_all(&lines.concat());
            written.map_err(|error| format!("`ship` has ended: {error}"))?;
        }
    }
    sent.lock().map_err(|error| error.to_string())?.all = true;
    Ok(())
}

/// A topic of four partitions with one line in it.
fn make_topic(topic: &str, folder: &Path) -> Result<(), String> {
    let log = folder.join("first.log");
    let mut block = Vec::new();
    let mut traffic = LiveTraffic::new(Profile::bench(), seconds(), 1, RATE);
    traffic.second(seconds(), &mut block).map_err(|error| error.to_string())?;
    let first = block.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    run::write(&log, &String::from_utf8_lossy(first))?;
    let mut ship = Command::new(run::twofold());
    run::output(ship.arg("ship").arg(&log).args(["--to", topic, "--create", "4"])).map(drop)
}

fn twofold(arguments: &[&str]) -> Command {
    let mut command = Command::new(run::twofold());
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts `serve`, which ends by itself as long as the speed layer has stored nothing.
fn listening(serve: &mut Command) -> Result<api::Server, String> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(server) = api::Server::of(serve)? {
            return Ok(server);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Err("`serve` does not listen".to_owned())
}
