//! What the tests of the speed layer share: a log in memory as a source, and
//! an index that dies.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use twofold_data::format::Format;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;
use twofold_serving::index::sqlite::SqliteIndex;
use twofold_serving::index::{
    Answer, Document, Index, IndexError, Layer, LiveDocument, PartitionState, Publication, Put,
    Query, Select,
};
use twofold_speed::resume::positions;
use twofold_speed::source::{Batch, Delivery, Positions, Source, SourceError, Span};
use twofold_speed::speed::{Event, Options, Progress, SpeedError, run};

/// The first minute of the tests' logs: 2026-11-23T18:00Z.
pub const START: i64 = 29_924_280;

pub fn partition() -> Partition {
    Partition::new("access", 0)
}

/// A line of a client, `second` seconds after [`START`].
pub fn line(second: i64, client: &str, path: &str) -> String {
    let ms = (START * 60 + second) * 1000;
    let time = jiff::Timestamp::from_millisecond(ms).unwrap();
    let time = time.strftime("%d/%b/%Y:%H:%M:%S +0000");
    format!("{client} - - [{time}] \"GET {path} HTTP/1.1\" 200 17 \"-\" \"Mozilla/5.0\"")
}

/// Lines of one client at these seconds.
pub fn lines(seconds: &[i64]) -> Vec<String> {
    seconds.iter().map(|second| line(*second, "192.0.2.1", "/")).collect()
}

/// Lines in memory as a source of one partition; offsets count bytes, as in a file.
pub struct Log {
    deliveries: std::vec::IntoIter<Delivery>,
}

impl Log {
    /// Delivers `lines`, `batch` at a time, from where `positions` says; `ends` if none follows.
    pub fn new(lines: &[String], batch: usize, ends: bool, mut positions: Positions) -> Self {
        let position = positions(&partition()).unwrap();
        let started = Delivery::Started {
            partition: partition(),
            identity: "memory".to_owned(),
            offset: position.offset,
            partitions: 1,
        };
        let mut deliveries = vec![started];
        let mut next = 0;
        let records: Vec<(u64, &String)> = lines
            .iter()
            .map(|line| {
                let offset = next;
                next += line.len() as u64 + 1;
                (offset, line)
            })
            .filter(|(offset, _)| *offset >= position.offset)
            .collect();
        deliveries.extend(records.chunks(batch).map(|chunk| Delivery::Records(pack(chunk))));
        if ends {
            deliveries.extend([Delivery::Ended(partition()), Delivery::EndOfInput]);
        }
        if position.ended {
            deliveries = vec![Delivery::EndOfInput];
        }
        Self { deliveries: deliveries.into_iter() }
    }
}

impl Source for Log {
    fn poll(&mut self, _wait: Duration) -> Result<Delivery, SourceError> {
        Ok(self.deliveries.next().unwrap_or(Delivery::CaughtUp))
    }
}

fn pack(records: &[(u64, &String)]) -> Batch {
    let (mut chunk, mut spans) = (Vec::new(), Vec::new());
    for (offset, line) in records {
        let start = chunk.len() as u32;
        chunk.extend_from_slice(line.as_bytes());
        spans.push(Span { offset: *offset, start, end: chunk.len() as u32 });
    }
    let (offset, line) = records.last().unwrap();
    let next_offset = offset + line.len() as u64 + 1;
    Batch {
        partition: partition(),
        chunk: Bytes::from(chunk),
        spans,
        arrivals: vec![],
        next_offset,
    }
}

/// Emits after every batch, so that a test decides what is emitted when.
pub fn eager() -> Options {
    Options {
        emit_interval: Duration::ZERO,
        rollup_interval: Duration::ZERO,
        backlog: 1,
        ..Options::default()
    }
}

/// Folds lines to their end, whatever an earlier run has left in the index.
pub fn run_all(
    index: &Arc<dyn Index>,
    lines: &[String],
    batch: usize,
) -> Result<Progress, SpeedError> {
    run_with(index, lines, batch, true, eager())
}

/// Folds lines and is then stopped, as if more could follow.
pub fn run_some(index: &Arc<dyn Index>, lines: &[String]) -> Progress {
    run_with(index, lines, 1, false, eager()).unwrap()
}

pub fn run_with(
    index: &Arc<dyn Index>,
    lines: &[String],
    batch: usize,
    ends: bool,
    options: Options,
) -> Result<Progress, SpeedError> {
    let mut source = Log::new(lines, batch, ends, positions(index.clone()));
    let format = Format::named("combined").unwrap();
    let stop = Arc::<AtomicBool>::default();
    run(&mut source, index.clone(), &format, options, &stop, &mut |event| {
        if let Event::Progress(progress) = event {
            stop.store(progress.caught_up && !ends, Ordering::Relaxed);
        }
    })
}

pub fn open(folder: &Path) -> Arc<dyn Index> {
    Arc::new(SqliteIndex::open(&folder.join("twofold.db")).unwrap())
}

/// Every speed row of a grain.
pub fn rows(index: &dyn Index, grain: Grain) -> Vec<RowSet> {
    let (from, to) = (Minute(i64::MIN / 120_000), Minute(i64::MAX / 120_000));
    let mut sets =
        index.speed_rows(&Select { view: None, grain, from, to, partition: None }).unwrap();
    sets.sort_by(|a, b| (a.start, &a.view).cmp(&(b.start, &b.view)));
    sets
}

/// The requests that `traffic` counts in the span that starts `minute` minutes after [`START`].
pub fn requests(index: &dyn Index, grain: Grain, minute: i64) -> u64 {
    let start = grain.start(Minute(START + minute));
    let sets = rows(index, grain);
    let set = sets.iter().find(|set| set.view == "traffic" && set.start == start);
    set.map_or(0, |set| set.rows[0].counts.requests())
}

/// An index that dies in the middle of one of its writes.
pub struct Mortal {
    pub index: Arc<dyn Index>,
    /// How many row sets and states can still be written.
    pub writes: AtomicI64,
}

impl Mortal {
    pub fn after(index: Arc<dyn Index>, writes: i64) -> Arc<dyn Index> {
        Arc::new(Self { index, writes: AtomicI64::new(writes) })
    }

    fn dead() -> IndexError {
        IndexError::Failed("killed".to_owned())
    }
}

impl Index for Mortal {
    fn put(&self, sets: &[RowSet]) -> Result<Vec<Put>, IndexError> {
        let left = self.writes.fetch_sub(sets.len() as i64, Ordering::SeqCst).max(0) as usize;
        let put = self.index.put(sets.get(..left).unwrap_or(sets))?;
        if put.len() < sets.len() { Err(Self::dead()) } else { Ok(put) }
    }

    fn put_state(&self, state: &PartitionState) -> Result<Put, IndexError> {
        if self.writes.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(Self::dead());
        }
        self.index.put_state(state)
    }

    fn state(&self, partition: &Partition) -> Result<Option<PartitionState>, IndexError> {
        self.index.state(partition)
    }

    fn states(&self) -> Result<Vec<PartitionState>, IndexError> {
        self.index.states()
    }

    fn speed_rows(&self, select: &Select<'_>) -> Result<Vec<RowSet>, IndexError> {
        self.index.speed_rows(select)
    }

    fn extent(&self) -> Result<Option<(Minute, Minute)>, IndexError> {
        self.index.extent()
    }

    fn stage(&self, run: &str, rows: &[RowSet], docs: &[Document]) -> Result<(), IndexError> {
        self.index.stage(run, rows, docs)
    }

    fn staged(&self, run: &str) -> Result<u64, IndexError> {
        self.index.staged(run)
    }

    fn publish(&self, run: &str, publication: &Publication) -> Result<(), IndexError> {
        self.index.publish(run, publication)
    }

    fn abandon(&self, run: &str) -> Result<(), IndexError> {
        self.index.abandon(run)
    }

    fn published(&self) -> Result<Option<Publication>, IndexError> {
        self.index.published()
    }

    fn read(&self, query: &Query<'_>) -> Result<Answer, IndexError> {
        self.index.read(query)
    }

    fn documents(&self, kind: &str, from: Minute, to: Minute) -> Result<Vec<Document>, IndexError> {
        self.index.documents(kind, from, to)
    }

    fn put_documents(&self, documents: &[LiveDocument]) -> Result<Vec<Put>, IndexError> {
        if self.writes.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(Self::dead());
        }
        self.index.put_documents(documents)
    }

    fn live_documents(
        &self,
        kind: &str,
        from: Minute,
        to: Minute,
    ) -> Result<Vec<LiveDocument>, IndexError> {
        self.index.live_documents(kind, from, to)
    }

    fn delete_documents_before(&self, kind: &str, before: Minute) -> Result<u64, IndexError> {
        self.index.delete_documents_before(kind, before)
    }

    fn delete_before(&self, layer: Layer, grain: Grain, before: Minute) -> Result<u64, IndexError> {
        self.index.delete_before(layer, grain, before)
    }
}
