//! Counts by key in bounded memory: exact up to a cap, bounded heavy hitters past it.
//!
//! Past the cap this is the Frequent Items sketch of Anderson et al. ("A
//! High-Performance Algorithm for Identifying Frequent Items in Data Streams",
//! 2017), a Misra-Gries summary, with one difference: theirs holds one weight per
//! key, ours all measures, under one eviction. So an entry's counts are exact
//! since it was (last) inserted, and what it can have missed before is a number of its own.

mod rank;

pub use rank::Top;

use super::places::Places;
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
    places: Places,
    /// Positions of entries that were found by [`Self::add_one_of_few`].
    recent: [u32; RECENT],
    /// The keys' text, one after the other.
    text: String,
}

#[derive(Debug, Clone, Copy)]
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
            places: Places::default(),
            recent: [0; RECENT],
            text: String::new(),
        }
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.floor = 0;
        self.entries.clear();
        self.places.clear();
        self.text.clear();
    }

    /// Counts one request (or several) of a key, whose hash is its [`key_hash`].
    /// Returns what the entry counts now: where that is what was added, the key
    /// was new, or is seen again for the first time since it was evicted.
    #[inline]
    pub fn add(&mut self, key: &str, hash: u64, counts: &Counts) -> &Counts {
        let at = self.at(key, hash);
        let entry = &mut self.entries[at];
        entry.counts += counts;
        &entry.counts
    }

    /// The same for a view that mostly has a handful of keys: its entry is looked for where the last one
    /// of about its looks was, before anything is hashed.
    #[inline]
    pub fn add_one_of_few(&mut self, key: &str, counts: &Counts) {
        let looks = looks(key.as_bytes());
        let recent = self.recent[looks] as usize;
        let text = self.text.as_bytes();
        if let Some(entry) = self.entries.get_mut(recent)
            && is_text(text, entry, key.as_bytes())
        {
            entry.counts += counts;
            return;
        }
        let at = self.at(key, key_hash(key));
        self.recent[looks] = at as u32;
        self.entries[at].counts += counts;
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

    /// The position of the key's entry, below the number of entries.
    #[inline]
    fn find(&self, key: &str, hash: u64) -> Option<usize> {
        let (entries, text) = (self.entries.as_slice(), self.text.as_bytes());
        let is = |at: usize| entries.get(at).is_some_and(|it| is_text(text, it, key.as_bytes()));
        self.places.find(hash, is)
    }

    /// The position of the key's entry, which is made where there is none.
    #[inline]
    fn at(&mut self, key: &str, hash: u64) -> usize {
        match self.find(key, hash) {
            Some(at) => at,
            None => self.insert(key, hash),
        }
    }

    fn add_entry(&mut self, key: &str, hash: u64, counts: &Counts, excess: i64) {
        match self.find(key, hash) {
            Some(at) => {
                let entry = &mut self.entries[at];
                entry.counts += counts;
                entry.excess = entry.excess.saturating_add(excess);
            }
            None => drop(self.push(key, hash, *counts, excess)),
        }
    }

    /// Makes an entry that counts nothing yet, and returns its position.
    fn insert(&mut self, key: &str, hash: u64) -> usize {
        if self.entries.len() >= self.cap {
            self.evict();
        }
        self.push(key, hash, Counts::default(), 0)
    }

    fn push(&mut self, key: &str, hash: u64, counts: Counts, excess: i64) -> usize {
        let (start, at) = (self.text.len() as u32, self.entries.len());
        self.text.push_str(key);
        self.entries.push(Entry { hash, counts, excess, start, len: key.len() as u32 });
        let entries = &self.entries;
        self.places.insert(hash, at, |at| hash_at(entries, at));
        at
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

/// So many entries are found by their looks.
const RECENT: usize = 64;

/// Length and ends of a key as a number below [`RECENT`].
#[inline]
fn looks(key: &[u8]) -> usize {
    let end = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or(0));
    (key.len() ^ end(key.first()) ^ (end(key.last()) << 2)) % RECENT
}

/// Whether the entry's text is `key`. Most are short, and two words are compared sooner than a
/// function is called.
#[inline]
fn is_text(text: &[u8], entry: &Entry, key: &[u8]) -> bool {
    let start = entry.start as usize;
    let Some(text) = text.get(start..start + entry.len as usize) else { return false };
    if text.len() != key.len() {
        return false;
    }
    let ends = |bytes: &[u8]| Some((*bytes.first_chunk::<8>()?, *bytes.last_chunk::<8>()?));
    match ends(text) {
        Some(ours) if text.len() <= 16 => ends(key) == Some(ours),
        None => text.iter().zip(key).all(|(a, b)| a == b),
        _ => text == key,
    }
}

fn text_of<'a>(text: &'a str, entry: &Entry) -> &'a str {
    text.get(entry.start as usize..(entry.start + entry.len) as usize).unwrap_or_default()
}

fn hash_at(entries: &[Entry], at: usize) -> u64 {
    entries.get(at).map_or(0, |entry| entry.hash)
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
        assert_eq!(*list.add("a", key_hash("a"), &one(5)), one(5));
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
    fn keys_of_equal_looks_stay_apart() {
        let mut list = TopList::with_cap(2);
        for key in ["POST", "PAST", "POST", "PXST", "GET", "POST"] {
            list.add_one_of_few(key, &one(0));
        }
        assert_eq!(list.top(1).rows[0].key, "POST");
        list.clear();
        list.add_one_of_few("POST", &one(0));
        assert_eq!(list.top(0).rows[0].counts, one(0));
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
