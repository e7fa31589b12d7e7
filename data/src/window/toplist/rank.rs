//! The first rows of a list: most requests first, ties in name order.

use std::cmp::{Ordering, Reverse};

use super::{Entry, TopList};
use crate::view::Row;

/// The first rows of a list, and what is known of the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Top {
    /// The rows, most requests first, ties in name order.
    pub rows: Vec<Row>,
    /// The most requests that a key which is not in `rows` can have had.
    pub floor: u64,
    /// How many distinct keys there were, where that is known.
    pub keys: Option<u64>,
}

impl TopList {
    /// The first `top` rows (0: all of them): most requests first, ties in name order.
    pub fn top(&self, top: usize) -> Top {
        let (mut first, floor) = match 0 < top && top < self.entries.len() {
            true => self.first(top),
            false => (self.entries.iter().map(|entry| self.ranked(entry)).collect(), self.floor),
        };
        first.sort_unstable();
        let rows = first.into_iter().map(|ranked| self.row(ranked.entry)).collect();
        Top { rows, floor, keys: self.keys() }
    }

    /// The first `top` entries (fewer than there are) in any order, and the most requests that a
    /// key without one of them can have had. Names are compared only where requests are equal to
    /// those of the last one: most keys of a minute come once or twice.
    fn first(&self, top: usize) -> (Vec<Ranked<'_>>, u64) {
        let mut requests: Vec<u64> =
            self.entries.iter().map(|entry| entry.counts.requests()).collect();
        let from_least = requests.len() - top;
        let (_, &mut last, _) = requests.select_nth_unstable(from_least);
        let (mut first, mut ties, mut floor) = (Vec::with_capacity(top), Vec::new(), self.floor);
        for entry in &self.entries {
            match entry.counts.requests().cmp(&last) {
                Ordering::Greater => first.push(self.ranked(entry)),
                Ordering::Equal => ties.push(self.ranked(entry)),
                Ordering::Less => floor = floor.max(self.most(entry)),
            }
        }
        let room = top.saturating_sub(first.len());
        if 0 < room && room < ties.len() {
            ties.select_nth_unstable(room - 1);
            let rest = ties.drain(room..).map(|ranked| self.most(ranked.entry));
            floor = floor.max(rest.max().unwrap_or(0));
        }
        first.append(&mut ties);
        (first, floor)
    }

    fn ranked<'a>(&'a self, entry: &'a Entry) -> Ranked<'a> {
        let key = self.key(entry);
        let mut start = [0; 16];
        start.iter_mut().zip(key.as_bytes()).for_each(|(to, from)| *to = *from);
        let requests = Reverse(entry.counts.requests());
        Ranked { requests, start: u128::from_be_bytes(start), key, entry }
    }
}

/// An entry in the order of a list: most requests first, ties in name order.
#[derive(Debug, Clone, Copy)]
struct Ranked<'a> {
    requests: Reverse<u64>,
    /// The first bytes of the key as a number, which orders nearly all keys as their texts do.
    start: u128,
    key: &'a str,
    entry: &'a Entry,
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let of = |ranked: &Self| (ranked.requests, ranked.start);
        of(self).cmp(&of(other)).then_with(|| self.key.cmp(other.key))
    }
}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked<'_> {}
