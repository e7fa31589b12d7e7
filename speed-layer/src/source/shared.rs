//! One source for several consumers: a file is read and unpacked once, and
//! standard input, which nobody can read twice, reaches them all.
//!
//! The source starts where the consumer that is furthest behind has to resume;
//! the others don't see what they had before. The fastest runs ahead of the
//! slowest by [`BATCHES`] deliveries at most, so that memory is bounded.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use twofold_data::partition::Partition;

use super::{Batch, Delivery, Position, Positions, Source, SourceError};

/// So many deliveries wait for a slow consumer.
const BATCHES: usize = 8;
/// How long the source waits at a time.
const WAIT: Duration = Duration::from_millis(200);

type Told = Result<Delivery, SourceError>;
/// Where each consumer resumes a partition.
type Resumes = Arc<Mutex<HashMap<Partition, Vec<Position>>>>;

/// One consumer's end of a shared source.
pub struct Shared {
    deliveries: Receiver<Told>,
    resume: HashMap<Partition, u64>,
    caught_up: bool,
    over: Option<Told>,
}

/// Shares the source that `open` makes among consumers, of which each says with
/// its own [`Positions`] where it resumes. The source runs on a thread of its
/// own until its end, its first error, or until every consumer is dropped.
///
/// # Errors
/// Of `open`.
pub fn share<S: Source + 'static>(
    consumers: Vec<Positions>,
    open: impl FnOnce(Positions) -> Result<S, SourceError>,
) -> Result<Vec<Shared>, SourceError> {
    let resumes = Resumes::default();
    let (senders, receivers): (Vec<_>, Vec<_>) =
        consumers.iter().map(|_| sync_channel(BATCHES)).unzip();
    let source = open(furthest_behind(consumers, Arc::clone(&resumes)))?;
    thread::spawn(move || run(source, senders, &resumes));
    let shared =
        |deliveries| Shared { deliveries, resume: HashMap::new(), caught_up: false, over: None };
    Ok(receivers.into_iter().map(shared).collect())
}

fn furthest_behind(mut consumers: Vec<Positions>, resumes: Resumes) -> Positions {
    Box::new(move |partition| {
        let asked = consumers.iter_mut().map(|position| position(partition));
        let all = asked.collect::<Result<Vec<_>, _>>()?;
        let offset = all.iter().map(|position| position.offset).min().unwrap_or_default();
        // Where offsets differ, somebody has yet to read what the others have.
        let ended = all.iter().all(|position| position.ended && position.offset == offset);
        lock(&resumes).insert(partition.clone(), all);
        Ok(Position { offset, ended })
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes on what the source delivers. A consumer that is gone keeps its place
/// in the list, as its position does.
fn run(mut source: impl Source, senders: Vec<SyncSender<Told>>, resumes: &Resumes) {
    let mut senders: Vec<_> = senders.into_iter().map(Some).collect();
    while senders.iter().any(Option::is_some) {
        let told = source.poll(WAIT);
        for (index, place) in senders.iter_mut().enumerate() {
            let Some(sender) = place else { continue };
            if !pass_on(sender, own(&told, index, resumes)) {
                *place = None;
            }
        }
        if matches!(told, Ok(Delivery::EndOfInput) | Err(_)) {
            return;
        }
    }
}

/// Says whether the consumer is still there. One that has something to do
/// needn't be told that it is caught up.
fn pass_on(sender: &SyncSender<Told>, told: Told) -> bool {
    match told {
        Ok(Delivery::CaughtUp) => {
            !matches!(sender.try_send(told), Err(TrySendError::Disconnected(_)))
        }
        told => sender.send(told).is_ok(),
    }
}

/// A delivery as one consumer sees it: a partition starts where it resumes.
fn own(told: &Told, index: usize, resumes: &Resumes) -> Told {
    let mut told = told.clone();
    if let Ok(Delivery::Started { partition, offset, .. }) = &mut told {
        let resumes = lock(resumes);
        let own = resumes.get(partition).and_then(|all| all.get(index));
        *offset = own.map_or(*offset, |position| position.offset.max(*offset));
    }
    told
}

impl Shared {
    /// What is new to this consumer of a delivery.
    fn new_of(&mut self, delivery: Delivery) -> Option<Delivery> {
        self.caught_up = matches!(delivery, Delivery::CaughtUp);
        match delivery {
            Delivery::Records(batch) => self.after_resume(batch).map(Delivery::Records),
            other => {
                if let Delivery::Started { partition, offset, .. } = &other {
                    self.resume.insert(partition.clone(), *offset);
                }
                Some(other)
            }
        }
    }

    fn after_resume(&mut self, mut batch: Batch) -> Option<Batch> {
        let resume = self.resume.get(&batch.partition).copied().unwrap_or_default();
        let had = batch.spans.partition_point(|span| span.offset < resume);
        batch.spans.drain(..had);
        batch.arrivals.drain(..had.min(batch.arrivals.len()));
        (!batch.spans.is_empty()).then_some(batch)
    }

    /// The next delivery; `None` where nothing came until then.
    fn receive(&mut self, until: Instant) -> Option<Told> {
        // Only who has been told so is caught up: the source may just be slow.
        let wait = match self.caught_up {
            true => until.saturating_duration_since(Instant::now()),
            false => WAIT,
        };
        match self.deliveries.recv_timeout(wait) {
            Ok(told) => Some(told),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(SourceError::Stopped)),
        }
    }
}

impl Source for Shared {
    fn poll(&mut self, wait: Duration) -> Result<Delivery, SourceError> {
        let until = Instant::now() + wait;
        loop {
            if let Some(over) = &self.over {
                return over.clone();
            }
            match self.receive(until) {
                Some(told @ (Ok(Delivery::EndOfInput) | Err(_))) => self.over = Some(told),
                Some(Ok(delivery)) => {
                    if let Some(delivery) = self.new_of(delivery) {
                        return Ok(delivery);
                    }
                }
                None if self.caught_up => return Ok(Delivery::CaughtUp),
                None => {}
            }
        }
    }
}
