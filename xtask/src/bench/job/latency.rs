//! How long a line that has arrived in Kafka takes to be seen in its minute.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use twofold_data::minute::Minute;

use super::Job;
use super::api::load::Latencies;
use crate::bench::Bench;
use crate::bench::broker::Broker;
use crate::bench::measure::{Measured, so_far};
use crate::run;
use crate::stack::Server;

/// Lines a second, and for how long.
const RATE: u64 = 2_000;
const TIME: Duration = Duration::from_secs(30);

/// The lines of the first seconds wait for the processes to start.
const WARM: Duration = Duration::from_secs(8);

/// A pause between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// So long the last lines may take.
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
        "2,000 lines a second through Kafka and Elasticsearch until the API counts them"
    }

    fn amount(&self, _bench: &Bench) -> u64 {
        RATE * TIME.as_secs()
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
        let latencies = flow.measure(start)?;
        let measured = so_far(flow.speed.0.id())?;
        let sentence = format!(
            "`latency`: from the instant at which a line is handed to `ship` until an answer of the API counts \
             it in its minute: p50 {:.0} ms, p99 {:.0} ms, slowest {:.0} ms at {RATE} lines a second.",
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

/// A child that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The processes on the way of a line.
struct Flow {
    ship: RefCell<Running>,
    speed: Running,
    _serve: Running,
    address: String,
}

impl Flow {
    fn start(broker: &Broker, number: u64) -> Result<Self, String> {
        let topic = format!("kafka://{}/latency-{number}", broker.address()?);
        let folder = run::scratch(&format!("bench/latency-{number}"))?;
        run::emptied(&folder)?;
        let index = broker.variable("TWOFOLD_TEST_ELASTICSEARCH")?;
        let prefix = format!("index.prefix=latency-{number}");
        let twofold = |arguments: &[&str]| {
            let mut command = Command::new(run::twofold());
            command.args(arguments);
            command.stderr(Stdio::null()).stdout(Stdio::null());
            command
        };
        let spawn = |command: &mut Command| command.spawn().map_err(|error| error.to_string());
        let mut ship = twofold(&["ship", "-", "--to", &topic, "--create", "4"]);
        let mut ship = spawn(ship.args(["--format", "combined"]).stdin(Stdio::piped()))?;
        let input = ship.stdin.as_mut().ok_or("`ship` has no standard input")?;
        // The topic is made with the first lines.
        input.write_all(line(0).as_bytes()).map_err(|error| error.to_string())?;
        std::thread::sleep(Duration::from_secs(2));
        let place = |command: &mut Command| {
            command.arg("--data").arg(&folder).args(["--index", &index, "--set", &prefix]);
        };
        let mut speed = twofold(&["speed", "--source", &topic, "--format", "combined"]);
        place(&mut speed);
        let speed = Running(spawn(&mut speed)?);
        let mut serve = twofold(&["serve", "--listen", "127.0.0.1:0"]);
        place(&mut serve);
        let mut serve = Running(spawn(serve.stderr(Stdio::piped()))?);
        let said = serve.0.stderr.take().ok_or("`serve` has no standard error")?;
        let mut said = BufReader::new(said).lines().map_while(Result::ok);
        let address = said.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        std::thread::spawn(move || said.count());
        let address = address.ok_or("`serve` does not listen")? + "/api/v1";
        Ok(Self { ship: RefCell::new(Running(ship)), speed, _serve: serve, address })
    }

    /// Sends lines at their times from another thread, and looks how many are counted.
    fn measure(&self, start: Instant) -> Result<Latencies, String> {
        let mut ship = self.ship.borrow_mut();
        let mut input = ship.0.stdin.take().ok_or("`ship` has no standard input")?;
        let total = RATE * TIME.as_secs();
        std::thread::scope(|scope| {
            let sender = scope.spawn(move || {
                for number in 0..total {
                    let wait = (start + due(number)).saturating_duration_since(Instant::now());
                    std::thread::sleep(wait);
                    input.write_all(line(number).as_bytes())?;
                }
                Ok::<(), std::io::Error>(())
            });
            let latencies = self.look(start, total);
            let sent = sender.join().map_err(|_| "the sender panicked".to_owned())?;
            sent.map_err(|error| format!("`ship` has ended: {error}"))?;
            latencies
        })
    }

    fn look(&self, start: Instant, total: u64) -> Result<Latencies, String> {
        let (mut latencies, mut seen) = (Latencies::default(), 0);
        while seen < total {
            // The first line of all made the topic.
            let counted = self.counted()?.saturating_sub(1).min(total);
            let now = start.elapsed();
            let timed = (seen..counted).map(due).filter(|due| *due >= WARM);
            timed.for_each(|due| latencies.add(now.saturating_sub(due)));
            seen = seen.max(counted);
            if now > TIME + PATIENCE {
                return Err(format!("{seen} of {total} lines are counted"));
            }
            std::thread::sleep(LOOK);
        }
        Ok(latencies)
    }

    /// The lines that an answer counts which was computed just now: no answer to that question is kept.
    fn counted(&self) -> Result<u64, String> {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let zeros = "0".repeat(elapsed.subsec_nanos() as usize % 97);
        let url = format!("{}/totals?last={zeros}1h", self.address);
        let Ok(mut answer) = ureq::get(&url).call() else { return Ok(0) };
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        let totals: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(totals["tally"]["records"].as_u64().unwrap_or(0))
    }
}

/// When a line is due after the start.
fn due(number: u64) -> Duration {
    Duration::from_micros(number * 1_000_000 / RATE)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A line of this second, by one of 251 clients.
fn line(number: u64) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let minute = Minute((seconds / 60) as i64).to_string();
    let (date, clock) = minute.split_at(10);
    let month = date[5..7].parse::<usize>().map_or("Jan", |month| MONTHS[(month + 11) % 12]);
    format!(
        "192.0.2.{} - - [{}/{month}/{}:{}:{:02} +0000] \"GET /page/{} HTTP/1.1\" 200 512 \"-\" \"bench\"\n",
        number % 251,
        &date[8..10],
        &date[..4],
        &clock[1..6],
        seconds % 60,
        number % 1000,
    )
}
