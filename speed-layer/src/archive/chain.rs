//! One partition's chain of files.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use twofold_data::archive::{End, FileMeta, SCHEMA_VERSION, end_path, file_path};
use twofold_data::format::{Check, Parser};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::request::Line;
use twofold_data::window::watermark::{Resume, Verdict, Watermark};

use super::columns::Columns;
use super::end::{claim, end, folder_hour, start};
use super::file::Building;
use super::store::{Created, Store};
use super::{ArchiveError, Options};
use crate::source::Record;

/// How often an idle partition says that everything is put.
const SAY_IDLE: Duration = Duration::from_secs(30);

/// A partition that is being archived.
pub struct Chain {
    partition: Partition,
    watermark: Watermark,
    /// The hour of the last file's folder.
    hour: Option<Minute>,
    end: End,
    building: Option<Building>,
    said_idle: Option<Instant>,
    /// Whether the end has moved since it was last asked for.
    newly_put: bool,
    check: Check,
    /// Memory of the file that was put last.
    spare: Option<Columns>,
}

/// What a record needs to be archived.
pub struct Tools<'a> {
    /// The object store.
    pub store: &'a Store,
    /// The options.
    pub options: &'a Options,
    /// The parser.
    pub parser: &'a mut Parser,
}

impl Chain {
    /// Goes on with a partition where its chain ends; starts the chain at `offset` if there is none.
    ///
    /// # Errors
    /// [`ArchiveError::Identity`] if the name stands for another partition already;
    /// [`ArchiveError::Lost`] if the source starts after the chain's end, and nobody accepts that.
    pub fn open(
        tools: &Tools<'_>,
        partition: &Partition,
        identity: &str,
        offset: u64,
        partitions: u32,
    ) -> Result<Self, ArchiveError> {
        let origin = claim(tools.store, partition, identity, offset)?;
        let end = end(tools.store, partition)?;
        let meta = match end.as_ref().and_then(|end| end.last_file.as_ref()) {
            Some(path) => tools.store.file_meta(path)?,
            None => None,
        };
        let mut chain = Self {
            partition: partition.clone(),
            watermark: Watermark::new(tools.options.limits),
            hour: None,
            end: end.unwrap_or_else(|| start(partition, origin.first_offset)),
            building: None,
            said_idle: None,
            newly_put: false,
            check: Check::default(),
            spare: None,
        };
        if let (Some(path), Some(meta)) = (chain.end.last_file.clone(), meta) {
            chain.stand_after(tools.options, &path, &meta);
        }
        chain.end.ended = false;
        chain.end.partitions = partitions;
        chain.end.backfill = tools.options.backfill;
        chain.skip_lost(tools.options, offset)?;
        Ok(chain)
    }

    /// Holds where the source starts against where the chain ends.
    fn skip_lost(&mut self, options: &Options, offset: u64) -> Result<(), ArchiveError> {
        let from = self.end.next_offset;
        if offset <= from {
            return Ok(());
        }
        if !options.accept_loss {
            return Err(ArchiveError::Lost { partition: self.partition.clone(), from, to: offset });
        }
        tracing::warn!(
            "{}: going on at {offset}; the records from {from} on are lost",
            self.partition
        );
        self.end.next_offset = offset;
        Ok(())
    }

    /// The chain ends with the file at `path`.
    fn stand_after(&mut self, options: &Options, path: &str, meta: &FileMeta) {
        let resume = Resume {
            offset: meta.next_offset,
            event_time: meta.largest_event_time,
            request_time: meta.last_request_time,
            arrival: meta.largest_arrival,
        };
        self.watermark = Watermark::resume_at(options.limits, resume, None);
        self.hour = folder_hour(path);
        self.building = None;
        self.end.next_offset = meta.next_offset;
        self.end.last_file = Some(path.to_owned());
        self.end.largest_event_time = meta.largest_event_time;
    }

    /// Adds a record, unless it is archived already.
    pub fn push(&mut self, tools: &mut Tools<'_>, record: &Record<'_>) -> Result<(), ArchiveError> {
        let line = tools.parser.parse(record.bytes);
        if record.offset < self.next_offset() {
            return Ok(());
        }
        let before = self.watermark.at(record.offset);
        let mut record = *record;
        record.arrival = record.arrival.and_then(|time| self.watermark.arrive(time));
        let record = &record;
        let later = self.judge(&line, record);
        let (store, options) = (tools.store, tools.options);
        if later {
            self.finish(store, options, before)?;
        }
        if self.building.is_none() && !self.start_file(store, options, &line, record)? {
            return Ok(());
        }
        self.append(options, record, &line)?;
        // Only the last record of a file can be without its `\n`, so that an export knows of it.
        let full = record.unterminated()
            || self.building.as_ref().is_some_and(|file| file.raw_bytes >= options.max_bytes);
        if full { self.finish(store, options, self.here()) } else { Ok(()) }
    }

    /// Whether the record arrived in a later hour than that of the file that is being filled;
    /// where records have no arrival time, whether it is a plausible request of a later hour.
    fn judge(&mut self, line: &Line<'_>, record: &Record<'_>) -> bool {
        let later = |time| {
            let hour = Grain::Hour.start(Minute::of(time));
            self.building.as_ref().is_some_and(|file| hour > file.hour)
        };
        let arrived_later = record.arrival.map(later);
        let Line::Request(request) = line else { return arrived_later.unwrap_or(false) };
        let requested_later = later(request.time);
        let verdict = self.watermark.observe(request.time, record.offset);
        self.watermark.decided();
        arrived_later.unwrap_or(verdict == Verdict::Accept && requested_later)
    }

    fn append(
        &mut self,
        options: &Options,
        record: &Record<'_>,
        line: &Line<'_>,
    ) -> Result<(), ArchiveError> {
        let time = match line {
            Line::Request(request) => request.time,
            _ => self.watermark.time_of_no_request(record.arrival).unwrap_or(0),
        };
        let rebuilds = match line {
            Line::Request(request) => self.check.rebuilds(&options.format, request, record.bytes),
            Line::Blank | Line::Malformed(_) => false,
        };
        let raw = (!rebuilds).then_some(record.bytes);
        let Some(file) = &mut self.building else { return Ok(()) };
        file.push(record, line, time, raw)
    }

    /// Starts the file that begins with this record; `false` if it is there already: somebody
    /// else, or we before a crash, put it, and the chain goes on after it.
    fn start_file(
        &mut self,
        store: &Store,
        options: &Options,
        line: &Line<'_>,
        record: &Record<'_>,
    ) -> Result<bool, ArchiveError> {
        loop {
            let hour = match (record.arrival, line) {
                (Some(time), _) => Grain::Hour.start(Minute::of(time)),
                (None, Line::Request(request)) => Grain::Hour.start(Minute::of(request.time)),
                _ => self.hour.unwrap_or_default(),
            };
            // Where the chain ends, which may be before the record: offsets have lawful gaps.
            let first_offset = self.end.next_offset;
            let path = file_path(hour, &self.partition, first_offset);
            if !store.exists(&path)? {
                let columns = self.spare.take().unwrap_or_else(|| Columns::new(&self.partition));
                self.building = Some(Building::new(columns, path, hour, first_offset)?);
                return Ok(true);
            }
            self.adopt(store, options, &path)?;
            if self.end.next_offset > record.offset {
                return Ok(false);
            }
        }
    }

    /// Goes on after a file that is there already.
    fn adopt(&mut self, store: &Store, options: &Options, path: &str) -> Result<(), ArchiveError> {
        let meta = store.file_meta(path)?;
        let meta = meta.ok_or_else(|| ArchiveError::Failed(format!("{path} has gone")))?;
        self.stand_after(options, path, &meta);
        self.say_end(store)
    }

    /// Puts the file that is being filled.
    ///
    /// # Errors
    /// [`ArchiveError::Behind`] if another archiver has put a shorter file in its
    /// place: the records after it have to be read again.
    fn finish(
        &mut self,
        store: &Store,
        options: &Options,
        here: Resume,
    ) -> Result<(), ArchiveError> {
        let Some(file) = self.building.take() else { return Ok(()) };
        let (path, hour, through) = (file.path.clone(), file.hour, file.next_offset);
        let (body, meta, columns) = file.finish(self.meta(options, here))?;
        self.spare = Some(columns);
        if store.create(&path, body)? == Created::Present {
            self.adopt(store, options, &path)?;
            return match self.end.next_offset < through {
                true => Err(ArchiveError::Behind { partition: self.partition.clone() }),
                false => Ok(()),
            };
        }
        metrics::counter!("twofold_archive_files_total").increment(1);
        metrics::counter!("twofold_archive_records_total").increment(meta.records);
        self.hour = Some(hour);
        self.newly_put = true;
        self.end.next_offset = meta.next_offset;
        self.end.largest_event_time = meta.largest_event_time;
        self.end.last_file = Some(path);
        self.say_end(store)
    }

    fn meta(&self, options: &Options, here: Resume) -> FileMeta {
        FileMeta {
            schema: SCHEMA_VERSION,
            partition: self.partition.clone(),
            first_offset: 0,
            next_offset: 0,
            records: 0,
            unterminated: false,
            hours: Default::default(),
            largest_event_time: here.event_time,
            largest_arrival: here.arrival,
            last_request_time: here.request_time,
            predecessor: self.end.last_file.clone(),
            fingerprint: options.format.fingerprint(),
            format: options.format.name(),
        }
    }

    /// What the chain's next file has to know of the records so far.
    fn here(&self) -> Resume {
        self.watermark.at(self.next_offset())
    }

    /// The offset before which everything is put, where that has moved since the last call.
    pub fn newly_put(&mut self) -> Option<u64> {
        std::mem::take(&mut self.newly_put).then_some(self.end.next_offset)
    }

    fn next_offset(&self) -> u64 {
        self.building.as_ref().map_or(self.end.next_offset, |file| file.next_offset)
    }

    fn say_end(&self, store: &Store) -> Result<(), ArchiveError> {
        store.overwrite(&end_path(&self.partition), &self.end)
    }

    /// The source has nothing more for now.
    pub fn caught_up(&mut self, tools: &Tools<'_>) -> Result<(), ArchiveError> {
        self.at_end(tools, now())
    }

    /// Everything that the partition had at an instant (ms) has been pushed: puts what has waited
    /// long enough, and says from time to time that nothing waits.
    pub fn at_end(&mut self, tools: &Tools<'_>, at: i64) -> Result<(), ArchiveError> {
        match &self.building {
            Some(file) if file.since.elapsed() < tools.options.max_age => return Ok(()),
            Some(_) => self.finish(tools.store, tools.options, self.here())?,
            None if self.said_idle.is_some_and(|said| said.elapsed() < SAY_IDLE) => return Ok(()),
            None => {}
        }
        self.said_idle = Some(Instant::now());
        self.end.caught_up_at = self.end.caught_up_at.max(Some(at));
        self.say_end(tools.store)
    }

    /// Puts a file that has waited too long although records keep coming.
    pub fn grown_old(&mut self, tools: &Tools<'_>) -> Result<(), ArchiveError> {
        let old = self
            .building
            .as_ref()
            .is_some_and(|file| file.since.elapsed() >= tools.options.max_age);
        if old { self.finish(tools.store, tools.options, self.here()) } else { Ok(()) }
    }

    /// No record follows: puts the rest, and says so.
    pub fn finish_partition(&mut self, tools: &Tools<'_>) -> Result<(), ArchiveError> {
        self.finish(tools.store, tools.options, self.here())?;
        self.end.ended = true;
        self.end.caught_up_at = Some(now());
        self.say_end(tools.store)
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
