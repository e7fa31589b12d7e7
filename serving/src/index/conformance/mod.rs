//! One suite for every index: what [`Index`] promises, as checks that panic.
//!
//! A backend's tests call [`run`] with a function that makes an empty store and
//! returns a function that opens it:
//!
//! ```
//! use twofold_serving::index::{Index, IndexError, SqliteIndex, conformance};
//!
//! conformance::run(|| {
//!     let folder = tempfile::tempdir().unwrap();
//!     move || Box::new(SqliteIndex::open(&folder.path().join("twofold.db")).unwrap()) as Box<dyn Index>
//! });
//! ```

mod generations;
mod live;
mod races;
mod reading;
mod versions;

use std::sync::Arc;

use serde_json::json;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Counts, Row, RowSet, State, Summary, Tally};

use super::{Answer, Document, Index, Publication, Query};

/// Checks everything that an index promises. `fresh` makes an empty store, and what it
/// returns opens that store, as often and in as many threads as it is called.
///
/// # Panics
/// Where a promise is broken.
pub fn run<Open>(fresh: impl Fn() -> Open)
where
    Open: Fn() -> Box<dyn Index> + Sync,
{
    run_with(Races { rounds: 25, generations: 40 }, fresh);
}

/// How long the checks of what happens at the same time go on.
#[derive(Debug, Clone, Copy)]
pub struct Races {
    /// How often four publishers race.
    pub rounds: u64,
    /// How many generations are published under readers.
    pub generations: u64,
}

/// As [`run`], for indices in which a publication takes longer.
///
/// # Panics
/// Where a promise is broken.
pub fn run_with<Open>(races: Races, fresh: impl Fn() -> Open)
where
    Open: Fn() -> Box<dyn Index> + Sync,
{
    versions::check(&fresh);
    generations::check(&fresh);
    reading::check(&fresh);
    live::check(&fresh);
    races::check(races, &fresh);
}

/// A set of the view `pages` with one row that counts `requests`.
fn pages(grain: Grain, start: i64, partition: Option<u32>, requests: u64) -> RowSet {
    keyed("pages", grain, start, partition, vec![row("/", requests)])
}

fn keyed(view: &str, grain: Grain, start: i64, partition: Option<u32>, rows: Vec<Row>) -> RowSet {
    RowSet {
        view: view.to_owned(),
        grain,
        start: Minute(start),
        partition: partition.map(|number| Partition::new("access", number)),
        version: 1,
        state: if partition.is_some() { State::Open } else { State::Exact },
        rows,
        floor: 0,
        keys: None,
        summary: None,
    }
}

fn row(key: &str, requests: u64) -> Row {
    let mut counts = Counts::default();
    counts.0[0] = requests;
    Row { key: key.to_owned(), counts, missed: 0 }
}

/// A set of the view `traffic`, with the summary that goes with it.
fn traffic(grain: Grain, start: i64, partition: Option<u32>, requests: u64) -> RowSet {
    let mut set = keyed("traffic", grain, start, partition, vec![row("", requests)]);
    let tally = Tally { records: requests + 3, malformed: 2, blank: 1, hash: u64::MAX };
    let mut summary = Summary { tally, ..Summary::default() };
    (0..requests).for_each(|size| summary.sizes.update(size));
    set.summary = Some(Box::new(summary));
    set
}

fn document(id: &str, start: i64, content: u64) -> Document {
    let kind = "sessions".to_owned();
    Document { kind, id: id.to_owned(), start: Minute(start), body: json!({ "n": content }) }
}

fn publication(generation: u64, boundary: i64) -> Publication {
    Publication {
        generation,
        boundary: Minute(boundary),
        end_of_input: false,
        published_at: 1_700_000_000_000,
        info: json!({ "records": generation }),
    }
}

/// Everything of the view `pages` in a range, by the minute at most.
fn read(index: &dyn Index, from: i64, to: i64, coarsest: Grain) -> Answer {
    let (from, to) = (Minute(from), Minute(to));
    index.read(&Query { views: &["pages"], from, to, coarsest, sketches: true }).unwrap()
}

/// What the rows of sets count, in their order.
fn requests(sets: &[Arc<RowSet>]) -> Vec<u64> {
    sets.iter().map(|set| set.rows.iter().map(|row| row.counts.requests()).sum()).collect()
}
