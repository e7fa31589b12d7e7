//! What the speed layer has done so far, for people and for metrics.

use metrics::{counter, gauge};

use crate::source::Notice;
use crate::window::Fold;

/// What a watcher hears of.
#[derive(Debug)]
pub enum Event<'a> {
    /// About every emit interval.
    Progress(&'a Progress),
    /// Something that people should know.
    Notice(&'a Notice),
}

/// What the speed layer has done so far. The counters count what is in the
/// index's states, earlier runs included; bytes those of this process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Partitions taken up.
    pub partitions: usize,
    /// Records: requests, malformed and blank ones.
    pub records: u64,
    /// Requests for closed windows.
    pub late: u64,
    /// Requests far ahead that nothing confirmed.
    pub ahead: u64,
    /// Records that no format matched.
    pub malformed: u64,
    /// Blank records.
    pub blank: u64,
    /// Bytes read by this process, line ends included.
    pub bytes: u64,
    /// The largest event time (ms) of any partition.
    pub largest_event_time: Option<i64>,
    /// Windows that are open.
    pub open_windows: usize,
    /// Windows that closed early for want of room.
    pub closed_early: u64,
    /// Whether everything that the source had has been folded.
    pub caught_up: bool,
}

impl Progress {
    /// Requests: records that a format matched.
    pub fn requests(&self) -> u64 {
        self.records.saturating_sub(self.malformed + self.blank)
    }

    pub(super) fn sum<'a>(&mut self, folds: impl Iterator<Item = &'a Fold>) {
        let (bytes, caught_up) = (self.bytes, self.caught_up);
        *self = Self { bytes, caught_up, ..Self::default() };
        for fold in folds {
            let state = fold.counters();
            self.partitions += 1;
            self.records += state.records;
            self.late += state.late;
            self.ahead += state.ahead;
            self.malformed += state.malformed.iter().sum::<u64>();
            self.blank += state.blank;
            self.largest_event_time = self.largest_event_time.max(fold.largest_event_time());
            self.open_windows += fold.open_windows();
            self.closed_early += fold.closed_early();
        }
    }

    /// Tells the process's metrics.
    pub(super) fn publish(&self) {
        counter!("twofold_speed_records_total").absolute(self.records);
        counter!("twofold_speed_late_total").absolute(self.late);
        counter!("twofold_speed_ahead_total").absolute(self.ahead);
        counter!("twofold_speed_malformed_total").absolute(self.malformed);
        counter!("twofold_speed_blank_total").absolute(self.blank);
        counter!("twofold_speed_bytes_total").absolute(self.bytes);
        counter!("twofold_speed_closed_early_total").absolute(self.closed_early);
        gauge!("twofold_speed_open_windows").set(self.open_windows as f64);
        gauge!("twofold_speed_partitions").set(self.partitions as f64);
        if let Some(time) = self.largest_event_time {
            gauge!("twofold_speed_largest_event_time_seconds").set(time as f64 / 1000.0);
        }
    }
}
