//! Counts by key in bounded memory: exact up to a cap, bounded heavy hitters past it.
//!
//! Past the cap this is the Frequent Items sketch of Anderson et al. ("A
//! High-Performance Algorithm for Identifying Frequent Items in Data Streams",
//! 2017), a Misra-Gries summary, with one difference: theirs holds one weight per
//! key, ours all measures, under one eviction. So an entry's counts are exact
//! since it was (last) inserted, and what it can have missed before is a number of its own.

use hashbrown::HashTable;

use super::sketch::key_hash;
use crate::view::{Counts, Row};

/// How many keys a list holds before it becomes an estimate.
pub const DEFAULT_CAP: usize = 4096;

/// Counts by key. Its content is a function of what was added, in that order.
#[derive(Debug, Clone)]
pub struct TopList {
    cap: usize,
    /// The most requests that a key without an entry can have had.
    floor: u64,
    entries: Vec<Entry>,
    /// The entries' positions by the hash of their keys.
    index: HashTable<u32>,
    /// The keys' text, one after the other.
    text: String,
}

#[derive(Debug, Clone)]
struct Entry {
    hash: u64,
    counts: Counts,
    /// How much more than the list's floor the key can have missed; mostly it is
    /// less. Relative, because a merge then needn't touch the entries of one side only.
    excess: i64,
    start: u32,
    len: u32,
}

impl Default for TopList {
    fn default() -> Self {
        Self::with_cap(DEFAULT_CAP)
    }
}

impl TopList {
    /// A list that is exact up to `cap` keys (at least 2).
    pub fn with_cap(cap: usize) -> Self {
        Self {
            cap: cap.max(2),
            floor: 0,
            entries: Vec::new(),
            index: HashTable::new(),
            text: String::new(),
        }
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.floor = 0;
        self.entries.clear();
        self.index.clear();
        self.text.clear();
    }

    /// Counts one request (or several) of a key, whose hash is its [`key_hash`].
    /// Returns what the entry counts now: where that is what was added, the key
    /// was new, or is seen again for the first time since it was evicted.
    #[inline]
    pub fn add(&mut self, key: &str, hash: u64, counts: &Counts) -> Counts {
        let (entries, text) = (&self.entries, &self.text);
        let found = self.index.find(hash, |&at| is_key(entries, text, at, hash, key));
        if let Some(&at) = found
            && let Some(entry) = self.entries.get_mut(at as usize)
        {
            entry.counts += counts;
            return entry.counts;
        }
        self.insert(key, hash, *counts, 0);
        *counts
    }

    /// Adds the rows of a list whose absent keys have at most `floor` requests.
    pub fn add_rows(&mut self, rows: &[Row], floor: u64) {
        let floor_before = self.floor;
        self.floor = floor_before.saturating_add(floor);
        for row in rows {
            let excess = signed(row.missed) - signed(floor);
            self.add_entry(&row.key, key_hash(&row.key), &row.counts, excess);
        }
        self.shrink();
    }

    /// Adds what another list counted. Two exact lists give the exact whole.
    pub fn merge(&mut self, other: &Self) {
        self.floor = self.floor.saturating_add(other.floor);
        for entry in &other.entries {
            self.add_entry(other.key(entry), entry.hash, &entry.counts, entry.excess);
        }
        self.shrink();
    }

    /// The first `top` rows (0: all of them): most requests first, ties in name order.
    pub fn top(&self, top: usize) -> Top {
        let entries = self.entries.iter();
        let mut order: Vec<_> = entries.map(|entry| (entry.counts.requests(), entry)).collect();
        let rank = |a: &(u64, &Entry), b: &(u64, &Entry)| {
            b.0.cmp(&a.0).then_with(|| self.key(a.1).cmp(self.key(b.1)))
        };
        let mut floor = self.floor;
        if 0 < top && top < order.len() {
            let (_, _, rest) = order.select_nth_unstable_by(top - 1, rank);
            let most = rest.iter().map(|(_, entry)| self.most(entry)).max();
            floor = floor.max(most.unwrap_or(0));
            order.truncate(top);
        }
        order.sort_unstable_by(rank);
        let rows = order.into_iter().map(|(_, entry)| self.row(entry)).collect();
        Top { rows, floor, keys: self.keys() }
    }

    /// How many distinct keys were counted, where that is known: while no key was evicted.
    pub fn keys(&self) -> Option<u64> {
        (self.floor == 0).then_some(self.entries.len() as u64)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn row(&self, entry: &Entry) -> Row {
        Row { key: self.key(entry).to_owned(), counts: entry.counts, missed: self.missed(entry) }
    }

    fn key(&self, entry: &Entry) -> &str {
        text_of(&self.text, entry)
    }

    /// How many requests the entry's key can have had before it was inserted.
    fn missed(&self, entry: &Entry) -> u64 {
        self.floor.saturating_add_signed(entry.excess)
    }

    /// The most requests that the entry's key can have had.
    fn most(&self, entry: &Entry) -> u64 {
        entry.counts.requests().saturating_add(self.missed(entry))
    }

    fn add_entry(&mut self, key: &str, hash: u64, counts: &Counts, excess: i64) {
        let (entries, text) = (&self.entries, &self.text);
        let found = self.index.find(hash, |&at| is_key(entries, text, at, hash, key));
        let found = found.copied().and_then(|at| self.entries.get_mut(at as usize));
        match found {
            Some(entry) => {
                entry.counts += counts;
                entry.excess = entry.excess.saturating_add(excess);
            }
            None => self.push(key, hash, *counts, excess),
        }
    }

    #[cold]
    fn insert(&mut self, key: &str, hash: u64, counts: Counts, excess: i64) {
        if self.entries.len() >= self.cap {
            self.evict();
        }
        self.push(key, hash, counts, excess);
    }

    fn push(&mut self, key: &str, hash: u64, counts: Counts, excess: i64) {
        let (start, at) = (self.text.len() as u32, self.entries.len() as u32);
        self.text.push_str(key);
        self.entries.push(Entry { hash, counts, excess, start, len: key.len() as u32 });
        let entries = &self.entries;
        self.index.insert_unique(hash, at, |&at| hash_at(entries, at));
    }

    fn shrink(&mut self) {
        while self.entries.len() > self.cap {
            self.evict();
        }
    }

    /// Raises the floor to the median of what the keys can have had, and drops the
    /// keys up to it: half of them, so that the work is constant per key added.
    fn evict(&mut self) {
        let mut most: Vec<u64> = self.entries.iter().map(|entry| self.most(entry)).collect();
        let middle = most.len() / 2;
        let (_, median, _) = most.select_nth_unstable(middle);
        let (old, floor) = (std::mem::take(self), *median);
        *self = Self { floor: floor.max(old.floor), ..Self::with_cap(old.cap) };
        for entry in old.entries.iter().filter(|entry| old.most(entry) > floor) {
            let excess = signed(old.missed(entry)) - signed(self.floor);
            self.push(old.key(entry), entry.hash, entry.counts, excess);
        }
    }
}

/// The first rows of a list, and what is known of the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// The rows, most requests first, ties in name order.
    pub rows: Vec<Row>,
    /// The most requests that a key which is not in `rows` can have had.
    pub floor: u64,
    /// How many distinct keys there were, where that is known.
    pub keys: Option<u64>,
}

fn is_key(entries: &[Entry], text: &str, at: u32, hash: u64, key: &str) -> bool {
    let entry = entries.get(at as usize);
    entry.is_some_and(|entry| entry.hash == hash && text_of(text, entry) == key)
}

fn text_of<'a>(text: &'a str, entry: &Entry) -> &'a str {
    text.get(entry.start as usize..(entry.start + entry.len) as usize).unwrap_or_default()
}

fn hash_at(entries: &[Entry], at: u32) -> u64 {
    entries.get(at as usize).map_or(0, |entry| entry.hash)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn one(bytes: u64) -> Counts {
        let mut counts = Counts::default();
        counts.0[0] = 1;
        counts.0[1] = bytes;
        counts
    }

    fn list(cap: usize, keys: &[u16]) -> TopList {
        let mut list = TopList::with_cap(cap);
        for key in keys {
            let text = key.to_string();
            list.add(&text, key_hash(&text), &one(u64::from(*key)));
        }
        list
    }

    fn truth(keys: &[u16]) -> BTreeMap<String, Counts> {
        let mut truth = BTreeMap::<String, Counts>::new();
        for key in keys {
            *truth.entry(key.to_string()).or_default() += &one(u64::from(*key));
        }
        truth
    }

    /// A list as it should be: every row a lower bound, and an upper one with
    /// what it missed; every other key at most the floor.
    fn check(top: &Top, truth: &BTreeMap<String, Counts>) {
        let mut rest = truth.clone();
        for row in &top.rows {
            let real = rest.remove(&row.key).unwrap();
            assert!(row.counts.0.iter().zip(&real.0).all(|(row, real)| row <= real));
            assert!(real.requests() <= row.counts.requests() + row.missed);
            assert!(row.missed > 0 || row.counts == real);
        }
        assert!(rest.values().all(|counts| counts.requests() <= top.floor));
        if let Some(keys) = top.keys {
            assert_eq!(keys, truth.len() as u64);
        }
    }

    #[test]
    fn ties_stand_in_name_order() {
        let top = list(10, &[3, 1, 2, 10, 3]).top(3);
        let keys: Vec<&str> = top.rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!((keys, top.floor, top.keys), (vec!["3", "1", "10"], 1, Some(4)));
    }

    #[test]
    fn a_new_key_is_told_from_a_known_one() {
        let mut list = TopList::default();
        assert_eq!(list.add("a", key_hash("a"), &one(5)), one(5));
        assert_eq!(list.add("a", key_hash("a"), &one(5)).requests(), 2);
    }

    #[test]
    fn keys_of_equal_hash_stay_apart() {
        let mut list = TopList::default();
        list.add("a", 7, &one(0));
        list.add("b", 7, &one(0));
        assert_eq!(list.top(0).rows.len(), 2);
    }

    #[test]
    fn a_heavy_key_survives_a_flood_of_others() {
        let flood: Vec<u16> = (0..60_000).map(|i| if i % 10 == 0 { 1 } else { i }).collect();
        let top = list(64, &flood).top(1);
        assert_eq!(top.rows[0].key, "1");
        check(&top, &truth(&flood));
    }

    fn keys() -> impl Strategy<Value = Vec<u16>> {
        prop::collection::vec(prop_oneof![0u16..5, 0u16..50, any::<u16>()], 0..400)
    }

    proptest! {
        #[test]
        fn bounds_hold(keys in keys(), cap in 2usize..100, k in 0usize..20) {
            let list = list(cap, &keys);
            prop_assert!(list.entries.len() <= cap);
            check(&list.top(k), &truth(&keys));
        }

        #[test]
        fn below_the_cap_it_is_exact(keys in keys()) {
            let top = list(400, &keys).top(0);
            prop_assert_eq!(top.floor, 0);
            prop_assert!(top.rows.iter().all(|row| row.missed == 0));
            prop_assert_eq!(top.rows.len(), truth(&keys).len());
            check(&top, &truth(&keys));
        }

        #[test]
        fn a_merge_of_any_split_keeps_the_bounds(keys in keys(), cap in 2usize..100, at in any::<prop::sample::Index>()) {
            let (left, right) = keys.split_at(at.index(keys.len() + 1));
            let mut merged = list(cap, left);
            merged.merge(&list(cap, right));
            prop_assert!(merged.entries.len() <= cap);
            check(&merged.top(0), &truth(&keys));
        }

        #[test]
        fn rows_that_were_cut_merge_within_the_bounds(parts in prop::collection::vec(keys(), 1..5), cap in 2usize..100, k in 1usize..10) {
            let mut union = TopList::with_cap(cap);
            for part in &parts {
                let top = list(cap, part).top(k);
                union.add_rows(&top.rows, top.floor);
            }
            check(&union.top(k), &truth(&parts.concat()));
        }

        #[test]
        fn a_merge_of_exact_lists_is_the_whole(keys in keys(), at in any::<prop::sample::Index>()) {
            let (left, right) = keys.split_at(at.index(keys.len() + 1));
            let mut merged = list(400, left);
            merged.merge(&list(400, right));
            prop_assert_eq!(merged.top(7), list(400, &keys).top(7));
        }
    }
}
