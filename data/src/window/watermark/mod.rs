//! The watermark of one partition, and what it decides of each request.
//!
//! All of it is a function of the partition's records, never of a clock, so
//! that a replay decides the same.

mod held;

pub use held::MOST_HELD;

use held::Held;
use serde::{Deserialize, Serialize};

use crate::minute::{MINUTE_MS, Minute};

/// How much disorder a partition may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The allowed lateness in milliseconds: by so much the watermark stays
    /// behind the largest event time.
    pub lateness: i64,
    /// A request whose time lies further than this (ms) past the largest event
    /// time is held until others confirm it.
    pub ahead: i64,
}

/// Two minutes late, one hour ahead.
impl Default for Limits {
    fn default() -> Self {
        Self { lateness: 120_000, ahead: 3_600_000 }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its window is open: fold it.
    Accept,
    /// Its window is closed: left to the batch layer.
    Late,
    /// It is far ahead; [`Watermark::decided`] tells later, or at once, what became of it.
    Held,
    /// Nothing confirmed it: left to the batch layer.
    Ahead,
}

/// The verdict on a request that was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The request's offset.
    pub offset: u64,
    /// Its event time.
    pub time: i64,
    /// What becomes of it; never [`Verdict::Held`].
    pub verdict: Verdict,
}

/// A point from which a replay decides as the first run did: an offset, and the
/// watermark before the record there, when nothing was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resume {
    /// The offset to read from.
    pub offset: u64,
    /// The largest event time before it (ms).
    pub event_time: Option<i64>,
    /// The event time of the last plausible request before it (ms).
    pub request_time: Option<i64>,
    /// The arrival time of the record before it (ms); `None` where the source has none (files).
    pub arrival: Option<i64>,
}

/// A partition's watermark: the largest event time less the allowed lateness.
///
/// A request more than [`Limits::ahead`] past the largest event time moves
/// nothing. It is held until two more follow that are no earlier than it (less
/// the allowed lateness), with no ordinary request between them: then time has
/// really gone on. An ordinary request proves that it has not, and those held
/// count as ahead.
///
/// A partition's first request has nothing before it to be compared with; one
/// following request that doesn't lie far before it is enough to confirm it.
#[derive(Debug, Clone)]
pub struct Watermark {
    limits: Limits,
    largest: Option<i64>,
    request_time: Option<i64>,
    arrival: Option<i64>,
    closed: Option<Minute>,
    /// The first millisecond after the last window that is closed; the least number where none is.
    closed_to: i64,
    held: Vec<Held>,
    decided: Vec<Decided>,
    resume: Resume,
}

fn closed_to(closed: Option<Minute>) -> i64 {
    closed.map_or(i64::MIN, |closed| closed.0.saturating_add(1).saturating_mul(MINUTE_MS))
}

impl Watermark {
    /// The watermark at the start of a partition.
    pub fn new(limits: Limits) -> Self {
        Self::resume_at(limits, Resume::default(), None)
    }

    /// The watermark at a point of an earlier run, whose windows up to `closed` are final.
    pub fn resume_at(limits: Limits, resume: Resume, closed: Option<Minute>) -> Self {
        Self {
            limits,
            largest: resume.event_time,
            request_time: resume.request_time,
            arrival: resume.arrival,
            closed,
            closed_to: closed_to(closed),
            held: Vec::new(),
            decided: Vec::new(),
            resume,
        }
    }

    /// A record arrived at `time` (ms since the epoch; negative where it has no time stamp).
    /// Returns its arrival time: the largest of the partition so far, since producers' clocks
    /// go back. To be told before the record is judged.
    pub fn arrive(&mut self, time: i64) -> Option<i64> {
        if time >= 0 {
            self.arrival = self.arrival.max(Some(time));
        }
        self.arrival
    }

    /// Judges the request at `offset`. Afterwards [`Self::decided`] has the
    /// verdicts on held ones, which come before this one.
    pub fn observe(&mut self, time: i64, offset: u64) -> Verdict {
        if self.is_ahead(time) {
            self.hold(time, offset);
            return Verdict::Held;
        }
        if !self.held.is_empty() {
            self.deny();
        }
        self.resume = self.at(offset);
        self.accept(time)
    }

    /// No record follows: what is held counts as ahead, unless nothing but it was seen.
    pub fn end(&mut self) {
        match (self.largest, self.held.first()) {
            (None, Some(&Held { time, .. })) => self.release(time),
            _ => self.deny(),
        }
        self.deny();
    }

    /// Closes the windows up to and including `minute`, whatever the watermark.
    pub fn close(&mut self, minute: Minute) {
        self.closed = self.closed.max(Some(minute));
        self.closed_to = closed_to(self.closed);
    }

    /// Whether [`Self::decided`] has any verdict.
    pub fn has_decided(&self) -> bool {
        !self.decided.is_empty()
    }

    /// The verdicts on held requests since the last call, in the order of offsets.
    pub fn decided(&mut self) -> Vec<Decided> {
        std::mem::take(&mut self.decided)
    }

    /// Where a replay must start to judge again what was accepted last.
    pub fn resume(&self) -> Resume {
        self.resume
    }

    /// The point before the record at `offset`, which comes next, where nothing is held.
    pub fn at(&self, offset: u64) -> Resume {
        Resume {
            offset,
            event_time: self.largest,
            request_time: self.request_time,
            arrival: self.arrival,
        }
    }

    /// The largest event time (ms), implausible ones left out.
    pub fn largest(&self) -> Option<i64> {
        self.largest
    }

    /// The time (ms) that a record which is no request counts for: its arrival, or, where that
    /// lies further than the allowed lateness from the last request before it, that
    /// request's time: in a log that is shipped long afterwards it belongs among its neighbours, and
    /// must open no window of today. `None` where neither is known.
    pub fn time_of_no_request(&self, arrival: Option<i64>) -> Option<i64> {
        let request = self.last_request();
        let Some((arrived, request)) = arrival.zip(request) else { return arrival.or(request) };
        let near = arrived.abs_diff(request) <= self.limits.lateness.unsigned_abs();
        Some(if near { arrived } else { request })
    }

    /// The last window that is closed.
    pub fn closed_through(&self) -> Option<Minute> {
        self.closed
    }

    /// Whether the window of `minute` is closed.
    pub fn is_closed(&self, minute: Minute) -> bool {
        self.closed.is_some_and(|closed| minute <= closed)
    }

    fn is_ahead(&self, time: i64) -> bool {
        self.largest.is_none_or(|largest| time > largest.saturating_add(self.limits.ahead))
    }

    fn accept(&mut self, time: i64) -> Verdict {
        self.request_time = Some(time);
        let is_late = time < self.closed_to;
        // A replay knows what is closed before it comes to the request that closed it: what was accepted then
        // is late now, and moves the watermark as it did.
        self.advance(time);
        if is_late { Verdict::Late } else { Verdict::Accept }
    }

    fn advance(&mut self, time: i64) {
        if self.largest.is_some_and(|largest| time <= largest) {
            return;
        }
        self.largest = Some(time);
        let watermark = time.saturating_sub(self.limits.lateness);
        // Most requests don't move it past the end of another minute.
        if watermark >= self.closed_to.saturating_add(MINUTE_MS) {
            self.close(Minute(Minute::of(watermark).0 - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    /// Time stamps that go back and forth, and are missing now and then.
    fn stamp(offset: u64) -> i64 {
        let offset = offset as i64;
        if offset % 5 == 4 { -1 } else { offset * 10 + offset * 7919 % 97 }
    }

    /// The final verdict on each offset. Whatever the start, each has the arrival time it had.
    fn judge(watermark: &mut Watermark, times: &[i64], from: u64) -> BTreeMap<u64, Verdict> {
        let mut verdicts = BTreeMap::new();
        for (offset, time) in (0..).zip(times).skip(from as usize) {
            let latest = (0..=offset).map(stamp).max();
            assert_eq!(watermark.arrive(stamp(offset)), latest, "arrival of {offset}");
            verdicts.insert(offset, watermark.observe(*time, offset));
            verdicts.extend(watermark.decided().iter().map(|d| (d.offset, d.verdict)));
        }
        verdicts
    }

    /// What a record that is no request would count for after each of the requests.
    fn standing(watermark: &mut Watermark, times: &[i64], from: u64) -> BTreeMap<u64, i64> {
        let mut standing = BTreeMap::new();
        for (offset, time) in (0..).zip(times).skip(from as usize) {
            let arrival = watermark.arrive(stamp(offset));
            watermark.observe(*time, offset);
            watermark.decided();
            standing.extend(watermark.time_of_no_request(arrival).map(|time| (offset, time)));
        }
        standing
    }

    fn verdicts(minutes: &[i64]) -> (Vec<Verdict>, Watermark) {
        let mut watermark = Watermark::new(Limits::default());
        let times: Vec<i64> = minutes.iter().map(|minute| minute * MINUTE).collect();
        let mut verdicts = judge(&mut watermark, &times, 0);
        watermark.end();
        verdicts.extend(watermark.decided().iter().map(|d| (d.offset, d.verdict)));
        (verdicts.into_values().collect(), watermark)
    }

    use Verdict::{Accept as A, Ahead as F, Late as L};

    #[test]
    fn verdicts_on_short_partitions() {
        let far = 50_000_000;
        for (minutes, expected, why) in [
            (&[][..], &[][..], "nothing"),
            (&[7], &[A], "one request"),
            (&[7, 8, 7], &[A, A, A], "order"),
            (&[7, 9, 7], &[A, A, A], "exactly as late as allowed"),
            (&[7, 10, 7, 8], &[A, A, L, A], "late"),
            (&[7, 7, far, 8, 9, 8], &[A, A, F, A, A, A], "one bad time stamp moves nothing"),
            (&[far, 7, 8, 9], &[F, A, A, A], "the first time stamp is bad"),
            (&[7, far, 8, 9], &[A, F, A, A], "the second time stamp is bad"),
            (&[7, 7, far], &[A, A, F], "the last time stamp is bad"),
            (&[7, 7, 127, 127, 128, 129], &[A, A, A, A, A, A], "a gap of two hours"),
            (&[7, 7, 127, 126, 126, 8], &[A, A, A, A, A, L], "disorder after a gap"),
            (&[7, 7, far, 127, 127, 127, 128], &[A, A, F, A, A, A, A], "a bad one in a gap"),
            (&[7, 7, 127, 127, 8, 127, 127], &[A, A, F, F, A, F, F], "a straggler in a gap"),
            (&[7, 7, far, far, far, 8], &[A, A, A, A, A, L], "three that agree are believed"),
            (&[7, 7, 67, 8], &[A, A, A, L], "an hour ahead is not far"),
            (&[7, 7, 127, 257, 357], &[A, A, A, F, F], "a quiet site"),
        ] {
            assert_eq!(verdicts(minutes).0, expected, "{why}: {minutes:?}");
        }
    }

    #[test]
    fn a_window_closes_when_the_watermark_passes_its_end() {
        let mut watermark = Watermark::new(Limits::default());
        judge(&mut watermark, &[0, 0, 3 * MINUTE - 1], 0);
        assert!(!watermark.is_closed(Minute(0)));
        watermark.observe(3 * MINUTE, 3);
        assert_eq!(watermark.closed_through(), Some(Minute(0)));
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut watermark = Watermark::new(Limits::default());
        let falling: Vec<i64> = (0..100).map(|i| (100 - i) * HOUR * 24).collect();
        judge(&mut watermark, &[&[0, 0], &falling[..]].concat(), 0);
        assert_eq!(watermark.held.len(), MOST_HELD);
    }

    #[test]
    fn no_time_stamp_overflows() {
        verdicts(&[]);
        let mut watermark = Watermark::new(Limits::default());
        let times = [i64::MAX, i64::MIN, i64::MIN, i64::MAX, i64::MAX, i64::MAX, 0, i64::MIN];
        judge(&mut watermark, &times, 0);
    }

    #[test]
    fn a_record_without_a_time_counts_among_its_neighbours() {
        let watermark = verdicts(&[7, 8]).1;
        let minute = |arrival: Option<i64>| {
            let time = watermark.time_of_no_request(arrival.map(|minute| minute * MINUTE));
            time.map(|time| time / MINUTE)
        };
        assert_eq!(minute(None), Some(8), "a file has no arrival");
        assert_eq!(minute(Some(10)), Some(10), "as far as lateness goes");
        assert_eq!(minute(Some(11)), Some(8), "shipped later");
        assert_eq!(minute(Some(5)), Some(8), "a clock that is wrong");
        let first = Watermark::new(Limits::default());
        assert_eq!(first.time_of_no_request(Some(10)), Some(10), "before any request");
        assert_eq!(first.time_of_no_request(None), None);
    }

    /// Whatever the record after which a run stops, the one that resumes counts malformed records as it did.
    fn check_replays(times: &[i64]) {
        let expected = standing(&mut Watermark::new(Limits::default()), times, 0);
        for stop in 0..=times.len() {
            let (resume, closed) = run_to(times, stop);
            let mut replay = Watermark::resume_at(Limits::default(), resume, closed);
            for (offset, time) in standing(&mut replay, times, resume.offset) {
                assert_eq!(Some(&time), expected.get(&offset), "{offset}, stopped at {stop}");
            }
        }
    }

    #[test]
    fn a_replay_knows_the_first_request_before_those_that_were_held_with_it() {
        check_replays(&[0, HOUR + 1, 1000 * HOUR, 2000 * HOUR, 2000 * HOUR]);
    }

    #[test]
    fn what_is_late_in_a_replay_alone_moves_its_watermark_all_the_same() {
        let last = [7_292_387; 8];
        let held = [7_412_055, 7_292_054, 7_172_053, 3_692_053, last[0], 7_320_000];
        check_replays(&[&[0, 0], &held[..], &last].concat());
    }

    fn times() -> impl Strategy<Value = Vec<i64>> {
        let step = prop_oneof![
            20 => -3 * MINUTE..4 * MINUTE,
            2 => -2 * HOUR..3 * HOUR,
            1 => Just(1000 * HOUR),
        ];
        let keeps = prop::bool::weighted(0.7);
        prop::collection::vec((step, keeps), 0..80).prop_map(|steps| {
            let mut now = 0;
            let jump = |(step, keeps): (i64, bool)| {
                let time = now + step;
                now = if keeps { time } else { now };
                time
            };
            steps.into_iter().map(jump).collect()
        })
    }

    /// Runs to `stop` as a fold does, and returns where it would resume and what is final then.
    fn run_to(times: &[i64], stop: usize) -> (Resume, Option<Minute>) {
        let mut watermark = Watermark::new(Limits::default());
        let mut open = BTreeMap::<Minute, Resume>::new();
        for (offset, time) in (0..).zip(&times[..stop]) {
            watermark.arrive(stamp(offset));
            let verdict = watermark.observe(*time, offset);
            let mut accepted: Vec<i64> = Vec::new();
            accepted.extend(watermark.decided().iter().filter(|d| d.verdict == A).map(|d| d.time));
            accepted.extend((verdict == A).then_some(*time));
            for time in accepted {
                open.entry(Minute::of(time)).or_insert(watermark.resume());
            }
            open.retain(|minute, _| !watermark.is_closed(*minute));
        }
        let next = watermark.at(stop as u64);
        let points = open.into_values().chain(watermark.held_from()).chain([next]);
        (points.min_by_key(|point| point.offset).unwrap(), watermark.closed_through())
    }

    proptest! {
        #[test]
        fn a_replay_decides_the_same_from_any_point(times in times(), stop in any::<prop::sample::Index>()) {
            let stop = stop.index(times.len() + 1);
            let mut whole = Watermark::new(Limits::default());
            let expected = judge(&mut whole, &times, 0);
            let (resume, closed) = run_to(&times, stop);
            let mut replay = Watermark::resume_at(Limits::default(), resume, closed);
            let found = judge(&mut replay, &times, resume.offset);
            for (offset, verdict) in found {
                let minute = Minute::of(times[offset as usize]);
                let is_final = (offset as usize) < stop && closed.is_some_and(|closed| minute <= closed);
                if !is_final {
                    prop_assert_eq!(Some(&verdict), expected.get(&offset), "offset {}", offset);
                }
            }
            prop_assert_eq!(replay.largest(), whole.largest());
            prop_assert_eq!(replay.closed_through(), whole.closed_through());
            prop_assert_eq!(&replay.held, &whole.held);
            prop_assert_eq!(replay.last_request(), whole.last_request());
        }

        #[test]
        fn a_replay_counts_malformed_records_for_the_same_time(times in times(), stop in any::<prop::sample::Index>()) {
            let stop = stop.index(times.len() + 1);
            let expected = standing(&mut Watermark::new(Limits::default()), &times, 0);
            let (resume, closed) = run_to(&times, stop);
            let mut replay = Watermark::resume_at(Limits::default(), resume, closed);
            for (offset, time) in standing(&mut replay, &times, resume.offset) {
                prop_assert_eq!(Some(&time), expected.get(&offset), "offset {}", offset);
            }
        }
    }
}
