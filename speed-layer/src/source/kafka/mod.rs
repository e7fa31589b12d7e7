//! Kafka as a source: the partitions that a consumer group gives this process, or, where the end
//! of input is declared, all of them.
//!
//! A thread of its own ([`consume`]) talks to the brokers and goes on doing so while nobody takes
//! what it has, so that a slow index pauses fetching and never costs the membership of
//! the group. Where to resume is asked of [`Positions`], never of the broker.

mod cluster;
mod consume;
mod drain;
mod group;
mod inspect;
mod native;
mod options;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use twofold_data::partition::Partition;

use super::{Delivery, Mode, Positions, Source, SourceError};
use consume::{Command, Consuming};

pub use inspect::Inspector;
pub use options::{KafkaOptions, Topics, common};

/// So many deliveries wait for who takes them.
const DELIVERIES: usize = 4;

/// So long a consumer that is dropped may take to leave its group.
const LEAVING: Duration = Duration::from_secs(5);

/// Reads topics.
pub struct KafkaSource {
    deliveries: Option<Receiver<Result<Delivery, SourceError>>>,
    commands: Sender<Command>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    over: Option<Result<Delivery, SourceError>>,
}

impl KafkaSource {
    /// Reads the topics of `options`, each partition from where `positions` says.
    ///
    /// # Errors
    /// Where no broker answers, a topic is not there or is compacted, or a property is wrong.
    pub fn open(options: KafkaOptions, positions: Positions) -> Result<Self, SourceError> {
        let (sender, deliveries) = sync_channel(DELIVERIES);
        let (commands, told) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let consuming = Consuming::open(options, positions, sender, told, Arc::clone(&stop))?;
        let thread = std::thread::spawn(move || consuming.run());
        Ok(Self { deliveries: Some(deliveries), commands, stop, thread, over: None })
    }
}

/// The oldest records of the topics, at most so many, by which a format is told. None where
/// there are none yet.
///
/// # Errors
/// As [`KafkaSource::open`].
pub fn first_records(options: &KafkaOptions, count: usize) -> Result<Vec<Vec<u8>>, SourceError> {
    let options = KafkaOptions { mode: Mode::ToEnd, ..options.clone() };
    let mut source = KafkaSource::open(options, super::positions(BTreeMap::new()))?;
    let mut records: Vec<Vec<u8>> = Vec::new();
    while records.len() < count {
        match source.poll(LEAVING)? {
            Delivery::EndOfInput => break,
            Delivery::Records(batch) => {
                let left = count - records.len();
                records.extend(batch.records().take(left).map(|record| record.bytes.to_vec()));
            }
            _ => {}
        }
    }
    Ok(records)
}

impl Source for KafkaSource {
    fn poll(&mut self, wait: Duration) -> Result<Delivery, SourceError> {
        if let Some(over) = &self.over {
            return over.clone();
        }
        let received = self.deliveries.as_ref().map(|deliveries| deliveries.recv_timeout(wait));
        match received {
            Some(Ok(told @ (Ok(Delivery::EndOfInput) | Err(_)))) => {
                self.over = Some(told.clone());
                told
            }
            Some(Ok(told)) => told,
            Some(Err(RecvTimeoutError::Timeout)) => Ok(Delivery::Idle),
            Some(Err(RecvTimeoutError::Disconnected)) | None => Err(SourceError::Stopped),
        }
    }

    fn stored(&mut self, partition: &Partition, offset: u64) {
        let _ = self.commands.send(Command::Stored(partition.clone(), offset));
    }

    fn again(&mut self, partition: &Partition) -> bool {
        self.commands.send(Command::Again(partition.clone())).is_ok()
    }
}

/// Leaves the group, so that others take over at once.
impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.deliveries = None;
        let until = Instant::now() + LEAVING;
        while !self.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
