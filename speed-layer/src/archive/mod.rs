//! The archiver: every record, once, as Parquet in an object store.
//!
//! One file is one contiguous run of offsets of one partition. Its name follows from
//! the log alone, and it is put only if absent: of two archivers one loses,
//! sees it, and goes on where the winner's file ends.

mod chain;
mod column;
mod columns;
mod end;
mod file;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use object_store::ObjectStore;
use twofold_data::format::{Format, Parser};
use twofold_data::partition::Partition;
use twofold_data::window::watermark::Limits;
use twofold_serving::index::{MAKE_ROOM, is_no_room};
use twofold_serving::pulse::Step;
use twofold_serving::store::explain;

use crate::source::{Delivery, Notice, Positions, Source, SourceError};
use chain::{Chain, Tools};
use store::Store;

/// How the archiver works.
#[derive(Debug, Clone)]
pub struct Options {
    /// The format of the records.
    pub format: Format,
    /// The speed layer's limits: by them a time stamp is plausible.
    pub limits: Limits,
    /// Raw bytes in one file at most.
    pub max_bytes: u64,
    /// The longest that a record waits for its file.
    pub max_age: Duration,
    /// Whether old records are archived beside a live source: the boundary doesn't wait for them.
    pub backfill: bool,
    /// Whether to go on where records are gone for good; the audit goes on telling of the gap.
    pub accept_loss: bool,
}

/// What an archiver has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Records read.
    pub records: u64,
    /// Their bytes, with their `\n`.
    pub bytes: u64,
}

/// What a caller has to decide about.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The partition's name stands for another one: a re-created topic, or another file.
    #[error(
        "{partition} is archived as `{known}`, and this is `{found}`: archive it under another name (source.topic)"
    )]
    Identity {
        /// The partition.
        partition: Partition,
        /// What the archive knows.
        known: String,
        /// What the source says.
        found: String,
    },
    /// Another archiver was quicker: read the source again from the chain's end.
    #[error("another archiver has put a part of {partition}")]
    Behind {
        /// The partition.
        partition: Partition,
    },
    /// Records were taken away before they were archived: going on is the operator's choice.
    #[error(
        "{partition}: the records {from} to {} were removed by the broker's retention before they were \
         archived. They can't be read again. To go on without them start the archiver once with \
         --accept-loss; `twofold audit` goes on telling of the gap", to - 1
    )]
    Lost {
        /// The partition.
        partition: Partition,
        /// The first offset that is gone.
        from: u64,
        /// The first offset that is still there.
        to: u64,
    },
    /// The object store does not answer or refuses.
    #[error("the archive's store: {path}: {reason}")]
    Store {
        /// The object.
        path: String,
        /// What the store said.
        reason: String,
    },
    /// The store's disk is full: stop. What is not put is read again.
    #[error("the archive's store: {path}: {reason}; {MAKE_ROOM}")]
    NoRoom {
        /// The object.
        path: String,
        /// What the store said.
        reason: String,
    },
    /// The source cannot go on.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Anything else.
    #[error("the archiver failed: {0}")]
    Failed(String),
}

impl ArchiveError {
    fn store(path: &str, error: &object_store::Error) -> Self {
        let (path, reason) = (path.to_owned(), explain(error));
        match is_no_room(error) {
            true => Self::NoRoom { path, reason },
            false => Self::Store { path, reason },
        }
    }
}

impl From<parquet::errors::ParquetError> for ArchiveError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<arrow_schema::ArrowError> for ArchiveError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Where an archiver resumes each partition: at the end of its chain.
///
/// # Errors
/// Where the store gives no runtime.
pub fn positions(store: Arc<dyn ObjectStore>) -> Result<Positions, ArchiveError> {
    let store = Store::new(store)?;
    Ok(Box::new(move |partition| {
        end::position(&store, partition).map_err(|error| SourceError::Position {
            partition: partition.clone(),
            reason: error.to_string(),
            again: matches!(error, ArchiveError::Store { .. }),
        })
    }))
}

/// Archives what `open` opens, until its input ends or `stop` is set. Nothing is
/// flushed when it is stopped: what is not put is read again.
///
/// # Errors
/// Everything but [`ArchiveError::Behind`], which it decides itself: it opens the source again.
pub fn run(
    mut open: impl FnMut(Positions) -> Result<Box<dyn Source>, SourceError>,
    store: &Arc<dyn ObjectStore>,
    options: &Options,
    stop: &AtomicBool,
    mut watch: impl FnMut(Progress, Option<&Notice>),
) -> Result<Progress, ArchiveError> {
    loop {
        let mut source = open(positions(Arc::clone(store))?)?;
        let mut archiver = Archiver::new(Arc::clone(store), options)?;
        match archiver.run(&mut *source, stop, &mut watch) {
            Err(ArchiveError::Behind { partition }) => {
                tracing::info!(%partition, "another archiver was quicker; reading again from the chain's end");
            }
            Err(error) => return Err(error),
            Ok(()) => return Ok(archiver.progress),
        }
    }
}

struct Archiver<'a> {
    store: Store,
    options: &'a Options,
    parser: Parser,
    chains: BTreeMap<Partition, Chain>,
    progress: Progress,
}

/// So long a delivery may take: at its end a file may be put, of 256 MiB of text.
const PUTTING: Duration = Duration::from_secs(60);

/// How long the source may wait for records.
const WAIT: Duration = Duration::from_millis(200);

impl<'a> Archiver<'a> {
    fn new(store: Arc<dyn ObjectStore>, options: &'a Options) -> Result<Self, ArchiveError> {
        let parser = Parser::new(&options.format);
        Ok(Self {
            store: Store::new(store)?,
            options,
            parser,
            chains: BTreeMap::new(),
            progress: Progress::default(),
        })
    }

    fn run(
        &mut self,
        source: &mut dyn Source,
        stop: &AtomicBool,
        watch: &mut impl FnMut(Progress, Option<&Notice>),
    ) -> Result<(), ArchiveError> {
        while !stop.load(Ordering::Relaxed) {
            let delivery = source.poll(WAIT)?;
            match &delivery {
                Delivery::EndOfInput => return Ok(()),
                Delivery::Notice(notice) => watch(self.progress, Some(notice)),
                other => {
                    let _step = Step::begin("the store takes the archiver's files", PUTTING);
                    match self.deliver(other) {
                        // Only this partition is read again, if the source can do that.
                        Err(ArchiveError::Behind { partition }) if source.again(&partition) => {
                            self.chains.remove(&partition);
                        }
                        result => result?,
                    }
                    watch(self.progress, None);
                }
            }
            for (partition, chain) in &mut self.chains {
                if let Some(offset) = chain.newly_put() {
                    source.stored(partition, offset);
                }
            }
        }
        Ok(())
    }

    fn deliver(&mut self, delivery: &Delivery) -> Result<(), ArchiveError> {
        let Self { store, options, parser, chains, progress } = self;
        let mut tools = Tools { store, options, parser };
        match delivery {
            Delivery::Started { partition, identity, offset, partitions } => {
                let chain = Chain::open(&tools, partition, identity, *offset, *partitions)?;
                chains.insert(partition.clone(), chain);
            }
            // What is not put is read again, by whoever has the partition now.
            Delivery::Revoked(partition) => drop(chains.remove(partition)),
            Delivery::Records(batch) => {
                let Some(chain) = chains.get_mut(&batch.partition) else { return Ok(()) };
                for record in batch.records() {
                    chain.push(&mut tools, &record)?;
                    progress.records += 1;
                    progress.bytes += record.bytes.len() as u64 + 1;
                }
                chain.grown_old(&tools)?;
            }
            Delivery::Ended(partition) => {
                if let Some(mut chain) = chains.remove(partition) {
                    chain.finish_partition(&tools)?;
                }
            }
            Delivery::AtEnd { partition, at } => {
                if let Some(chain) = chains.get_mut(partition) {
                    chain.at_end(&tools, *at)?;
                }
            }
            Delivery::Idle => chains.values_mut().try_for_each(|chain| chain.grown_old(&tools))?,
            Delivery::CaughtUp => {
                chains.values_mut().try_for_each(|chain| chain.caught_up(&tools))?
            }
            Delivery::Notice(_) | Delivery::EndOfInput => {}
        }
        Ok(())
    }
}
