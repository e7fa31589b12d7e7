//! One partition's chain of files, and where it ends.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use twofold_data::archive::{
    End, FileMeta, Origin, SCHEMA_VERSION, end_path, file_path, origin_path,
};
use twofold_data::format::Parser;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::request::Line;
use twofold_data::window::watermark::{Resume, Verdict, Watermark};

use super::file::Building;
use super::store::{Created, Store, json};
use super::{ArchiveError, Options};
use crate::source::{Position, Record};

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
    rebuilt: Vec<u8>,
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

/// Where an archiver resumes a partition.
pub fn position(store: &Store, partition: &Partition) -> Result<Position, ArchiveError> {
    let end = end(store, partition)?;
    Ok(end
        .map_or(Position::default(), |end| Position { offset: end.next_offset, ended: end.ended }))
}

/// The end of what is put, by the hint, or where that is lost by the files.
fn end(store: &Store, partition: &Partition) -> Result<Option<End>, ArchiveError> {
    if let Some(end) = store.read::<End>(&end_path(partition))? {
        return Ok(Some(end));
    }
    if store.read::<Origin>(&origin_path(partition))?.is_none() {
        return Ok(None);
    }
    let Some(path) = store.last_file(partition)? else { return Ok(None) };
    Ok(store.file_meta(&path)?.map(|meta| end_of(partition, path, &meta)))
}

fn end_of(partition: &Partition, path: String, meta: &FileMeta) -> End {
    End {
        next_offset: meta.next_offset,
        last_file: Some(path),
        largest_event_time: meta.largest_event_time,
        ..start(partition, meta.first_offset)
    }
}

fn start(partition: &Partition, offset: u64) -> End {
    End {
        schema: SCHEMA_VERSION,
        partition: partition.clone(),
        partitions: partition.number + 1,
        next_offset: offset,
        last_file: None,
        largest_event_time: None,
        caught_up_at: None,
        ended: false,
    }
}

impl Chain {
    /// Goes on with a partition where its chain ends; starts the chain at `offset` if there is none.
    ///
    /// # Errors
    /// [`ArchiveError::Identity`] if the name stands for another partition already.
    pub fn open(
        tools: &Tools<'_>,
        partition: &Partition,
        identity: &str,
        offset: u64,
    ) -> Result<Self, ArchiveError> {
        claim(tools.store, partition, identity, offset)?;
        let end = end(tools.store, partition)?;
        let meta = match end.as_ref().and_then(|end| end.last_file.as_ref()) {
            Some(path) => tools.store.file_meta(path)?,
            None => None,
        };
        let mut chain = Self {
            partition: partition.clone(),
            watermark: Watermark::new(tools.options.limits),
            hour: None,
            end: end.unwrap_or_else(|| start(partition, offset)),
            building: None,
            said_idle: None,
            rebuilt: Vec::new(),
        };
        if let (Some(path), Some(meta)) = (chain.end.last_file.clone(), meta) {
            chain.stand_after(tools.options, &path, &meta);
        }
        chain.end.ended = false;
        Ok(chain)
    }

    /// The chain ends with the file at `path`.
    fn stand_after(&mut self, options: &Options, path: &str, meta: &FileMeta) {
        let resume = Resume {
            offset: meta.next_offset,
            event_time: meta.largest_event_time,
            request_time: meta.last_request_time,
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
        let before = (self.watermark.largest(), self.watermark.request_time());
        let later = self.judge(&line, record.offset);
        let (store, options) = (tools.store, tools.options);
        if later {
            self.finish(store, options, before)?;
        }
        if self.building.is_none() && !self.start_file(store, options, &line, record.offset)? {
            return Ok(());
        }
        self.append(options, record, &line)?;
        // Only the last record of a file can be without its `\n`, so that an export knows of it.
        let full = record.unterminated()
            || self.building.as_ref().is_some_and(|file| file.raw_bytes >= options.max_bytes);
        if full { self.finish(store, options, self.times()) } else { Ok(()) }
    }

    /// Whether a plausible request belongs into a later hour than the file that is being filled.
    fn judge(&mut self, line: &Line<'_>, offset: u64) -> bool {
        let Line::Request(request) = line else { return false };
        let verdict = self.watermark.observe(request.time, offset);
        self.watermark.decided();
        let hour = Grain::Hour.start(Minute::of(request.time));
        verdict == Verdict::Accept && self.building.as_ref().is_some_and(|file| hour > file.hour)
    }

    fn append(
        &mut self,
        options: &Options,
        record: &Record<'_>,
        line: &Line<'_>,
    ) -> Result<(), ArchiveError> {
        let time = match line {
            Line::Request(request) => request.time,
            _ => record.arrival.or(self.watermark.request_time()).unwrap_or(0),
        };
        let rebuilds = match line {
            Line::Request(request) => {
                self.rebuilt.clear();
                options.format.rebuild(request, &mut self.rebuilt) && self.rebuilt == record.bytes
            }
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
        offset: u64,
    ) -> Result<bool, ArchiveError> {
        loop {
            let hour = match line {
                Line::Request(request) => Grain::Hour.start(Minute::of(request.time)),
                _ => self.hour.unwrap_or_default(),
            };
            let path = file_path(hour, &self.partition, offset);
            if !store.exists(&path)? {
                self.building = Some(Building::new(&self.partition, path, hour, offset)?);
                return Ok(true);
            }
            self.adopt(store, options, &path)?;
            if self.end.next_offset > offset {
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
        (largest, request_time): (Option<i64>, Option<i64>),
    ) -> Result<(), ArchiveError> {
        let Some(file) = self.building.take() else { return Ok(()) };
        let (path, hour, through) = (file.path.clone(), file.hour, file.next_offset);
        let (body, meta) = file.finish(self.meta(options, largest, request_time))?;
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
        self.end.next_offset = meta.next_offset;
        self.end.largest_event_time = meta.largest_event_time;
        self.end.last_file = Some(path);
        self.say_end(store)
    }

    fn meta(&self, options: &Options, largest: Option<i64>, request_time: Option<i64>) -> FileMeta {
        FileMeta {
            schema: SCHEMA_VERSION,
            partition: self.partition.clone(),
            first_offset: 0,
            next_offset: 0,
            records: 0,
            unterminated: false,
            hours: Default::default(),
            largest_event_time: largest,
            largest_arrival: None,
            last_request_time: request_time,
            predecessor: self.end.last_file.clone(),
            fingerprint: options.format.fingerprint(),
            format: options.format.name(),
        }
    }

    fn times(&self) -> (Option<i64>, Option<i64>) {
        (self.watermark.largest(), self.watermark.request_time())
    }

    fn next_offset(&self) -> u64 {
        self.building.as_ref().map_or(self.end.next_offset, |file| file.next_offset)
    }

    fn say_end(&self, store: &Store) -> Result<(), ArchiveError> {
        store.overwrite(&end_path(&self.partition), &self.end)
    }

    /// Puts what has waited long enough; says from time to time that nothing waits.
    pub fn caught_up(&mut self, tools: &Tools<'_>) -> Result<(), ArchiveError> {
        match &self.building {
            Some(file) if file.since.elapsed() < tools.options.max_age => return Ok(()),
            Some(_) => self.finish(tools.store, tools.options, self.times())?,
            None if self.said_idle.is_some_and(|said| said.elapsed() < SAY_IDLE) => return Ok(()),
            None => {}
        }
        self.said_idle = Some(Instant::now());
        self.end.caught_up_at = Some(now());
        self.say_end(tools.store)
    }

    /// Puts a file that has waited too long although records keep coming.
    pub fn grown_old(&mut self, tools: &Tools<'_>) -> Result<(), ArchiveError> {
        let old = self
            .building
            .as_ref()
            .is_some_and(|file| file.since.elapsed() >= tools.options.max_age);
        if old { self.finish(tools.store, tools.options, self.times()) } else { Ok(()) }
    }

    /// No record follows: puts the rest, and says so.
    pub fn finish_partition(&mut self, tools: &Tools<'_>) -> Result<(), ArchiveError> {
        self.finish(tools.store, tools.options, self.times())?;
        self.end.ended = true;
        self.end.caught_up_at = Some(now());
        self.say_end(tools.store)
    }
}

/// Puts the origin, or holds the one that is there against what we were told.
fn claim(
    store: &Store,
    partition: &Partition,
    identity: &str,
    offset: u64,
) -> Result<(), ArchiveError> {
    let path = origin_path(partition);
    let known: Option<Origin> = store.read(&path)?;
    let known = match known {
        Some(known) => known,
        None => {
            let origin = Origin {
                schema: SCHEMA_VERSION,
                partition: partition.clone(),
                identity: identity.to_owned(),
                first_offset: offset,
            };
            store.create(&path, json(&path, &origin)?)?;
            store.read(&path)?.unwrap_or(origin)
        }
    };
    if known.identity == identity {
        return Ok(());
    }
    Err(ArchiveError::Identity {
        partition: partition.clone(),
        known: known.identity,
        found: identity.to_owned(),
    })
}

/// The hour of the folder in a file's path.
fn folder_hour(path: &str) -> Option<Minute> {
    let date = path.split("date=").nth(1)?.get(..10)?;
    let hour = path.split("hour=").nth(1)?.get(..2)?;
    Minute::parse(&format!("{date}T{hour}:00Z"))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
