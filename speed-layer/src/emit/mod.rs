//! Emission: changed rows go to the index on a thread of their own, in order.
//!
//! A partition's state is written only after the rows that it covers are
//! acknowledged. Where the index does not answer, the emitter tries again and
//! its queue fills, so that the fold pauses rather than grows.

mod rollup;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use twofold_data::minute::Minute;
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;
use twofold_serving::index::{Index, IndexError, LiveDocument, PartitionState};
use twofold_serving::pulse::{PATIENCE, Step};

use rollup::Rollup;

/// How many emissions may wait for the index before the fold waits for them.
const QUEUE: usize = 4;

/// The longest pause between two attempts to reach the index.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What goes to the index together.
#[derive(Debug)]
pub enum Emission {
    /// A partition is taken up: its windows up to this one are final.
    TakenUp(Partition, Option<Minute>),
    /// A partition is another process's now.
    GivenUp(Partition),
    /// Where the speed layer stands, for who asks whether silence is silence.
    Heartbeats(Vec<LiveDocument>),
    /// Rows of a partition's windows.
    Rows(Rows),
}

/// Rows of windows, and the state that they bring their partition to.
#[derive(Debug)]
pub struct Rows {
    /// The partition.
    pub partition: Partition,
    /// Rows of minutes.
    pub sets: Vec<RowSet>,
    /// Where the partition stands then: `None` while a replay has not reached what was processed
    /// before.
    pub state: Option<Box<PartitionState>>,
    /// Whether hours and days shall be written even if it is too early for it.
    pub last: bool,
}

/// Writes emissions to an index, on a thread of its own.
#[derive(Debug)]
pub struct Emitter {
    queue: SyncSender<Emission>,
    stored: Stored,
    thread: JoinHandle<Result<(), IndexError>>,
}

impl Emitter {
    /// Starts the thread. Hours and days of open windows are written every
    /// `rollup_interval`. Once `stop` is set the emitter gives up where the index does not answer.
    pub fn start(index: Arc<dyn Index>, rollup_interval: Duration, stop: Arc<AtomicBool>) -> Self {
        let (queue, emissions) = sync_channel(QUEUE);
        let stored = Stored::default();
        let rollups = BTreeMap::new();
        let writer = Writer { index, rollup_interval, stop, rollups, stored: stored.clone() };
        let thread = std::thread::spawn(move || writer.run(&emissions));
        Self { queue, stored, thread }
    }

    /// Hands an emission over; waits while the queue is full. Returns false if
    /// the thread has ended, of which [`Self::finish`] tells the reason.
    pub fn send(&self, emission: Emission) -> bool {
        self.queue.send(emission).is_ok()
    }

    /// How far the states stored since the last call have processed their partitions.
    pub fn stored(&self) -> BTreeMap<Partition, u64> {
        std::mem::take(&mut *self.stored.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until everything handed over is stored.
    ///
    /// # Errors
    /// Why the index could not be written.
    pub fn finish(self) -> Result<(), IndexError> {
        drop(self.queue);
        let panicked = || IndexError::Failed("the thread that writes to it panicked".to_owned());
        self.thread.join().unwrap_or_else(|_| Err(panicked()))
    }
}

/// The rows of one partition with those of others that wait behind them: an index that writes
/// what several partitions make together then does so once. And what comes after them.
fn round(first: Rows, emissions: &Receiver<Emission>) -> (Vec<Rows>, Option<Emission>) {
    let mut round = vec![first];
    loop {
        match emissions.try_recv() {
            Ok(Emission::Rows(rows)) if round.iter().all(|one| one.partition != rows.partition) => {
                round.push(rows);
            }
            after => return (round, after.ok()),
        }
    }
}

/// What is stored, for those who pass it on.
type Stored = Arc<Mutex<BTreeMap<Partition, u64>>>;

struct Writer {
    stored: Stored,
    index: Arc<dyn Index>,
    rollup_interval: Duration,
    stop: Arc<AtomicBool>,
    rollups: BTreeMap<Partition, (Rollup, Instant)>,
}

impl Writer {
    fn run(mut self, emissions: &Receiver<Emission>) -> Result<(), IndexError> {
        let mut next = None;
        while let Some(emission) = next.take().or_else(|| emissions.recv().ok()) {
            match emission {
                Emission::TakenUp(partition, closed) => self.take_up(partition, closed)?,
                Emission::GivenUp(partition) => drop(self.rollups.remove(&partition)),
                Emission::Heartbeats(beats) => {
                    self.attempt(|index| index.put_documents(&beats).map(drop))?;
                }
                Emission::Rows(rows) => {
                    let (round, then) = round(rows, emissions);
                    self.write(round)?;
                    next = then;
                }
            }
        }
        Ok(())
    }

    fn take_up(&mut self, partition: Partition, closed: Option<Minute>) -> Result<(), IndexError> {
        let mut rollup = Rollup::new(partition.clone(), closed);
        self.attempt(|index| rollup.load_unfinished(index))?;
        self.rollups.insert(partition, (rollup, Instant::now()));
        Ok(())
    }

    /// Writes the rows of all, then the state of each.
    fn write(&mut self, round: Vec<Rows>) -> Result<(), IndexError> {
        let (mut sets, mut states) = (Vec::new(), Vec::new());
        for mut rows in round {
            self.add_rollups(&mut rows)?;
            sets.append(&mut rows.sets);
            states.extend(rows.state);
        }
        self.attempt(|index| index.put(&sets).map(drop))?;
        for state in states {
            self.attempt(|index| index.put_state(&state).map(drop))?;
            let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
            stored.insert(state.partition, state.processed_through);
        }
        Ok(())
    }

    /// Adds rows of hours and days to those of minutes.
    fn add_rollups(&mut self, rows: &mut Rows) -> Result<(), IndexError> {
        let Rows { partition, sets, state, last } = rows;
        let Some((mut rollup, written)) = self.rollups.remove(partition) else { return Ok(()) };
        self.attempt(|index| rollup.load_for(index, sets))?;
        rollup.add(sets);
        let due = *last || written.elapsed() >= self.rollup_interval;
        if let Some(state) = state {
            sets.extend(rollup.rows(state, due));
        }
        let written = if due { Instant::now() } else { written };
        self.rollups.insert(partition.clone(), (rollup, written));
        Ok(())
    }

    /// Tries until the index answers, with growing pauses.
    fn attempt<T>(
        &self,
        mut action: impl FnMut(&dyn Index) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let step = Step::begin("the index takes the speed layer's rows", PATIENCE);
        let mut pause = Duration::from_millis(50);
        loop {
            match action(self.index.as_ref()) {
                Err(IndexError::Unavailable(why)) if !self.stop.load(Ordering::Relaxed) => {
                    tracing::warn!("the index does not answer ({why}); trying again");
                    step.trouble(why);
                    metrics::counter!("twofold_speed_index_retries_total").increment(1);
                    std::thread::sleep(pause);
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
                result => return result,
            }
        }
    }
}
