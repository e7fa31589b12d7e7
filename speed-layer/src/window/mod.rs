//! The fold of one partition: its records into windows, one per minute.

mod decode;
mod open;

use std::collections::VecDeque;

use twofold_data::facts::Facts;
use twofold_data::minute::Minute;
use twofold_data::partition::{Partition, partition_seed, record_hash};
use twofold_data::request::{Line, Malformed};
use twofold_data::view::{RowSet, State};
use twofold_data::window::toplist::DEFAULT_CAP;
use twofold_data::window::{Aggregate, Limits, Resume, Verdict, Watermark};
use twofold_serving::index::PartitionState;

pub use decode::Decoder;
use open::Window;

use crate::resume::Restored;
use crate::source::Record;

/// What bounds a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How much disorder is allowed.
    pub limits: Limits,
    /// How many keys a window's lists hold before they become estimates.
    pub keys: usize,
    /// How many windows may be open at once. It should be larger than the allowed
    /// lateness in minutes by two; if more are needed, the oldest closes early.
    pub windows: usize,
}

/// Lines come in two minutes at a time, mostly.
const SPARE: usize = 2;

impl Default for Bounds {
    fn default() -> Self {
        Self { limits: Limits::default(), keys: DEFAULT_CAP, windows: 16 }
    }
}

/// The fold of one partition. What it holds is a function of the partition's
/// records in the order of their offsets, and its memory is bounded by [`Bounds`].
#[derive(Debug)]
pub struct Fold {
    seed: u64,
    bounds: Bounds,
    watermark: Watermark,
    /// The windows that take records, in the order of time: a handful, and most records belong to one
    /// of the last two.
    open: Vec<(Minute, Window)>,
    /// The rows of windows that closed since the last emission.
    closed: Vec<RowSet>,
    /// Memory of windows that closed, for those that open.
    spare: Vec<Aggregate>,
    /// The records that the watermark holds.
    held: VecDeque<(u64, Vec<u8>)>,
    next_offset: u64,
    /// Records below this offset were counted by an earlier run.
    counted_to: u64,
    state: PartitionState,
    closed_early: u64,
    changed: bool,
}

impl Fold {
    /// A fold that goes on where an earlier one, or none, has left the partition.
    pub fn new(restored: Restored, bounds: Bounds) -> Self {
        let Restored { state, resume } = restored;
        let watermark = Watermark::resume_at(bounds.limits, resume, state.closed_through);
        Self {
            seed: partition_seed(&state.partition),
            bounds,
            watermark,
            open: Vec::new(),
            closed: Vec::new(),
            spare: Vec::new(),
            held: VecDeque::new(),
            next_offset: resume.offset,
            counted_to: state.processed_through,
            state,
            closed_early: 0,
            changed: true,
        }
    }

    /// Folds one record; they come in the order of their offsets. One that the state has done
    /// with is left out: who read it had an older state.
    pub fn record(&mut self, decoder: &mut Decoder, record: &Record<'_>) {
        if record.offset < self.next_offset {
            return;
        }
        let arrival = record.arrival.and_then(|time| self.watermark.arrive(time));
        let new = record.offset >= self.counted_to;
        self.state.records += u64::from(new);
        match decoder.parser.parse(record.bytes) {
            Line::Request(request) => match self.watermark.observe(request.time, record.offset) {
                Verdict::Accept => {
                    let facts = decoder.classifier.classify(&request);
                    self.accept(&facts, record.offset, record.offset + 1);
                }
                Verdict::Late => self.state.late += u64::from(new),
                Verdict::Held => self.held.push_back((record.offset, record.bytes.to_vec())),
                Verdict::Ahead => self.state.ahead += u64::from(new),
            },
            Line::Malformed(reason) => self.malformed(record.offset, arrival, reason, new),
            Line::Blank => self.blank(record.offset, arrival, new),
        }
        self.next_offset = record.next_offset;
        self.changed = true;
        if self.watermark.has_decided() {
            self.settle(decoder, record.offset + 1, new);
        }
        self.close_windows();
    }

    /// No record follows: what is held is decided, and every window closes that a request may have
    /// opened. One of malformed records alone, whose arrival is all that is known of them, stays
    /// open: it may lie years after the log, and would make every request late that follows after all.
    pub fn end(&mut self, decoder: &mut Decoder) {
        self.watermark.end();
        self.settle(decoder, self.next_offset, self.next_offset >= self.counted_to);
        let near = |largest: i64| Minute::of(largest.saturating_add(self.bounds.limits.lateness));
        let last = self.watermark.largest().map(near);
        let mut open = self.open.iter().rev().map(|(minute, _)| *minute);
        if let Some(last) = last.and_then(|last| open.find(|open| *open <= last)) {
            self.watermark.close(last);
        }
        self.close_windows();
        self.changed |= !self.state.ended;
        self.state.ended = true;
    }

    /// Records follow after all.
    pub fn reopen(&mut self) {
        self.changed |= self.state.ended;
        self.state.ended = false;
    }

    /// The rows of the windows that closed since the last call, and, if `open`,
    /// of the open ones that changed since then. The windows go on meanwhile.
    pub fn emit(&mut self, open: bool) -> Vec<RowSet> {
        let mut sets = std::mem::take(&mut self.closed);
        if open && !self.replays() {
            for (minute, window) in &mut self.open {
                sets.extend(window.changed_rows(&self.state.partition, *minute));
            }
        }
        sets
    }

    /// Where the partition stands once what [`Self::emit`] returned is stored;
    /// `None` while the fold still replays what an earlier run has processed.
    pub fn state(&self) -> Option<PartitionState> {
        if self.replays() {
            return None;
        }
        let resume = self.resume();
        Some(PartitionState {
            resume_offset: resume.offset,
            resume_event_time: resume.event_time,
            resume_request_time: resume.request_time,
            resume_arrival: resume.arrival,
            processed_through: self.next_offset,
            closed_through: self.watermark.closed_through(),
            largest_event_time: self.watermark.largest(),
            ..self.state.clone()
        })
    }

    /// Whether anything changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// How many row sets of closed windows wait to be emitted.
    pub fn backlog(&self) -> usize {
        self.closed.len()
    }

    /// How many windows are open.
    pub fn open_windows(&self) -> usize {
        self.open.len()
    }

    /// How many windows closed before the watermark had passed them, for want of room.
    pub fn closed_early(&self) -> u64 {
        self.closed_early
    }

    /// The partition.
    pub fn partition(&self) -> &Partition {
        &self.state.partition
    }

    /// The counters: of them only records, late, ahead, malformed and blank are current.
    pub fn counters(&self) -> &PartitionState {
        &self.state
    }

    /// The largest plausible event time (ms).
    pub fn largest_event_time(&self) -> Option<i64> {
        self.watermark.largest()
    }

    /// What a new process of the same partition has to know.
    pub fn identity(&self) -> &str {
        &self.state.identity
    }

    fn replays(&self) -> bool {
        self.next_offset < self.counted_to
    }

    /// The smallest point from which a replay restores every open window and
    /// everything that is held. (The *oldest window's* first offset is not enough:
    /// a younger window may have started before it.)
    fn resume(&self) -> Resume {
        let windows = self.open.iter().map(|(_, window)| window.resume);
        let points = windows.chain(self.watermark.held_from());
        let next = self.watermark.at(self.next_offset);
        points.min_by_key(|point| point.offset).unwrap_or(next)
    }

    fn accept(&mut self, facts: &Facts<'_>, offset: u64, version: u64) {
        let hash = record_hash(self.seed, offset);
        let resume = self.watermark.resume();
        self.window(Minute::of(facts.time), resume, version).fold(facts, hash);
    }

    fn malformed(&mut self, offset: u64, arrival: Option<i64>, reason: Malformed, new: bool) {
        let at = Malformed::ALL.iter().position(|known| *known == reason);
        if let Some(count) = at.and_then(|at| self.state.malformed.get_mut(at)) {
            *count += u64::from(new);
        }
        let hash = record_hash(self.seed, offset);
        if let Some(window) = self.window_of_no_request(offset, arrival) {
            window.malformed(hash);
        }
    }

    fn blank(&mut self, offset: u64, arrival: Option<i64>, new: bool) {
        self.state.blank += u64::from(new);
        let hash = record_hash(self.seed, offset);
        if let Some(window) = self.window_of_no_request(offset, arrival) {
            window.blank(hash);
        }
    }

    /// The window that a malformed or blank record counts for; `None` if it is closed.
    fn window_of_no_request(
        &mut self,
        offset: u64,
        arrival: Option<i64>,
    ) -> Option<&mut Aggregate> {
        let minute = Minute::of(self.watermark.time_of_no_request(arrival)?);
        if self.watermark.is_closed(minute) {
            return None;
        }
        let here = self.watermark.at(offset);
        let resume = self.watermark.held_from().unwrap_or(here);
        Some(self.window(minute, resume, offset + 1))
    }

    fn window(&mut self, minute: Minute, resume: Resume, version: u64) -> &mut Aggregate {
        let before = self.open.iter().rposition(|(open, _)| *open <= minute);
        let at = match before {
            Some(at) if self.open[at].0 == minute => at,
            before => self.open_window(before.map_or(0, |at| at + 1), minute, resume),
        };
        let window = &mut self.open[at].1;
        window.version = window.version.max(version);
        &mut window.aggregate
    }

    fn open_window(&mut self, at: usize, minute: Minute, resume: Resume) -> usize {
        let spare = self.spare.pop();
        let empty = spare.unwrap_or_else(|| Aggregate::with_cap(self.bounds.keys));
        self.open.insert(at, (minute, Window::new(empty, resume)));
        at
    }

    /// Does with records that were held what the watermark has decided meanwhile.
    fn settle(&mut self, decoder: &mut Decoder, version: u64, new: bool) {
        for decided in self.watermark.decided() {
            let raw = self.held.pop_front().map(|(_, raw)| raw).unwrap_or_default();
            match decided.verdict {
                Verdict::Accept => {
                    if let Line::Request(request) = decoder.parser.parse(&raw) {
                        let facts = decoder.classifier.classify(&request);
                        self.accept(&facts, decided.offset, version);
                    }
                }
                Verdict::Late => self.state.late += u64::from(new),
                Verdict::Ahead | Verdict::Held => self.state.ahead += u64::from(new),
            }
        }
    }

    fn keep(&mut self, mut aggregate: Aggregate) {
        if self.spare.len() < SPARE {
            aggregate.clear();
            self.spare.push(aggregate);
        }
    }

    fn close_windows(&mut self) {
        while let Some(&(oldest, _)) = self.open.first() {
            if !self.watermark.is_closed(oldest) {
                if self.open.len() <= self.bounds.windows {
                    return;
                }
                self.watermark.close(oldest);
                self.closed_early += 1;
            }
            let (_, window) = self.open.remove(0);
            self.closed.extend(window.rows(&self.state.partition, oldest, State::Closed));
            self.keep(window.aggregate);
        }
    }
}
