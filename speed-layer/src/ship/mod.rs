//! Shipping files into Kafka: each line a record, keyed by its client, so that a client's requests
//! stay in order; in its headers the file and the line's offset.
//!
//! After a kill the shipper reads back from the topic's tail how far it had come in each partition,
//! and goes on from there. Within a partition the lines of a file are in the order of the file
//! (the producer is idempotent), so what is not past the last of them is there already.

mod pace;
mod place;
mod sender;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use twofold_data::format::{Format, Parser};
use twofold_data::partition::Partition;
use twofold_data::request::Line;

use crate::source::kafka::Topics;
use crate::source::{Batch, Delivery, Notice, Record, Source, SourceError};

use pace::Clock;
pub use pace::Pace;
use place::{Placed, Tail};
use sender::Sender;

/// The header that says of which file a record is.
const FILE: &str = "twofold.file";
/// The header that says at which offset of the file it stands.
const OFFSET: &str = "twofold.offset";

/// Where lines go, and how.
#[derive(Clone)]
pub struct Options {
    /// The cluster, and one topic.
    pub to: Topics,
    /// Properties of librdkafka, which go before our defaults.
    pub properties: std::collections::BTreeMap<String, String>,
    /// The format of the lines: it tells the client.
    pub format: Format,
    /// How fast.
    pub pace: Pace,
    /// The file's name in the records' headers; the first line's hash where there is none.
    pub name: Option<String>,
    /// So many partitions the topic gets, if it has to be made.
    pub create: Option<u32>,
}

/// What has been shipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shipped {
    /// Lines sent by this run.
    pub lines: u64,
    /// Lines that an earlier run had sent.
    pub skipped: u64,
}

/// Why shipping can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// The files can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The brokers refuse.
    #[error("Kafka: {0}")]
    Kafka(String),
    /// The topic holds lines of a file that this one is not.
    #[error(
        "the topic holds other lines under the name {name} of this file: at its offset {offset}. \
         If it is another file, give it another name with --name"
    )]
    Another {
        /// The file's name in the headers.
        name: String,
        /// Where they differ.
        offset: u64,
    },
    /// The topic has other partitions than when the file was shipped in part.
    #[error(
        "the topic's number of partitions has changed since a part of this file was shipped, so that \
         nobody can tell which lines are there; ship the rest under another name with --name"
    )]
    Repartitioned,
}

/// How long the source may wait.
const WAIT: Duration = Duration::from_millis(100);

/// What a watcher hears.
#[derive(Debug)]
pub enum Event<'a> {
    /// Lines were handed to the producer.
    Progress(Shipped),
    /// Something that people should know.
    Notice(&'a Notice),
}

/// Ships what `source` delivers until its input ends or `watch` breaks; what was handed over is
/// acknowledged then.
///
/// # Errors
/// [`ShipError`]; another run goes on where this one was.
pub fn ship(
    source: &mut dyn Source,
    options: &Options,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Shipped, ShipError> {
    let mut shipper = Shipper::open(options)?;
    loop {
        let delivery = source.poll(WAIT)?;
        match &delivery {
            Delivery::Records(batch) => shipper.batch(batch, watch)?,
            Delivery::Ended(partition) => drop(shipper.files.remove(partition)),
            Delivery::Notice(notice) => drop(watch(Event::Notice(notice))),
            _ => shipper.sender.poll()?,
        }
        let told = watch(Event::Progress(shipper.shipped));
        if matches!(delivery, Delivery::EndOfInput) || told.is_break() {
            shipper.sender.finish()?;
            return Ok(shipper.shipped);
        }
    }
}

struct Shipper<'a> {
    options: &'a Options,
    parser: Parser,
    sender: Sender,
    tail: Tail,
    clock: Clock,
    files: HashMap<Partition, File>,
    shipped: Shipped,
}

/// A file that is being shipped.
struct File {
    name: String,
    /// Of each partition of the topic the last line that is there already.
    placed: Vec<Option<Placed>>,
}

impl<'a> Shipper<'a> {
    fn open(options: &'a Options) -> Result<Self, ShipError> {
        let sender = Sender::open(options)?;
        Ok(Self {
            options,
            parser: Parser::new(&options.format),
            tail: Tail::open(options, sender.partitions())?,
            sender,
            clock: Clock::new(options.pace),
            files: HashMap::new(),
            shipped: Shipped::default(),
        })
    }

    fn batch(
        &mut self,
        batch: &Batch,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<(), ShipError> {
        for record in batch.records() {
            if !self.files.contains_key(&batch.partition) {
                let file = self.begin(&record)?;
                self.files.insert(batch.partition.clone(), file);
            }
            let Some(file) = self.files.get(&batch.partition) else { continue };
            let (key, time) = key_of(&mut self.parser, record.bytes);
            let partition = self.sender.partition_of(key);
            if is_there(file, partition, &record)? {
                self.shipped.skipped += 1;
                continue;
            }
            while let Some(left) = self.clock.left(time, self.shipped.lines) {
                self.sender.poll()?;
                if watch(Event::Progress(self.shipped)).is_break() {
                    return Ok(());
                }
                std::thread::sleep(left.min(WAIT));
            }
            self.sender.send(partition, key, &file.name, &record)?;
            self.shipped.lines += 1;
        }
        self.sender.poll()
    }

    /// Looks how much of the file that begins with this record is in the topic.
    fn begin(&mut self, first: &Record<'_>) -> Result<File, ShipError> {
        let hash = rapidhash::v3::rapidhash_v3(first.bytes);
        let name = self.options.name.clone().unwrap_or_else(|| format!("{hash:016x}"));
        let (_, time) = key_of(&mut self.parser, first.bytes);
        let placed = self.tail.find(&name, time)?;
        let moved = |(partition, placed): (usize, &Option<Placed>)| {
            placed.as_ref().is_some_and(|placed| self.sender.partition_of(&placed.key) != partition)
        };
        if placed.iter().enumerate().any(moved) {
            return Err(ShipError::Repartitioned);
        }
        Ok(File { name, placed })
    }
}

/// Whether the line is in its partition already; the last one that is there must be the same.
fn is_there(file: &File, partition: usize, record: &Record<'_>) -> Result<bool, ShipError> {
    let Some(Some(placed)) = file.placed.get(partition) else { return Ok(false) };
    if record.offset == placed.offset && record.bytes != placed.bytes {
        return Err(ShipError::Another { name: file.name.clone(), offset: record.offset });
    }
    Ok(record.offset <= placed.offset)
}

/// A record's key and event time: its client, or where there is none, nothing.
fn key_of<'r>(parser: &'r mut Parser, record: &'r [u8]) -> (&'r [u8], Option<i64>) {
    match parser.parse(record) {
        Line::Request(request) => (request.client.as_bytes(), Some(request.time)),
        Line::Malformed(_) | Line::Blank => (b"", None),
    }
}
