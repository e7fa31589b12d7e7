//! Requests far ahead of the largest event time: held until others confirm that time has gone on.

use super::{Decided, Resume, Verdict, Watermark};

/// The most requests that are held; when one more comes, the oldest counts as ahead.
pub const MOST_HELD: usize = 16;

/// How many following requests must confirm one that is far ahead.
const CONFIRMATIONS: usize = 2;

/// A request that is held until others confirm it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) offset: u64,
    pub(super) time: i64,
    /// The partition's arrival time when it came.
    pub(super) arrival: Option<i64>,
    /// What a malformed record counted for just before it came.
    pub(super) before: Option<i64>,
}

impl Watermark {
    /// Where a replay must start to hold again what is held; `None` where nothing is.
    pub fn held_from(&self) -> Option<Resume> {
        self.held.first().map(|held| Resume {
            arrival: held.arrival,
            request_time: held.before,
            ..self.at(held.offset)
        })
    }

    /// The time of the last request as a replay from the first held one would know it: others that
    /// were held with it may have been accepted since. Before the first request of all is
    /// confirmed, its own.
    pub(super) fn last_request(&self) -> Option<i64> {
        self.held.first().map_or(self.request_time, |held| held.before.or(Some(held.time)))
    }

    /// Holds a request that is far ahead; it may be the one that confirms what is held.
    pub(super) fn hold(&mut self, time: i64, offset: u64) {
        if self.held.len() >= MOST_HELD {
            self.deny_first();
        }
        let (arrival, before) = (self.arrival, self.last_request());
        self.held.push(Held { offset, time, arrival, before });
        let confirmed = match self.largest {
            None => self.confirmed_first(),
            Some(_) => self.confirmed(),
        };
        if let Some(time) = confirmed {
            self.release(time);
        }
    }

    /// The time of the partition's first request, once another one agrees with it.
    fn confirmed_first(&mut self) -> Option<i64> {
        let [first, second] = self.held[..] else { return None };
        if second.time >= first.time.saturating_sub(self.limits.ahead) {
            return Some(first.time);
        }
        self.deny_first();
        // The second one is the first now: its predecessor's time said nothing.
        self.held.iter_mut().for_each(|held| held.before = None);
        None
    }

    fn deny_first(&mut self) {
        let Held { offset, time, .. } = self.held.remove(0);
        self.decided.push(Decided { offset, time, verdict: Verdict::Ahead });
    }

    /// The smallest of the held times that enough following ones confirm.
    fn confirmed(&self) -> Option<i64> {
        let confirmed = |at: usize, time: i64| {
            let from = time.saturating_sub(self.limits.lateness);
            let following = self.held.iter().skip(at + 1).filter(|held| held.time >= from);
            following.count() >= CONFIRMATIONS
        };
        let held = self.held.iter().enumerate();
        held.filter(|(at, held)| confirmed(*at, held.time)).map(|(_, held)| held.time).min()
    }

    /// Time has gone on to `time`: judges everything that is held again.
    pub(super) fn release(&mut self, time: i64) {
        self.resume = self.held_from().unwrap_or(self.resume);
        let held = std::mem::take(&mut self.held);
        self.advance(time);
        for one in held {
            let Held { offset, time, .. } = one;
            if self.is_ahead(time) {
                self.held.push(one);
            } else {
                self.deny();
                let verdict = self.accept(time);
                self.decided.push(Decided { offset, time, verdict });
            }
        }
    }

    /// Time has not gone on: what is held counts as ahead.
    pub(super) fn deny(&mut self) {
        let denied = self.held.drain(..);
        self.decided.extend(denied.map(|Held { offset, time, .. }| Decided {
            offset,
            time,
            verdict: Verdict::Ahead,
        }));
    }
}
