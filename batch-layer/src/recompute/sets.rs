//! Groups as rows: the top of each list, ties in name order.

use std::cmp::Ordering;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{Counts, Key, Row, RowSet, State, View, status_key};

use super::HourResult;
use super::codes::Codes;
use super::fold::{Group, Minutes};
use super::frame::{KEYS, Texts};
use super::summaries::Summaries;
use crate::BatchError;
use crate::history::{Sums, Table};

/// The names of an hour's keys, and their alphabetical places: texts are compared once an
/// hour, and not for every tie of every minute.
pub struct Names<'t> {
    texts: &'t Texts,
    /// For each of [`KEYS`], the place of each code.
    ranks: [Vec<u32>; KEYS.len()],
}

impl<'t> Names<'t> {
    /// The names of all texts.
    pub fn of(texts: &'t Texts) -> Self {
        let ranks = KEYS.map(|key| texts.of(key).map(Codes::ranks).unwrap_or_default());
        Self { texts, ranks }
    }

    /// The places of a key's codes; of a status there are none.
    fn ranks(&self, key: Key) -> &[u32] {
        let at = KEYS.iter().position(|known| *known == key);
        at.map_or(&[], |at| &self.ranks[at])
    }

    fn key(&self, key: Key, code: u32) -> &'t str {
        match key {
            Key::None => "",
            Key::Status => status_key(code as u16),
            key => self.texts.of(key).map_or("", |codes| codes.text(code)),
        }
    }
}

/// A view's rows of an hour.
pub struct Span<'a> {
    /// The view.
    pub view: &'a View,
    /// The names of its keys.
    pub names: &'a Names<'a>,
    /// The generation that computes them.
    pub generation: u64,
}

impl Span<'_> {
    /// The rows of every minute.
    pub fn minutes(&self, hour: Minute, groups: &Minutes, sets: &mut Vec<RowSet>) {
        for (minute, groups) in groups.iter().enumerate().filter(|(_, groups)| !groups.is_empty()) {
            let start = Minute(hour.0 + minute as i64);
            sets.push(self.set(Grain::Minute, start, groups));
        }
    }

    /// The rows of the hour, and its table of every key.
    ///
    /// # Errors
    /// None that input can reach.
    pub fn hour(
        &self,
        hour: Minute,
        groups: &[Group],
        result: &mut HourResult,
    ) -> Result<(), BatchError> {
        if groups.is_empty() {
            return Ok(());
        }
        result.sets.push(self.set(Grain::Hour, hour, groups));
        let ranks = self.names.ranks(self.view.key);
        // No two keys have one place, so putting each there is to sort them.
        let places = groups.iter().map(|group| rank(ranks, group.code) as usize);
        let mut sorted = vec![None; places.clone().max().map_or(0, |last| last + 1)];
        places.zip(groups).for_each(|(place, group)| sorted[place] = Some(group));
        let mut table = Table::default();
        for Group { code, counts, first, last } in sorted.into_iter().flatten() {
            let sums = Sums { counts: *counts, first: *first, last: *last };
            table.push(self.names.key(self.view.key, *code), &sums);
        }
        result.tables.insert(self.view.name, table.into_parquet()?);
        Ok(())
    }

    fn set(&self, grain: Grain, start: Minute, groups: &[Group]) -> RowSet {
        let ranks = self.names.ranks(self.view.key);
        let better = |a: &Ranked, b: &Ranked| -> Ordering {
            b.requests.cmp(&a.requests).then_with(|| a.name.cmp(&b.name))
        };
        let ranked = |(at, group): (usize, &Group)| Ranked {
            requests: group.counts.requests(),
            name: rank(ranks, group.code),
            at: at as u32,
        };
        let mut order: Vec<Ranked> = groups.iter().enumerate().map(ranked).collect();
        let top = self.view.top;
        let mut floor = 0;
        if 0 < top && top < order.len() {
            let (_, next, _) = order.select_nth_unstable_by(top, better);
            floor = next.requests;
            order.truncate(top);
        }
        order.sort_unstable_by(better);
        let row = |ranked: &Ranked| {
            let group = &groups[ranked.at as usize];
            let key = self.names.key(self.view.key, group.code).to_owned();
            Row { key, counts: group.counts, missed: 0 }
        };
        RowSet {
            view: self.view.name.into(),
            grain,
            start,
            partition: None,
            version: self.generation,
            state: State::Exact,
            rows: order.iter().map(row).collect(),
            floor,
            keys: Some(groups.len() as u64),
            summary: None,
        }
    }
}

/// What decides a group's place in a list.
struct Ranked {
    requests: u64,
    name: u32,
    at: u32,
}

/// A status is its own place: three digits sort as numbers do.
fn rank(ranks: &[u32], code: u32) -> u32 {
    ranks.get(code as usize).copied().unwrap_or(code)
}

/// Puts the summaries into the rows of `traffic`; minutes without a request get a row, too.
pub fn traffic(sets: &mut Vec<RowSet>, summaries: Summaries, hour: Minute, generation: u64) {
    for (grain, start, summary) in summaries.into_sets(hour) {
        let known = sets
            .iter_mut()
            .find(|set| set.view == "traffic" && set.grain == grain && set.start == start);
        match known {
            Some(set) => set.summary = Some(Box::new(summary)),
            None => sets.push(RowSet {
                view: "traffic".into(),
                grain,
                start,
                partition: None,
                version: generation,
                state: State::Exact,
                rows: vec![Row { key: String::new(), counts: Counts::default(), missed: 0 }],
                floor: 0,
                keys: Some(1),
                summary: Some(Box::new(summary)),
            }),
        }
    }
}
