//! Any range is a streaming merge of its hours' sorted tables.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::iter::Peekable;

use twofold_data::view::Row;

use super::History;
use super::table::{Entry, entries};
use crate::BatchError;

type Entries = Peekable<Box<dyn Iterator<Item = Result<Entry, BatchError>>>>;

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

/// Merges the tables at `paths`; `each` sees every key with its sums, in order. Memory is a
/// batch of each table and the `top` rows (0: all of them).
///
/// # Errors
/// Of the store; [`BatchError::Damaged`] where a table doesn't read.
pub fn merge(
    history: &History,
    paths: &[String],
    top: usize,
    mut each: impl FnMut(&Entry),
) -> Result<Merged, BatchError> {
    let open = |path: &String| -> Result<Entries, BatchError> {
        let all = entries(path.clone(), history.read(path)?)?;
        let boxed: Box<dyn Iterator<Item = Result<Entry, BatchError>>> = Box::new(all);
        Ok(boxed.peekable())
    };
    let mut tables = paths.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut heads: BinaryHeap<Reverse<(String, usize)>> = BinaryHeap::new();
    for (at, table) in tables.iter_mut().enumerate() {
        push_head(&mut heads, table, at);
    }
    let mut best = Best::new(top);
    let mut merged = Merged::default();
    while let Some(Reverse((key, at))) = heads.pop() {
        let mut sum = take(&mut tables[at])?;
        push_head(&mut heads, &mut tables[at], at);
        while heads.peek().is_some_and(|Reverse((next, _))| *next == key) {
            let Some(Reverse((_, at))) = heads.pop() else { break };
            let entry = take(&mut tables[at])?;
            sum.counts += &entry.counts;
            sum.first = sum.first.min(entry.first);
            sum.last = sum.last.max(entry.last);
            push_head(&mut heads, &mut tables[at], at);
        }
        merged.keys += 1;
        merged.human_keys += u64::from(sum.counts.get("human").is_some_and(|human| human > 0));
        each(&sum);
        best.offer(sum);
    }
    (merged.rows, merged.floor) = best.finish();
    Ok(merged)
}

/// An error is taken out where it comes, under an empty key.
fn push_head(heads: &mut BinaryHeap<Reverse<(String, usize)>>, table: &mut Entries, at: usize) {
    match table.peek() {
        Some(Ok(entry)) => heads.push(Reverse((entry.key.clone(), at))),
        Some(Err(_)) => heads.push(Reverse((String::new(), at))),
        None => {}
    }
}

fn take(table: &mut Entries) -> Result<Entry, BatchError> {
    table.next().unwrap_or_else(|| Err(BatchError::Failed("a table ended early".into())))
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

    fn offer(&mut self, entry: Entry) {
        self.heap.push(Ranked(Row { key: entry.key, counts: entry.counts, missed: 0 }));
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
