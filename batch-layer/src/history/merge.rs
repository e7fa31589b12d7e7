//! Any range is a streaming merge of its hours' sorted tables.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use twofold_data::view::{Counts, Row};

use super::History;
use super::table::{Cursor, Sums};
use crate::BatchError;

/// What a merge adds up to: every key was seen, the top is kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Merged {
    /// The rows with most requests, ties in name order.
    pub rows: Vec<Row>,
    /// The most requests of a key that is not among them.
    pub floor: u64,
    /// Distinct keys.
    pub keys: u64,
    /// Distinct keys with requests by people.
    pub human_keys: u64,
}

/// Merges the tables at `paths`, as far as `wanted` admits what a table has of a key; `each` sees
/// every key with its sums, in order. Memory is a batch of each table and the `top` rows (0: all
/// of them).
///
/// # Errors
/// Of the store; [`BatchError::Damaged`] where a table doesn't read.
pub fn merge(
    history: &History,
    paths: &[String],
    top: usize,
    wanted: impl Fn(&Sums) -> bool,
    mut each: impl FnMut(&Sums),
) -> Result<Merged, BatchError> {
    let mut tables = Tables::open(history, paths, wanted)?;
    let (mut best, mut merged) = (Best::new(top), Merged::default());
    let mut key = String::new();
    while let Some(mut sums) = tables.first(&mut key) {
        tables.advance()?;
        while let Some(more) = tables.same(&key) {
            sums.add(&more);
            tables.advance()?;
        }
        merged.keys += 1;
        merged.human_keys += u64::from(sums.counts.get("human").is_some_and(|human| human > 0));
        each(&sums);
        best.offer(&key, &sums.counts);
    }
    (merged.rows, merged.floor) = best.finish();
    Ok(merged)
}

/// The tables that are being merged, as a heap: the one with the least key is the first. None is at
/// its end, or at a key that isn't wanted.
struct Tables<W> {
    #[expect(clippy::vec_box, reason = "they change places at every key, and are large")]
    heap: Vec<Box<Cursor>>,
    wanted: W,
}

impl<W: Fn(&Sums) -> bool> Tables<W> {
    fn open(history: &History, paths: &[String], wanted: W) -> Result<Self, BatchError> {
        let mut tables = Self { heap: Vec::with_capacity(paths.len()), wanted };
        for path in paths {
            let mut cursor = Box::new(Cursor::open(path, history.read(path)?)?);
            if tables.is_unwanted(&cursor) {
                tables.step(&mut cursor)?;
            }
            if cursor.key().is_some() {
                tables.heap.push(cursor);
            }
        }
        (0..tables.heap.len() / 2).rev().for_each(|at| tables.sift(at));
        Ok(tables)
    }

    /// What the first table has of the least key, which is written into `key`.
    fn first(&self, key: &mut String) -> Option<Sums> {
        let first = self.heap.first()?;
        key.clear();
        key.push_str(first.key()?);
        first.sums()
    }

    /// What the first table has of `key`, if that is its key.
    fn same(&self, key: &str) -> Option<Sums> {
        self.heap.first().filter(|first| first.key() == Some(key))?.sums()
    }

    /// Takes the first table to its next key.
    fn advance(&mut self) -> Result<(), BatchError> {
        if self.heap.is_empty() {
            return Ok(());
        }
        let mut first = self.heap.swap_remove(0);
        self.step(&mut first)?;
        if first.key().is_some() {
            self.heap.push(first);
            let last = self.heap.len() - 1;
            self.heap.swap(0, last);
        }
        self.sift(0);
        Ok(())
    }

    fn step(&self, cursor: &mut Cursor) -> Result<(), BatchError> {
        cursor.step()?;
        while self.is_unwanted(cursor) {
            cursor.step()?;
        }
        Ok(())
    }

    fn is_unwanted(&self, cursor: &Cursor) -> bool {
        cursor.sums().is_some_and(|sums| !(self.wanted)(&sums))
    }

    /// Moves a table down to where no table below it has a smaller key.
    fn sift(&mut self, mut at: usize) {
        while 2 * at + 1 < self.heap.len() {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let key = |at: usize| self.heap.get(at).map(|cursor| cursor.key());
            let least =
                if key(right).is_some_and(|right| Some(right) < key(left)) { right } else { left };
            if self.heap[at].key() <= self.heap[least].key() {
                break;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }
}

/// Keeps the best rows; the worst of them is on top of the heap.
struct Best {
    top: usize,
    heap: BinaryHeap<Ranked>,
    floor: u64,
}

/// Ordered so that the worst is the greatest.
struct Ranked(Row);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let (ours, theirs) = (self.0.counts.requests(), other.0.counts.requests());
        theirs.cmp(&ours).then_with(|| self.0.key.cmp(&other.0.key))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

impl Best {
    fn new(top: usize) -> Self {
        Self { top: if top == 0 { usize::MAX } else { top }, heap: BinaryHeap::new(), floor: 0 }
    }

    fn offer(&mut self, key: &str, counts: &Counts) {
        let worse = |worst: &Ranked| {
            (worst.0.counts.requests(), key) > (counts.requests(), worst.0.key.as_str())
        };
        if self.heap.len() >= self.top && self.heap.peek().is_some_and(worse) {
            self.floor = self.floor.max(counts.requests());
            return;
        }
        self.heap.push(Ranked(Row { key: key.to_owned(), counts: *counts, missed: 0 }));
        if self.heap.len() > self.top
            && let Some(worst) = self.heap.pop()
        {
            self.floor = self.floor.max(worst.0.counts.requests());
        }
    }

    fn finish(self) -> (Vec<Row>, u64) {
        let rows = self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect();
        (rows, self.floor)
    }
}
