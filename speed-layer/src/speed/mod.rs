//! The loop that takes deliveries from a source through folds to the index.

mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use twofold_data::class::{Classifier, PageRules};
use twofold_data::format::{Format, Parser};
use twofold_data::partition::Partition;
use twofold_serving::index::{Index, IndexError, LiveDocument};
use twofold_serving::pulse::{PATIENCE, Step};
use twofold_serving::spikes::Heartbeat;

pub use progress::{Event, Progress};

use crate::emit::{Emission, Emitter, Rows};
use crate::resume::{Restored, ResumeError, restore};
use crate::source::{Batch, Delivery, Source, SourceError};
use crate::window::{Bounds, Decoder, Fold};

/// How the speed layer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What bounds a partition's fold.
    pub bounds: Bounds,
    /// The rules by which paths become pages.
    pub rules: PageRules,
    /// How often the rows of open windows are written.
    pub emit_interval: Duration,
    /// How often those of hours and days that are not over are.
    pub rollup_interval: Duration,
    /// How many row sets of closed windows may wait for the next emission.
    pub backlog: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bounds: Bounds::default(),
            rules: PageRules::default(),
            emit_interval: Duration::from_secs(1),
            rollup_interval: Duration::from_secs(5),
            backlog: 64,
        }
    }
}

/// So long an index may not answer when a partition is taken up.
const LONGEST_OUTAGE: Duration = Duration::from_secs(300);
/// How often the speed layer says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Why the speed layer can't go on. It can be started again at any time.
#[derive(Debug, thiserror::Error)]
pub enum SpeedError {
    /// The source can't.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The index can't.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A partition can't be taken up.
    #[error(transparent)]
    Resume(#[from] ResumeError),
}

/// The speed layer: one thread's worth of partitions.
pub struct SpeedLayer {
    index: Arc<dyn Index>,
    options: Options,
    decoder: Decoder,
    folds: BTreeMap<Partition, Fold>,
    emitter: Emitter,
    stop: Arc<AtomicBool>,
    emitted: Instant,
    /// When the last heartbeat was sent, and the partitions whose source had nothing more at
    /// some moment since.
    beaten: Instant,
    stood_at_end: BTreeSet<Partition>,
    progress: Progress,
    /// The partitions whose source has nothing more for now.
    at_end: BTreeSet<Partition>,
    /// Whether the emitter has given up.
    broken: bool,
}

/// Runs the speed layer until the source's input ends, or `stop` is set. `watch`
/// hears of progress about as often as rows are emitted.
///
/// # Errors
/// Where going on would be wrong; what was emitted until then stays, and a
/// later run resumes from it.
pub fn run(
    source: &mut dyn Source,
    index: Arc<dyn Index>,
    format: &Format,
    options: Options,
    stop: &Arc<AtomicBool>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Progress, SpeedError> {
    let mut layer = SpeedLayer::new(index, format, options, stop);
    loop {
        let delivery = source.poll(options.emit_interval)?;
        let last = matches!(delivery, Delivery::EndOfInput);
        if let Delivery::Notice(notice) = &delivery {
            tracing::warn!("{notice}");
            watch(Event::Notice(notice));
        }
        // It waits for the emitter, and where a partition is taken up for the index.
        let _step = Step::begin("the speed layer takes up records", PATIENCE);
        layer.deliver(delivery)?;
        for (partition, offset) in layer.emitter.stored() {
            source.stored(&partition, offset);
        }
        if layer.emit_if_due() {
            watch(Event::Progress(&layer.progress));
        }
        if last || layer.broken || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    layer.finish()
}

impl SpeedLayer {
    /// A speed layer without partitions; the source starts them. Once `stop` is set it does not
    /// wait any more for an index that does not answer.
    pub fn new(
        index: Arc<dyn Index>,
        format: &Format,
        options: Options,
        stop: &Arc<AtomicBool>,
    ) -> Self {
        let emitter = Emitter::start(index.clone(), options.rollup_interval, Arc::clone(stop));
        Self {
            index,
            options,
            decoder: Decoder::with(Parser::new(format), Classifier::with_rules(options.rules)),
            folds: BTreeMap::new(),
            emitter,
            stop: Arc::clone(stop),
            emitted: Instant::now(),
            beaten: Instant::now(),
            stood_at_end: BTreeSet::new(),
            progress: Progress::default(),
            at_end: BTreeSet::new(),
            broken: false,
        }
    }

    /// Takes one delivery.
    ///
    /// # Errors
    /// Where a partition can't be taken up.
    pub fn deliver(&mut self, delivery: Delivery) -> Result<(), SpeedError> {
        match delivery {
            Delivery::Started { partition, identity, offset, .. } => {
                self.start(partition, &identity, offset)?;
            }
            Delivery::Records(batch) => self.records(&batch),
            Delivery::Ended(partition) => self.end(&partition),
            Delivery::Revoked(partition) => self.give_up(&partition),
            Delivery::AtEnd { partition, .. } => {
                self.stood_at_end.insert(partition.clone());
                self.at_end.insert(partition);
                self.progress.caught_up = self.folds.keys().all(|one| self.at_end.contains(one));
            }
            Delivery::CaughtUp => {
                self.stood_at_end.extend(self.folds.keys().cloned());
                self.progress.caught_up = true;
            }
            Delivery::EndOfInput | Delivery::Idle | Delivery::Notice(_) => {}
        }
        Ok(())
    }

    /// Emits what changed, if it is time to. Returns whether it was. Where the
    /// emitter has given up, [`Self::finish`] tells why.
    pub fn emit_if_due(&mut self) -> bool {
        if self.emitted.elapsed() < self.options.emit_interval {
            return false;
        }
        self.emit_all(false);
        self.emitted = Instant::now();
        true
    }

    /// What has happened so far.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Emits what changed a last time, and waits until it is stored.
    ///
    /// # Errors
    /// Why the index could not be written.
    pub fn finish(mut self) -> Result<Progress, SpeedError> {
        self.emit_all(true);
        self.emitter.finish()?;
        Ok(self.progress)
    }

    fn start(
        &mut self,
        partition: Partition,
        identity: &str,
        offset: u64,
    ) -> Result<(), SpeedError> {
        if let Some(fold) = self.folds.get_mut(&partition) {
            fold.reopen();
            return Ok(());
        }
        let restored = self.restore(&partition, identity, offset)?;
        let closed = restored.state.closed_through;
        let mut fold = Fold::new(restored, self.options.bounds);
        fold.reopen();
        self.folds.insert(partition.clone(), fold);
        self.broken |= !self.emitter.send(Emission::TakenUp(partition, closed));
        Ok(())
    }

    /// Waits a while for an index that does not answer, as the emitter does.
    fn restore(
        &self,
        partition: &Partition,
        identity: &str,
        offset: u64,
    ) -> Result<Restored, ResumeError> {
        let until = Instant::now() + LONGEST_OUTAGE;
        loop {
            match restore(self.index.as_ref(), partition, identity, offset) {
                Err(ResumeError::Index(IndexError::Unavailable(why)))
                    if Instant::now() < until && !self.stop.load(Ordering::Relaxed) =>
                {
                    tracing::warn!("the index does not answer ({why}); trying again");
                    std::thread::sleep(Duration::from_secs(1));
                }
                result => return result,
            }
        }
    }

    /// The partition is another process's now. What it has so far is stored, which brings the
    /// new owner nearer to its end and can't overwrite anything newer; no window closes.
    fn give_up(&mut self, partition: &Partition) {
        self.at_end.remove(partition);
        let Some(mut fold) = self.folds.remove(partition) else { return };
        self.broken |= !self.emitter.send(emission(&mut fold, true, false));
        self.broken |= !self.emitter.send(Emission::GivenUp(partition.clone()));
    }

    fn records(&mut self, batch: &Batch) {
        let Some(fold) = self.folds.get_mut(&batch.partition) else { return };
        for record in batch.records() {
            self.progress.bytes += record.bytes.len() as u64 + 1;
            fold.record(&mut self.decoder, &record);
        }
        self.at_end.remove(&batch.partition);
        self.progress.caught_up = false;
        if fold.backlog() >= self.options.backlog {
            self.broken |= !self.emitter.send(emission(fold, false, false));
        }
    }

    fn end(&mut self, partition: &Partition) {
        let Some(fold) = self.folds.get_mut(partition) else { return };
        fold.end(&mut self.decoder);
        self.broken |= !self.emitter.send(emission(fold, true, true));
    }

    fn emit_all(&mut self, last: bool) {
        for fold in self.folds.values_mut() {
            if fold.take_changed() || last {
                self.broken |= !self.emitter.send(emission(fold, true, last));
            }
        }
        self.progress.sum(self.folds.values());
        self.progress.publish();
        if self.beaten.elapsed() >= HEARTBEAT {
            self.beaten = Instant::now();
            self.broken |= !self.emitter.send(Emission::Heartbeats(self.heartbeats()));
            self.stood_at_end = match self.progress.caught_up {
                true => self.folds.keys().cloned().collect(),
                false => self.at_end.clone(),
            };
        }
    }

    /// That this process is there, and whether it has folded all that its source has.
    fn heartbeats(&self) -> Vec<LiveDocument> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let beat = |partition: &Partition| Heartbeat {
            partition: partition.clone(),
            at: at.as_millis() as i64,
            caught_up: self.stood_at_end.contains(partition),
        };
        self.folds.keys().map(|partition| beat(partition).document()).collect()
    }
}

/// What goes to the index of a fold: the windows that closed, and, if `open`, those
/// that changed.
fn emission(fold: &mut Fold, open: bool, last: bool) -> Emission {
    Emission::Rows(Rows {
        partition: fold.partition().clone(),
        sets: fold.emit(open),
        state: fold.state().map(Box::new),
        last,
    })
}
