//! Questions that come at their time, whatever became of those before: an open loop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many questions can be on their way at once.
const CONNECTIONS: usize = 32;

/// A load on a server.
pub struct Load<'a> {
    /// Where the API is: `http://HOST:PORT/api/v1`.
    pub address: &'a str,
    /// Questions a second.
    pub rate: u64,
    /// For how long.
    pub time: Duration,
}

impl Load<'_> {
    /// Asks the questions in turn; each must be answered.
    pub fn run(&self, questions: &[&str]) -> Result<Latencies, String> {
        let next = AtomicU64::new(0);
        let start = Instant::now();
        let mut all = Latencies::default();
        std::thread::scope(|scope| {
            let ask = || self.ask(questions, &next, start);
            let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(ask)).collect();
            for thread in threads {
                all.0.extend(thread.join().map_err(|_| "an asker panicked".to_owned())??.0);
            }
            Ok(all)
        })
    }

    /// One connection's part. The time of an answer counts from when its question was due.
    fn ask(
        &self,
        questions: &[&str],
        next: &AtomicU64,
        start: Instant,
    ) -> Result<Latencies, String> {
        let agent = ureq::Agent::new_with_defaults();
        let mut latencies = Latencies::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = Duration::from_micros(number * 1_000_000 / self.rate);
            if due >= self.time {
                return Ok(latencies);
            }
            std::thread::sleep((start + due).saturating_duration_since(Instant::now()));
            let question = questions[number as usize % questions.len()];
            let answer = agent.get(format!("{}/{question}", self.address)).call();
            let body = answer.and_then(|mut answer| answer.body_mut().read_to_vec());
            body.map_err(|error| format!("{question}: {error}"))?;
            latencies.add(start.elapsed().saturating_sub(due));
        }
    }
}

/// How long answers took.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// The latency (ms) within which the share `rank` (0 to 1) of the answers came.
    pub fn at(&self, rank: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (rank * sorted.len() as f64).ceil() as usize;
        let latency = sorted.get(place.saturating_sub(1)).copied().unwrap_or_default();
        latency.as_secs_f64() * 1e3
    }
}
