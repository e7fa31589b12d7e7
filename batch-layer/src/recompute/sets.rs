//! Groups as rows: the top of each list, ties in name order.

use std::cmp::Ordering;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{Counts, Key, Row, RowSet, State, View, status_key};

use super::codes::Codes;
use super::frame::Texts;
use super::views::Groups;
use super::{HourResult, Summaries};
use crate::history::{Entry, Table};

/// The names of a view's keys.
struct Names<'t> {
    view: &'t View,
    texts: &'t Texts,
    /// The alphabetical place of each code; of numbers none are needed.
    ranks: Vec<u32>,
}

impl<'t> Names<'t> {
    fn of(view: &'t View, texts: &'t Texts) -> Self {
        let ranks = texts.of(view.key).map(Codes::ranks).unwrap_or_default();
        Self { view, texts, ranks }
    }

    /// A status is its own place: three digits sort as numbers do.
    fn rank(&self, code: u32) -> u32 {
        self.ranks.get(code as usize).copied().unwrap_or(code)
    }

    fn key(&self, code: u32) -> &'t str {
        match self.view.key {
            Key::None => "",
            Key::Status => status_key(code as u16),
            key => self.texts.of(key).map_or("", |codes| codes.text(code)),
        }
    }
}

/// The rows of every minute.
pub fn minutes(
    view: &View,
    groups: &Groups,
    texts: &Texts,
    hour: Minute,
    generation: u64,
    sets: &mut Vec<RowSet>,
) {
    let names = Names::of(view, texts);
    for (minute, mut of) in groups.by_minute().into_iter().enumerate() {
        if !of.is_empty() {
            let start = Minute(hour.0 + minute as i64);
            sets.push(set(&names, Grain::Minute, start, generation, groups, &mut of));
        }
    }
}

/// The rows of the hour, and its table of every key.
pub fn hour(
    view: &View,
    groups: &Groups,
    texts: &Texts,
    hour: Minute,
    generation: u64,
    result: &mut HourResult,
) {
    let names = Names::of(view, texts);
    let mut of: Vec<u32> = (0..groups.keys.len() as u32).collect();
    result.sets.push(set(&names, Grain::Hour, hour, generation, groups, &mut of));
    let entry = |at: u32| {
        let (first, last) = groups.times[at as usize];
        let key = names.key(groups.code(at)).to_owned();
        Entry { key, counts: groups.counts[at as usize], first, last }
    };
    of.sort_unstable_by_key(|at| names.rank(groups.code(*at)));
    result.tables.insert(view.name, Table(of.into_iter().map(entry).collect()));
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

fn set(
    names: &Names<'_>,
    grain: Grain,
    start: Minute,
    generation: u64,
    groups: &Groups,
    of: &mut [u32],
) -> RowSet {
    let better = |a: &u32, b: &u32| -> Ordering {
        let requests = |at: &u32| groups.counts[*at as usize].requests();
        let name = |at: &u32| names.rank(groups.code(*at));
        requests(b).cmp(&requests(a)).then_with(|| name(a).cmp(&name(b)))
    };
    let top = names.view.top;
    let shown = if top == 0 { of.len() } else { top.min(of.len()) };
    let mut floor = 0;
    if shown < of.len() {
        let (_, next, _) = of.select_nth_unstable_by(shown, better);
        floor = groups.counts[*next as usize].requests();
    }
    of[..shown].sort_unstable_by(better);
    let row = |at: &u32| Row {
        key: names.key(groups.code(*at)).to_owned(),
        counts: groups.counts[*at as usize],
        missed: 0,
    };
    RowSet {
        view: names.view.name.into(),
        grain,
        start,
        partition: None,
        version: generation,
        state: State::Exact,
        rows: of[..shown].iter().map(row).collect(),
        floor,
        keys: Some(of.len() as u64),
        summary: None,
    }
}
