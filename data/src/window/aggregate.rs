//! One window of one partition: the fold of its records.

use super::classes::Classes;
use super::sketch::{Distinct, Quantiles, key_hash};
use super::toplist::{DEFAULT_CAP, Top, TopList};
use crate::facts::{Facts, Kind};
use crate::minute::{Grain, Minute};
use crate::partition::Partition;
use crate::view::{
    CLIENTS, Class, Counts, Key, RowSet, State, Summary, TRAFFIC, Tally, VIEWS, View,
};

/// The fold of the records of one window: a function of the records in the
/// order of their offsets. Its memory is bounded by the cap of its lists.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// What needs no key: traffic and statuses.
    classes: Classes,
    /// A list for each of [`VIEWS`] that is keyed by text, in its order.
    lists: Vec<List>,
    tally: Tally,
    clients: Distinct,
    human_clients: Distinct,
    sizes: Quantiles,
    durations: Quantiles,
}

/// The rows of one view.
#[derive(Debug, Clone)]
struct List {
    /// The view's position in [`VIEWS`].
    view: usize,
    key: Key,
    rows: TopList,
}

impl Default for Aggregate {
    fn default() -> Self {
        Self::with_cap(DEFAULT_CAP)
    }
}

impl Aggregate {
    /// An empty window whose lists are exact up to `cap` keys.
    pub fn with_cap(cap: usize) -> Self {
        let keyed = VIEWS.iter().enumerate().filter(|(_, view)| is_text(view.key));
        let list = |(at, view): (usize, &View)| List {
            view: at,
            key: view.key,
            rows: TopList::with_cap(cap),
        };
        Self {
            classes: Classes::default(),
            lists: keyed.map(list).collect(),
            tally: Tally::default(),
            clients: Distinct::default(),
            human_clients: Distinct::default(),
            sizes: Quantiles::default(),
            durations: Quantiles::default(),
        }
    }

    /// Forgets everything, and keeps the memory of the lists: the next minute has about as many keys.
    pub fn clear(&mut self) {
        self.classes.clear();
        self.lists.iter_mut().for_each(|list| list.rows.clear());
        self.tally = Tally::default();
        (self.clients, self.human_clients) = Default::default();
        (self.sizes, self.durations) = Default::default();
    }

    /// Counts a request. `record_hash` is its [`crate::partition::record_hash`].
    pub fn fold(&mut self, facts: &Facts<'_>, record_hash: u64) {
        self.record(record_hash);
        let index = Class::index(facts);
        self.classes.add(index, facts);
        self.sizes.update(facts.bytes);
        if let Some(duration) = facts.duration {
            self.durations.update(duration);
        }
        let Some(class) = Class::all().get(index) else { return };
        let counts = class.counts(facts.bytes);
        for List { view, key, rows } in &mut self.lists {
            if !class.admitted_by(*view) {
                continue;
            }
            let Some(text) = key.of(facts) else { continue };
            if key.is_few() {
                rows.add_one_of_few(text, &counts);
                continue;
            }
            let hash = key_hash(text);
            let now = rows.add(text, hash, &counts);
            if *view == CLIENTS {
                let (clients, humans) = (&mut self.clients, &mut self.human_clients);
                count_client(clients, humans, hash, now, facts.kind);
            }
        }
    }

    /// Counts a record that no format matched.
    pub fn malformed(&mut self, record_hash: u64) {
        self.record(record_hash);
        self.tally.malformed += 1;
    }

    /// Counts a blank record.
    pub fn blank(&mut self, record_hash: u64) {
        self.record(record_hash);
        self.tally.blank += 1;
    }

    /// What the window's records were.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Adds what another fold counted: exactly the whole's fold as far as it is
    /// exact, within the bounds as far as not.
    pub fn merge(&mut self, other: &Self) {
        self.classes.merge(&other.classes);
        for (ours, theirs) in self.lists.iter_mut().zip(&other.lists) {
            ours.rows.merge(&theirs.rows);
        }
        self.tally += &other.tally;
        self.clients.merge(&other.clients);
        self.human_clients.merge(&other.human_clients);
        self.sizes.merge(&other.sizes);
        self.durations.merge(&other.durations);
    }

    /// The rows of every view that has any; `traffic` is always among them.
    pub fn row_sets(
        &self,
        partition: &Partition,
        grain: Grain,
        start: Minute,
        version: u64,
        state: State,
    ) -> Vec<RowSet> {
        let mut sets = Vec::with_capacity(VIEWS.len());
        let mut lists = self.lists.iter();
        for (at, view) in VIEWS.iter().enumerate() {
            let Top { rows, floor, keys } = match view.key {
                Key::None => self.classes.total(at),
                Key::Status => self.classes.statuses(at),
                _ => lists.next().map_or_else(Top::default, |list| list.rows.top(view.top)),
            };
            if rows.is_empty() && at != TRAFFIC {
                continue;
            }
            sets.push(RowSet {
                view: view.name.to_owned(),
                grain,
                start,
                partition: Some(partition.clone()),
                version,
                state,
                rows,
                floor,
                keys,
                summary: (at == TRAFFIC).then(|| Box::new(self.summary())),
            });
        }
        sets
    }

    fn record(&mut self, record_hash: u64) {
        self.tally.records += 1;
        self.tally.hash = self.tally.hash.wrapping_add(record_hash);
    }

    fn summary(&self) -> Summary {
        let mut summary = Summary {
            tally: self.tally,
            clients: self.clients.clone(),
            human_clients: self.human_clients.clone(),
            sizes: self.sizes.clone(),
            durations: self.durations.clone(),
            exact: None,
        };
        summary.sizes.settle();
        summary.durations.settle();
        summary
    }
}

/// Feeds the sketches where the client is new, and is new as one that people use.
/// `now` is what is counted of the client, this request included.
fn count_client(
    clients: &mut Distinct,
    humans: &mut Distinct,
    hash: u64,
    now: &Counts,
    kind: Kind,
) {
    if now.requests() == 1 {
        clients.update(hash);
    }
    if kind == Kind::Human && now.get("human") == Some(1) {
        humans.update(hash);
    }
}

/// Whether a view of this key has a list; the others are sums of classes.
fn is_text(key: Key) -> bool {
    !matches!(key, Key::None | Key::Status)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::view;

    /// A request out of a few numbers: enough variety for every view.
    pub(crate) fn facts(seed: u32) -> Facts<'static> {
        const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
        let name = |shift: u32| NAMES.get((seed >> shift) as usize % 8).copied();
        Facts {
            time: 0,
            client: name(0).unwrap_or("z"),
            method: name(2),
            page: name(3),
            status: [200, 404, 500, 301][seed as usize % 4],
            bytes: u64::from(seed % 1000),
            duration: seed.is_multiple_of(3).then_some(u64::from(seed)),
            referrer: name(4),
            host: name(5),
            agent: name(6),
            os: name(7),
            device: None,
            kind: [Kind::Human, Kind::Bot, Kind::Unknown][(seed / 8) as usize % 3],
        }
    }

    pub(crate) fn fold(seeds: &[u32], cap: usize) -> Aggregate {
        let mut aggregate = Aggregate::with_cap(cap);
        fold_into(&mut aggregate, seeds);
        aggregate
    }

    fn fold_into(aggregate: &mut Aggregate, seeds: &[u32]) {
        for seed in seeds {
            match seed % 11 {
                0 => aggregate.malformed(u64::from(*seed)),
                1 => aggregate.blank(u64::from(*seed)),
                _ => aggregate.fold(&facts(*seed), u64::from(*seed)),
            }
        }
    }

    pub(crate) fn rows(aggregate: &Aggregate) -> Vec<RowSet> {
        let partition = Partition::new("access", 3);
        aggregate.row_sets(&partition, Grain::Minute, Minute(7), 42, State::Open)
    }

    /// Which rows the declaration asks for, counted in the slowest way there is.
    fn by_declaration(seeds: &[u32]) -> Vec<(String, std::collections::BTreeMap<String, Counts>)> {
        let requests: Vec<_> =
            seeds.iter().filter(|seed| *seed % 11 > 1).map(|s| facts(*s)).collect();
        let table = |view: &view::View| {
            let mut table = std::collections::BTreeMap::<String, Counts>::new();
            for facts in requests.iter().filter(|facts| view.only.admits(facts)) {
                if let Some(key) = view.key.of(facts) {
                    *table.entry(key.to_owned()).or_default() += &Counts::of(facts);
                }
            }
            (view.name.to_owned(), table)
        };
        VIEWS.iter().map(table).collect()
    }

    #[test]
    fn an_empty_window_has_an_empty_traffic_row() {
        let sets = rows(&Aggregate::default());
        assert_eq!(sets.len(), 1);
        assert_eq!(sets[0].rows[0].counts, Counts::default());
    }

    #[test]
    fn a_client_is_distinct_once_and_human_once() {
        let mut aggregate = Aggregate::default();
        let request = |kind| Facts { client: "x", kind, ..facts(2) };
        for kind in [Kind::Bot, Kind::Human, Kind::Human, Kind::Bot] {
            aggregate.fold(&request(kind), 0);
        }
        assert_eq!(aggregate.clients.estimate().round(), 1.0);
        assert_eq!(aggregate.human_clients.estimate().round(), 1.0);
    }

    proptest! {
        #[test]
        fn a_cleared_window_is_as_good_as_new(
            before in prop::collection::vec(any::<u32>(), 0..300),
            seeds in prop::collection::vec(any::<u32>(), 0..300),
        ) {
            let mut aggregate = fold(&before, 3);
            aggregate.clear();
            fold_into(&mut aggregate, &seeds);
            for (cleared, new) in rows(&aggregate).iter().zip(&rows(&fold(&seeds, 3))) {
                prop_assert_eq!(&cleared.rows, &new.rows);
                prop_assert_eq!((cleared.floor, cleared.keys), (new.floor, new.keys));
            }
            prop_assert_eq!(aggregate.tally, fold(&seeds, 3).tally);
            prop_assert_eq!(aggregate.clients, fold(&seeds, 3).clients);
        }

        #[test]
        fn the_fold_is_what_the_views_declare(seeds in prop::collection::vec(any::<u32>(), 0..300)) {
            let sets = rows(&fold(&seeds, 100));
            for (view, table) in by_declaration(&seeds) {
                let found = sets.iter().find(|set| set.view == view);
                let found = found.map(|set| set.rows.as_slice()).unwrap_or_default();
                let empty = view == "traffic" && table.is_empty();
                prop_assert!(empty || found.len() == table.len(), "{}", view);
                for row in found.iter().filter(|_| !empty) {
                    prop_assert_eq!(Some(&row.counts), table.get(&row.key), "{} {}", &view, &row.key);
                }
            }
            let tally = sets[0].summary.as_ref().unwrap().tally;
            prop_assert_eq!(tally.records, seeds.len() as u64);
            prop_assert_eq!(tally.hash, seeds.iter().map(|s| u64::from(*s)).sum::<u64>());
        }

        #[test]
        fn a_merge_of_any_split_is_the_whole(
            seeds in prop::collection::vec(any::<u32>(), 0..300),
            at in any::<prop::sample::Index>(),
        ) {
            let (left, right) = seeds.split_at(at.index(seeds.len() + 1));
            let mut merged = fold(left, 100);
            merged.merge(&fold(right, 100));
            let whole = fold(&seeds, 100);
            for (merged, whole) in rows(&merged).iter().zip(&rows(&whole)) {
                prop_assert_eq!(&merged.rows, &whole.rows);
                prop_assert_eq!((merged.floor, merged.keys), (whole.floor, whole.keys));
            }
            prop_assert_eq!(merged.tally, whole.tally);
            prop_assert_eq!(merged.clients.estimate().round(), whole.clients.estimate().round());
            prop_assert_eq!(merged.sizes.count(), whole.sizes.count());
        }
    }
}
