//! Hours and days of one partition: unions of its minute rows, never folded from records.
//!
//! The rows of closed minutes are merged into their hour once, in the order of time, an hour that
//! is over into its day; those of open minutes and hours again for each emission. What an earlier
//! run has closed is read back from the index before the first row of its hour or day is
//! written; otherwise a replay of three minutes would overwrite a day.

use std::collections::BTreeMap;

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State, Union, VIEWS, view_index};
use twofold_data::window::toplist::DEFAULT_CAP;
use twofold_serving::index::{Index, IndexError, PartitionState};

use crate::resume::minute_rows;

/// What an hour and a day of a partition are made of.
#[derive(Debug)]
pub(super) struct Rollup {
    partition: Partition,
    /// Minutes up to this one are final in the index.
    final_through: Option<Minute>,
    /// Hours and days that are not over, by grain and start.
    spans: BTreeMap<(Grain, Minute), Span>,
    /// The rows of open minutes, as emitted last.
    open: BTreeMap<Minute, Vec<RowSet>>,
}

#[derive(Debug)]
struct Span {
    /// The union of an hour's closed minutes, or of a day's hours that are over, for each of [`VIEWS`].
    closed: Vec<Union>,
    /// Whether something came since it was written last.
    changed: bool,
}

impl Rollup {
    /// The roll-up of a partition whose minutes up to `final_through` are closed.
    pub fn new(partition: Partition, final_through: Option<Minute>) -> Self {
        Self { partition, final_through, spans: BTreeMap::new(), open: BTreeMap::new() }
    }

    /// Loads the hour and the day that the last closed minute has left unfinished:
    /// their rows can be older than its.
    pub fn load_unfinished(&mut self, index: &dyn Index) -> Result<(), IndexError> {
        let Some(last) = self.final_through else { return Ok(()) };
        for grain in [Grain::Hour, Grain::Day] {
            if grain.end(last) != last.next() {
                self.load(index, grain, grain.start(last))?;
            }
        }
        Ok(())
    }

    /// Loads the hours and days that the rows belong to. Safe to repeat.
    pub fn load_for(&mut self, index: &dyn Index, sets: &[RowSet]) -> Result<(), IndexError> {
        for set in sets {
            for grain in [Grain::Hour, Grain::Day] {
                self.load(index, grain, grain.start(set.start))?;
            }
        }
        Ok(())
    }

    /// Adds rows of minutes, those of one minute and state side by side.
    pub fn add(&mut self, sets: &[RowSet]) {
        for minute in sets.chunk_by(|a, b| a.start == b.start && a.state == b.state) {
            let Some(first) = minute.first() else { continue };
            for grain in [Grain::Hour, Grain::Day] {
                if let Some(span) = self.spans.get_mut(&(grain, grain.start(first.start))) {
                    span.changed = true;
                    if first.state != State::Open && grain == Grain::Hour {
                        add_sets(&mut span.closed, minute);
                    }
                }
            }
            self.open.remove(&first.start);
            if first.state == State::Open {
                self.open.insert(first.start, minute.to_vec());
            }
        }
    }

    /// The rows of every hour and day that is over, which are then let go, and, if
    /// `due`, of those that changed.
    pub fn rows(&mut self, state: &PartitionState, due: bool) -> Vec<RowSet> {
        self.final_through = state.closed_through;
        let mut sets = Vec::new();
        // Hours come before days, so that those that are over are in their days by then.
        let spans: Vec<_> = self.spans.keys().copied().collect();
        for (grain, start) in spans {
            let last = Minute(grain.end(start).0 - 1);
            let over = state.ended || state.closed_through.is_some_and(|closed| last <= closed);
            let Some(span) = self.spans.get_mut(&(grain, start)) else { continue };
            if over || (due && std::mem::take(&mut span.changed)) {
                let unions = self.unions(grain, start, last);
                sets.extend(unions.iter().filter_map(Union::finish).map(|set| RowSet {
                    grain,
                    start,
                    partition: Some(self.partition.clone()),
                    state: state_of(set.state, over),
                    ..set
                }));
            }
            if over && let Some(span) = self.spans.remove(&(grain, start)) {
                self.hand_on(grain, start, &span);
            }
        }
        sets
    }

    /// What a span is made of so far, open hours and minutes included.
    fn unions(&self, grain: Grain, start: Minute, last: Minute) -> Vec<Union> {
        let closed = self.spans.get(&(grain, start)).map(|span| span.closed.clone());
        let mut unions = closed.unwrap_or_default();
        if grain == Grain::Day {
            let hours = self.spans.range((Grain::Hour, start)..=(Grain::Hour, last));
            hours.for_each(|(_, hour)| merge(&mut unions, &hour.closed));
        }
        self.open.range(start..=last).for_each(|(_, sets)| add_sets(&mut unions, sets));
        unions
    }

    /// An hour that is over belongs to its day.
    fn hand_on(&mut self, grain: Grain, start: Minute, hour: &Span) {
        let day = self.spans.get_mut(&(Grain::Day, Grain::Day.start(start)));
        if let Some(day) = day.filter(|_| grain == Grain::Hour) {
            merge(&mut day.closed, &hour.closed);
        }
    }

    fn load(&mut self, index: &dyn Index, grain: Grain, start: Minute) -> Result<(), IndexError> {
        if self.spans.contains_key(&(grain, start)) {
            return Ok(());
        }
        let mut closed = nothing();
        let known = self.final_through.map_or(start, Minute::next).min(grain.end(start));
        let mut through = known;
        if grain == Grain::Day {
            // The hour that is not over is a span of its own.
            through = Grain::Hour.start(known);
            if start <= through && through < known {
                self.load(index, Grain::Hour, through)?;
            }
        }
        if through > start {
            let minutes = minute_rows(index, &self.partition, start, through)?;
            for hour in
                minutes.chunk_by(|a, b| Grain::Hour.start(a.start) == Grain::Hour.start(b.start))
            {
                let mut unions = nothing();
                add_sets(&mut unions, hour);
                merge(&mut closed, &unions);
            }
        }
        self.spans.insert((grain, start), Span { closed, changed: true });
        Ok(())
    }
}

/// The union of nothing, for each of [`VIEWS`].
fn nothing() -> Vec<Union> {
    vec![Union::with_cap(DEFAULT_CAP); VIEWS.len()]
}

fn merge(unions: &mut [Union], others: &[Union]) {
    unions.iter_mut().zip(others).for_each(|(union, other)| union.merge(other));
}

fn add_sets(unions: &mut [Union], sets: &[RowSet]) {
    for set in sets {
        if let Some(union) = view_index(&set.view).and_then(|at| unions.get_mut(at)) {
            union.add(set);
        }
    }
}

/// A span that is not over is open, even if all its minutes so far are closed.
fn state_of(minutes: State, over: bool) -> State {
    match (over, minutes) {
        (false, _) => State::Open,
        (true, State::Partial) => State::Partial,
        (true, _) => State::Closed,
    }
}
