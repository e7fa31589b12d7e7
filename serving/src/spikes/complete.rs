//! Which minutes are complete over all partitions.

use serde::{Deserialize, Serialize};
use twofold_data::minute::{MINUTE_MS, Minute};
use twofold_data::partition::Partition;

use crate::index::{Document, Index, IndexError, LiveDocument, PartitionState};

/// The kind of live documents in which a speed layer says that it is there.
pub const HEARTBEAT: &str = "heartbeat";

/// A speed layer is there, and stands at the end of a partition or behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The partition.
    pub partition: Partition,
    /// When it was written: milliseconds since the Unix epoch, wall clock.
    pub at: i64,
    /// Whether all that the source had by then has been folded.
    pub caught_up: bool,
}

impl Heartbeat {
    /// As the index holds it: the latest one of each partition.
    pub fn document(&self) -> LiveDocument {
        let document = Document {
            kind: HEARTBEAT.to_owned(),
            id: self.partition.to_string(),
            start: Minute(0),
            body: serde_json::json!(self),
        };
        LiveDocument { document, version: self.at.max(1) as u64 }
    }

    fn all(index: &dyn Index) -> Result<Vec<Self>, IndexError> {
        let documents = index.live_documents(HEARTBEAT, Minute(0), Minute(1))?;
        let read = |live: LiveDocument| serde_json::from_value(live.document.body).ok();
        Ok(documents.into_iter().filter_map(read).collect())
    }
}

/// How far the minutes are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complete {
    /// The first minute that may still change.
    pub closed: Minute,
    /// The largest event time (ms) up to which every partition that is not idle has come: minutes
    /// before it are complete but for late requests.
    pub seen: i64,
}

/// After so long (ms) without a heartbeat nobody knows where a partition stands.
const SILENT: i64 = 60_000;

/// A log whose newest request is older (ms) is no live one: time does not go on in it by itself.
const LIVE: i64 = 6 * 60 * MINUTE_MS;

/// How long (ms) after its end a minute without any request is believed to be one.
const PATIENCE: i64 = 3 * MINUTE_MS;

impl Complete {
    /// How far the minutes in the index are complete; `None` where there are none. `now` is the
    /// wall clock (ms).
    pub fn now(index: &dyn Index, now: i64) -> Result<Option<Self>, IndexError> {
        let states = index.states()?;
        let heartbeats =
            if needs_heartbeats(&states, now) { Heartbeat::all(index)? } else { Vec::new() };
        Ok(Self::of(&states, &heartbeats, now))
    }

    /// A partition that stands at its end is idle where others go on; one that does not is waited
    /// for, so that a lagging consumer is no silence. Where all stand at their ends, the wall
    /// clock goes on: then silence is what it looks like.
    fn of(states: &[PartitionState], heartbeats: &[Heartbeat], now: i64) -> Option<Self> {
        let at_end = |state: &&PartitionState| {
            state.ended
                || heartbeats.iter().any(|beat| {
                    beat.partition == state.partition && beat.caught_up && now - beat.at < SILENT
                })
        };
        let newest = states.iter().filter_map(|state| state.largest_event_time).max()?;
        let closed = |state: &PartitionState| state.closed_through.map(Minute::next);
        let leading = states.iter().filter_map(closed).max()?;
        let mut complete = Self { closed: leading, seen: newest };
        for behind in states.iter().filter(|state| !at_end(state)) {
            complete.closed = complete.closed.min(closed(behind)?);
            complete.seen = complete.seen.min(behind.largest_event_time?);
        }
        let live =
            states.iter().any(|state| !state.ended) && states.iter().all(|state| at_end(&state));
        if live && (0..LIVE).contains(&(now - newest)) {
            complete.closed = complete.closed.max(Minute::of(now - PATIENCE));
        }
        Some(complete)
    }
}

/// Whether it matters which partitions stand at their ends: one lies behind the others, or there was no
/// request for so long that it may be silence. While traffic comes in, neither is so.
fn needs_heartbeats(states: &[PartitionState], now: i64) -> bool {
    let newest = states.iter().filter_map(|state| state.largest_event_time).max();
    let quiet = newest.is_none_or(|newest| newest < now - PATIENCE / 2);
    let apart = states.windows(2).any(|pair| {
        let far = |state: &PartitionState| (state.closed_through, state.largest_event_time);
        far(&pair[0]) != far(&pair[1])
    });
    quiet || apart
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    /// A partition that has closed so many minutes before now, and what it was heard of.
    fn partition(
        number: u32,
        closed_ago: i64,
        beat: Option<bool>,
    ) -> (PartitionState, Vec<Heartbeat>) {
        let partition = Partition::new("access", number);
        let largest = NOW - (closed_ago - 2) * MINUTE_MS;
        let state = PartitionState {
            partition: partition.clone(),
            identity: String::new(),
            resume_offset: 0,
            resume_event_time: None,
            resume_request_time: None,
            resume_arrival: None,
            processed_through: 1,
            closed_through: Some(Minute::of(NOW - closed_ago * MINUTE_MS)),
            largest_event_time: Some(largest),
            records: 1,
            late: 0,
            ahead: 0,
            malformed: Vec::new(),
            blank: 0,
            ended: false,
        };
        let beat = beat.map(|caught_up| Heartbeat { partition, at: NOW - 1000, caught_up });
        (state, beat.into_iter().collect())
    }

    fn closed_ago(partitions: Vec<(PartitionState, Vec<Heartbeat>)>) -> i64 {
        let (states, beats): (Vec<_>, Vec<_>) = partitions.into_iter().unzip();
        let complete = Complete::of(&states, &beats.concat(), NOW).unwrap();
        Minute::of(NOW).next().0 - complete.closed.0
    }

    #[test]
    fn a_lagging_partition_is_waited_for_and_an_idle_one_is_not() {
        assert_eq!(
            closed_ago(vec![partition(0, 3, Some(false)), partition(1, 20, Some(false))]),
            20
        );
        assert_eq!(closed_ago(vec![partition(0, 3, Some(false)), partition(1, 20, Some(true))]), 3);
        assert_eq!(closed_ago(vec![partition(0, 3, Some(true)), partition(1, 20, None)]), 20);
    }

    #[test]
    fn silence_is_complete_once_all_stand_at_their_ends() {
        assert_eq!(closed_ago(vec![partition(0, 20, Some(true)), partition(1, 30, Some(true))]), 4);
        assert_eq!(closed_ago(vec![partition(0, 20, None)]), 20, "nobody knows");
        assert_eq!(closed_ago(vec![partition(0, 3000, Some(true))]), 3000, "an old log");
    }

    #[test]
    fn heartbeats_are_read_where_they_decide() {
        let (fresh, _) = partition(0, 3, None);
        let state = |behind: i64| PartitionState {
            largest_event_time: Some(NOW - behind),
            ..fresh.clone()
        };
        assert!(!needs_heartbeats(&[state(1000)], NOW), "one that goes on decides by itself");
        assert!(needs_heartbeats(&[state(1000), state(2000)], NOW), "one is behind");
        assert!(needs_heartbeats(&[state(2 * MINUTE_MS)], NOW), "silence, or a lagging consumer?");
    }

    #[test]
    fn nothing_is_complete_before_the_first_window_closes() {
        assert_eq!(Complete::of(&[], &[], NOW), None);
        let (state, _) = partition(0, 3, None);
        let fresh = PartitionState { closed_through: None, ..state.clone() };
        assert_eq!(Complete::of(std::slice::from_ref(&fresh), &[], NOW), None);
        assert_eq!(Complete::of(&[state, fresh], &[], NOW), None, "the second has closed none");
    }
}
