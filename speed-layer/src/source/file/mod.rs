//! Files as a source: each generation of a file is a partition, its offsets are
//! byte offsets in the uncompressed text, a record is the bytes before `\n`.
//!
//! What is there is read oldest first, one file after the other. What is
//! written to is then followed: by the open file, through renaming (what was
//! appended to the old file is read before the new one is begun), and through
//! `copytruncate`, where the copy is read on if it is among the sources.

mod assign;
mod blocking;
mod cutter;
mod follow;
mod head;
mod missing;
mod options;
mod pipe;
mod places;
mod plan;
mod reader;
mod registry;
mod text;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::ObjectStore;

pub use options::{FileOptions, topic};
pub use plan::{FirstLines, Peeked, Planned, first_lines, peek, plan};
pub use registry::{Generation, Registration, Registry};
pub use text::{Compression, Counter};

use super::{Delivery, Mode, Notice, Position, Positions, Source, SourceError};
use assign::{Assigner, Candidate};
use cutter::{Cutter, Pool};
use head::Stat;
use pipe::Pipe;
use reader::{NotOpened, Progress, Reader};

/// Reads files and standard input.
pub struct FileSource {
    options: FileOptions,
    positions: Positions,
    registry: Registry,
    assigner: Assigner,
    pool: Pool,
    counter: Counter,
    /// What is to be delivered before anything else is done.
    outbox: VecDeque<Delivery>,
    /// What has been found and is to be read, oldest first.
    queue: VecDeque<Candidate>,
    readers: Vec<Reader>,
    /// Standard input, until its first bytes have told which partition it is.
    pipe: Option<Pipe>,
    states: HashMap<u32, State>,
    warned: HashSet<(PathBuf, String)>,
    looked: Option<Instant>,
    scanned: Option<Instant>,
    scan_now: bool,
    told_caught_up: bool,
}

/// What is known of a generation that is not being read.
#[derive(Debug, Clone, Copy)]
enum State {
    /// Read up to here, in this run or before.
    Read(Position),
    /// Read to its end in this run.
    Over(u64),
    /// Started, read up to here and closed, as nothing is written to it for now.
    Closed(u64),
    /// Can't be read on as long as the file stays as it is.
    Unreadable(u64, Stat),
}

impl FileSource {
    /// Reads what `options` name, numbered by the registry in `store` (the
    /// archive's), each partition from where `positions` says.
    ///
    /// # Errors
    /// Where the registry can't be read; with [`Mode::ToEnd`] also where a
    /// source is not there or matches nothing.
    pub fn open(
        options: FileOptions,
        store: Arc<dyn ObjectStore>,
        positions: Positions,
    ) -> Result<Self, SourceError> {
        Self::with_stdin(options, store, positions, Box::new(io::stdin()))
    }

    /// As [`FileSource::open`], with `stdin` as what `-` stands for.
    ///
    /// # Errors
    /// As [`FileSource::open`].
    pub fn with_stdin(
        options: FileOptions,
        store: Arc<dyn ObjectStore>,
        positions: Positions,
        stdin: Box<dyn Read + Send>,
    ) -> Result<Self, SourceError> {
        if options.mode == Mode::ToEnd {
            plan(&options)?;
        }
        let registry = Registry::open(store, &options.topic)?;
        let pipe = options.sources.iter().any(|source| source == "-");
        Ok(Self {
            assigner: Assigner::new(options.mode),
            options,
            positions,
            registry,
            pool: Pool::default(),
            counter: Counter::default(),
            outbox: VecDeque::new(),
            queue: VecDeque::new(),
            readers: Vec::new(),
            pipe: pipe.then(|| Pipe::new(stdin)),
            states: HashMap::new(),
            warned: HashSet::new(),
            looked: None,
            scanned: None,
            scan_now: false,
            told_caught_up: false,
        })
    }

    /// Bytes on disk read so far, for a progress bar beside the sum of [`plan`];
    /// it may be read from another thread.
    pub fn counter(&self) -> Counter {
        Counter::clone(&self.counter)
    }

    /// Does one thing; says whether there was any to do.
    fn advance(&mut self) -> Result<bool, SourceError> {
        if let Some(index) = self.readers.iter().position(|reader| reader.reading) {
            self.read(index)?;
            return Ok(true);
        }
        if self.is_due(self.looked, self.tick()) && self.look() {
            return Ok(true);
        }
        if self.is_scan_due() {
            self.scan()?;
        }
        // What was appended to a renamed file comes before the file after it.
        if !self.queue.is_empty() && self.look() {
            return Ok(true);
        }
        if let Some(candidate) = self.queue.pop_front() {
            self.begin(&candidate)?;
            return Ok(true);
        }
        self.begin_pipe()
    }

    fn is_due(&self, last: Option<Instant>, every: Duration) -> bool {
        last.is_none_or(|last| last.elapsed() >= every)
    }

    fn is_scan_due(&self) -> bool {
        match self.options.mode {
            Mode::Follow => self.scan_now || self.is_due(self.scanned, self.options.scan_every),
            Mode::ToEnd => self.scan_now || self.scanned.is_none(),
        }
    }

    /// Reads once from a reader that may have something.
    fn read(&mut self, index: usize) -> Result<(), SourceError> {
        let Some(reader) = self.readers.get_mut(index) else { return Ok(()) };
        match reader.step() {
            Ok(Progress::Batch(batch)) => {
                let pieces = reader.pieces() > 0;
                self.outbox.push_back(Delivery::Records(batch));
                if pieces {
                    self.warn_of_pieces(index);
                }
            }
            Ok(Progress::Partial) => {}
            Ok(Progress::AtEnd) => {
                let declared = self.options.mode == Mode::ToEnd && !reader.is_pipe();
                if declared || reader.is_over(self.options.grace) {
                    self.end(index);
                }
            }
            Ok(Progress::Truncated) => self.truncated(index)?,
            Err(error) => self.give_up(index, &error),
        }
        Ok(())
    }

    /// Looks for files, and queues what has something to read.
    fn scan(&mut self) -> Result<(), SourceError> {
        let first = self.scanned.is_none();
        self.scanned = Some(Instant::now());
        self.scan_now = false;
        let candidates = self.candidates()?;
        self.end_closed(&candidates);
        self.queue.clear();
        for candidate in candidates {
            if self.is_wanted(&candidate)? {
                self.queue.push_back(candidate);
            }
        }
        if first {
            self.report_missing(false)?
        }
        if first && !self.options.sources.iter().any(|source| source == "-") {
            self.report_missing(true)?;
        }
        Ok(())
    }

    /// The files that are there now, with their generations; one for each.
    fn candidates(&mut self) -> Result<Vec<Candidate>, SourceError> {
        let mut problems = Vec::new();
        let places = places::find(&self.options.sources, self.options.rotated, &mut problems);
        for (path, reason) in problems {
            self.warn(path, &format!("{reason}; it will be read as soon as it is there"));
        }
        let mut notices = Vec::new();
        let candidates = self.assigner.assign(&places, &mut self.registry, &mut notices)?;
        self.outbox.extend(notices.into_iter().map(Delivery::Notice));
        self.mark_superseded(&candidates);
        Ok(candidates)
    }

    fn warn(&mut self, path: PathBuf, reason: &str) {
        let message = format!("{}: {reason}", path.display());
        if self.warned.insert((path, reason.to_owned())) {
            self.outbox.push_back(Delivery::Notice(Notice::Warning(message)));
        }
    }

    fn warn_of_pieces(&mut self, index: usize) {
        let path = self.readers.get(index).map(|reader| reader.path.clone()).unwrap_or_default();
        let limit = self.options.record_limit;
        self.warn(path, &format!("lines over {limit} bytes are read in pieces of that size"));
    }

    /// Whether a generation that was found has something to read and nobody reads it.
    fn is_wanted(&mut self, candidate: &Candidate) -> Result<bool, SourceError> {
        let partition = self.registry.partition(candidate.number);
        if self.readers.iter().any(|reader| reader.partition == partition) {
            return Ok(false);
        }
        let plain = candidate.compression == Compression::Plain;
        let stat = candidate.place.stat;
        Ok(match self.state(candidate.number)? {
            State::Read(Position { offset, ended }) => !ended || plain && stat.size > offset,
            State::Over(offset) => self.options.mode == Mode::Follow && plain && stat.size > offset,
            State::Closed(offset) => !plain || stat.size != offset,
            State::Unreadable(_, before) => self.options.mode == Mode::Follow && before != stat,
        })
    }

    /// What is known of a generation; whoever processes the records is asked once.
    fn state(&mut self, number: u32) -> Result<State, SourceError> {
        if let Some(state) = self.states.get(&number) {
            return Ok(*state);
        }
        let position = (self.positions)(&self.registry.partition(number))?;
        self.states.insert(number, State::Read(position));
        Ok(State::Read(position))
    }

    /// Begins to read a file where it was left.
    fn begin(&mut self, candidate: &Candidate) -> Result<(), SourceError> {
        let number = candidate.number;
        let state = self.state(number)?;
        let offset = state.offset();
        let partition = self.registry.partition(number);
        let print = self.registry.generations().get(&number).and_then(Generation::longest);
        let cutter = self.cutter(number, offset);
        match Reader::open(candidate, partition, print, cutter, &self.counter) {
            Ok(reader) => {
                if !matches!(state, State::Closed(_)) {
                    self.started(number, offset);
                }
                self.states.insert(number, State::Read(Position { offset, ended: false }));
                self.readers.push(reader);
            }
            Err(NotOpened::Changed) => self.scan_now = true,
            Err(NotOpened::Short(len)) => self.too_short(candidate, state, len),
            Err(NotOpened::Failed(error)) => self.not_opened(candidate, offset, &error),
        }
        Ok(())
    }

    fn cutter(&self, number: u32, offset: u64) -> Cutter {
        let partition = self.registry.partition(number);
        Cutter::new(partition, offset, self.options.cut(), self.pool.clone())
    }

    fn started(&mut self, number: u32, offset: u64) {
        let partition = self.registry.partition(number);
        let identity = self.registry.generations().get(&number).map(Generation::identity);
        let identity = identity.unwrap_or_default();
        self.outbox.push_back(Delivery::Started { partition, identity, offset, partitions: 0 });
    }

    /// Whether no more can come.
    fn is_over(&self) -> bool {
        let only_stdin = self.options.sources.iter().all(|source| source == "-");
        (self.options.mode == Mode::ToEnd || only_stdin)
            && self.readers.is_empty()
            && self.queue.is_empty()
            && self.pipe.is_none()
            && !self.scan_now
    }

    /// How long nothing needs to be looked at.
    fn tick(&self) -> Duration {
        let pipe = self.pipe.is_some() || self.readers.iter().any(Reader::is_pipe);
        if pipe { Duration::from_millis(5) } else { self.options.poll_every }
    }
}

impl State {
    fn offset(self) -> u64 {
        match self {
            Self::Read(position) => position.offset,
            Self::Over(offset) | Self::Closed(offset) | Self::Unreadable(offset, _) => offset,
        }
    }
}

impl Source for FileSource {
    fn poll(&mut self, wait: Duration) -> Result<Delivery, SourceError> {
        let until = Instant::now() + wait;
        loop {
            if let Some(delivery) = self.outbox.pop_front() {
                self.told_caught_up = false;
                return Ok(delivery);
            }
            if self.advance()? || !self.outbox.is_empty() {
                continue;
            }
            if self.is_over() {
                return Ok(Delivery::EndOfInput);
            }
            let left = until.saturating_duration_since(Instant::now());
            if !std::mem::replace(&mut self.told_caught_up, true) || left.is_zero() {
                return Ok(Delivery::CaughtUp);
            }
            std::thread::sleep(left.min(self.tick()));
        }
    }
}
