//! The union of row sets of one view: minutes to hours, partitions to the whole.

use super::{RowSet, State, Summary, view};
use crate::window::toplist::{Top, TopList};

/// How many keys a union holds before its tail becomes an estimate. It is larger
/// than a window's, because the rows of many windows come together in it.
const UNION_CAP: usize = 16_384;

/// The union of row sets of one view; `None` where there are none.
///
/// Measures add up. Of a key that some sets don't list, and of sets that were
/// estimates already, the bounds add up (`missed`, `floor`). Summaries merge by
/// their sketches; the exact distinct values stay only where there is one set.
/// Grain, start and partition are those that the sets have in common (else the
/// first one's grain, the smallest start, and `None`); the version is the
/// largest. The caller sets them where it knows better.
pub fn union<'a>(sets: impl IntoIterator<Item = &'a RowSet>) -> Option<RowSet> {
    let mut union = Union::default();
    sets.into_iter().for_each(|set| union.add(set));
    union.finish()
}

/// A union that grows: see [`union`].
#[derive(Debug, Clone)]
pub struct Union {
    /// The first set, then all that a union is beside its rows.
    head: Option<RowSet>,
    /// The rows of all sets, once there are two.
    list: Option<TopList>,
    cap: usize,
}

impl Default for Union {
    fn default() -> Self {
        Self::with_cap(UNION_CAP)
    }
}

impl Union {
    /// An empty union whose tail becomes an estimate past `cap` keys.
    pub fn with_cap(cap: usize) -> Self {
        Self { head: None, list: None, cap }
    }

    /// Adds a set.
    pub fn add(&mut self, set: &RowSet) {
        let Some(head) = &mut self.head else {
            self.head = Some(set.clone());
            return;
        };
        list_of(&mut self.list, head, self.cap).add_rows(&set.rows, set.floor);
        add_head(head, set);
    }

    /// Adds another union with all that it holds.
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.head else { return };
        let Some(head) = &mut self.head else {
            (self.head, self.list) = (other.head.clone(), other.list.clone());
            return;
        };
        let list = list_of(&mut self.list, head, self.cap);
        match &other.list {
            Some(other) => list.merge(other),
            None => list.add_rows(&theirs.rows, theirs.floor),
        }
        add_head(head, theirs);
    }

    /// The union of what was added so far, cut to as many rows as the view publishes.
    pub fn finish(&self) -> Option<RowSet> {
        let view = self.head.as_ref().and_then(|head| view(&head.view));
        self.top(view.map_or(0, |view| view.top))
    }

    /// The union of what was added so far, cut to `top` rows (0: all that it holds).
    pub fn top(&self, top: usize) -> Option<RowSet> {
        let mut set = self.head.clone()?;
        if let Some(list) = &self.list {
            let Top { rows, floor, keys } = list.top(top);
            (set.rows, set.floor, set.keys) = (rows, floor, keys);
        } else if 0 < top && top < set.rows.len() {
            let cut = set.rows.split_off(top);
            let most = cut.iter().map(|row| row.counts.requests().saturating_add(row.missed));
            set.floor = set.floor.max(most.max().unwrap_or(0));
        }
        Some(set)
    }
}

/// The list of a union that has a first set, with the rows of that in it.
fn list_of<'a>(list: &'a mut Option<TopList>, head: &mut RowSet, cap: usize) -> &'a mut TopList {
    list.get_or_insert_with(|| {
        let mut list = TopList::with_cap(cap);
        list.add_rows(&std::mem::take(&mut head.rows), head.floor);
        list
    })
}

fn add_head(head: &mut RowSet, set: &RowSet) {
    head.start = head.start.min(set.start);
    head.version = head.version.max(set.version);
    head.state = union_state(head.state, set.state);
    if head.partition != set.partition {
        head.partition = None;
    }
    match (&mut head.summary, &set.summary) {
        (Some(ours), Some(theirs)) => add_summary(ours, theirs),
        (ours @ None, Some(theirs)) => *ours = Some(theirs.clone()),
        (_, None) => {}
    }
}

/// Open if any is open, else partial if any is, and exact only if all are.
fn union_state(a: State, b: State) -> State {
    let finality = |state| match state {
        State::Open => 0,
        State::Partial => 1,
        State::Closed => 2,
        State::Exact => 3,
    };
    if finality(a) <= finality(b) { a } else { b }
}

fn add_summary(ours: &mut Summary, theirs: &Summary) {
    ours.tally += &theirs.tally;
    ours.clients.merge(&theirs.clients);
    ours.human_clients.merge(&theirs.human_clients);
    ours.sizes.merge(&theirs.sizes);
    ours.durations.merge(&theirs.durations);
    ours.exact = None;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::minute::Minute;
    use crate::view::{Counts, Distincts, Row};
    use crate::window::aggregate::tests::{fold, rows};

    fn of_view<'a>(sets: &'a [Vec<RowSet>], view: &'a str) -> impl Iterator<Item = &'a RowSet> {
        sets.iter().flatten().filter(move |set| set.view == view)
    }

    #[test]
    fn one_set_is_its_own_union() {
        for set in rows(&fold(&[5, 6, 7, 20, 31, 17], 100)) {
            assert_eq!(union([&set]), Some(set));
        }
        assert_eq!(union([]), None);
    }

    #[test]
    fn states_of_unions() {
        use State::{Closed, Exact, Open, Partial};
        for (a, b, whole) in [
            (Open, Partial, Open),
            (Closed, Partial, Partial),
            (Exact, Closed, Closed),
            (Exact, Exact, Exact),
            (Exact, Open, Open),
        ] {
            assert_eq!(union_state(a, b), whole);
            assert_eq!(union_state(b, a), whole);
        }
    }

    #[test]
    fn distinct_counts_do_not_add_up() {
        let mut set = rows(&fold(&[5, 6, 7], 100)).remove(0);
        set.summary.as_mut().unwrap().exact = Some(Distincts::default());
        set.state = State::Exact;
        let mut later = set.clone();
        later.start = Minute(9);
        later.version = 50;
        let union = union([&later, &set]).unwrap();
        assert_eq!(union.summary.unwrap().exact, None);
        assert_eq!((union.start, union.version, union.state), (Minute(7), 50, State::Exact));
    }

    #[test]
    fn absent_keys_bring_the_floor_of_the_set_that_lacks_them() {
        let row = |key: &str, requests| {
            let mut counts = Counts::default();
            counts.0[0] = requests;
            Row { key: key.to_owned(), counts, missed: 0 }
        };
        let mut first =
            rows(&fold(&[5], 100)).into_iter().find(|set| set.view == "clients").unwrap();
        let mut second = first.clone();
        (first.rows, first.floor, first.keys) = (vec![row("a", 9), row("b", 5)], 5, Some(7));
        (second.rows, second.floor, second.keys) = (vec![row("c", 8), row("a", 2)], 1, Some(4));
        let union = union([&first, &second]).unwrap();
        let found: Vec<_> =
            union.rows.iter().map(|r| (r.key.as_str(), r.counts.requests(), r.missed)).collect();
        assert_eq!(found, [("a", 11, 0), ("c", 8, 5), ("b", 5, 1)]);
        assert_eq!((union.floor, union.keys), (6, None));
    }

    proptest! {
        #[test]
        fn a_union_of_parts_is_the_fold_of_the_whole(
            parts in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..60), 1..5),
            split in any::<prop::sample::Index>(),
        ) {
            let whole = rows(&fold(&parts.concat(), 100));
            let parts: Vec<_> = parts.iter().map(|part| rows(&fold(part, 100))).collect();
            let (first, rest) = parts.split_at(split.index(parts.len() + 1));
            for set in &whole {
                let union_of = |parts| {
                    let mut union = Union::default();
                    of_view(parts, &set.view).for_each(|part| union.add(part));
                    union
                };
                let union = union_of(&parts).finish().unwrap();
                let mut halves = union_of(first);
                halves.merge(&union_of(rest));
                prop_assert_eq!(&halves.finish().unwrap().rows, &union.rows);
                prop_assert_eq!(&union.rows, &set.rows);
                prop_assert_eq!((union.floor, union.keys), (set.floor, set.keys));
                if let (Some(union), Some(set)) = (union.summary, &set.summary) {
                    prop_assert_eq!(union.tally, set.tally);
                    prop_assert_eq!(union.sizes.count(), set.sizes.count());
                    prop_assert_eq!(union.clients.estimate().round(), set.clients.estimate().round());
                }
            }
        }
    }
}
