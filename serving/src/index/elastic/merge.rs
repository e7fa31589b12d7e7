//! Merged rows: what does not add up over partitions, once for each window.
//!
//! Distinct clients and percentiles are unions of sketches, which Kibana can't form. So
//! after a partition's rows and before its state, every window that it changed is read
//! from all partitions and written once more as their union. Its version is the sum of
//! theirs: whoever has seen more wins, and of two processes that write at the same time
//! the later one has read the other's rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, VIEWS, union};

use super::bulk::{Outcome, Version, Writes, send};
use super::documents::{Documents, Kind, external_version, speed_id};
use super::{ElasticIndex, names, speed};
use crate::index::{IndexError, Put};

/// How long the list of partitions is believed.
const PARTITIONS: Duration = Duration::from_secs(10);

/// How many windows are merged at once.
const CHUNK: usize = 100;

/// A span of time.
type Window = (Grain, Minute);

/// Windows whose merged row is due, with the sets that this process has just written.
pub(super) type Due = BTreeMap<Window, BTreeMap<Partition, RowSet>>;

/// The partitions known, and since when.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    known: BTreeSet<Partition>,
    asked: Option<Instant>,
}

/// Notes which windows have changed.
pub(super) fn remember(index: &ElasticIndex, sets: &[RowSet], puts: &[Put]) {
    let mut due = index.due();
    for (set, put) in sets.iter().zip(puts) {
        if set.view != VIEWS[twofold_data::view::TRAFFIC].name || set.summary.is_none() {
            continue;
        }
        let window = due.entry((set.grain, set.start)).or_default();
        if let (Put::Stored, Some(partition)) = (put, &set.partition) {
            window.insert(partition.clone(), set.clone());
        }
    }
}

/// Writes the merged rows that are due.
pub(super) fn write(index: &ElasticIndex) -> Result<(), IndexError> {
    let due = std::mem::take(&mut *index.due());
    let result = write_all(index, &due);
    if result.is_err() {
        // They are read again: what is in hand may be old by then.
        index.due().extend(due.into_keys().map(|window| (window, BTreeMap::new())));
    }
    result
}

fn write_all(index: &ElasticIndex, due: &Due) -> Result<(), IndexError> {
    if due.is_empty() {
        return Ok(());
    }
    let partitions = partitions(index, due)?;
    let mut days: BTreeMap<Minute, Vec<Window>> = BTreeMap::new();
    for (grain, start) in due.keys() {
        days.entry(names::day(*start)).or_default().push((*grain, *start));
    }
    for (day, windows) in days {
        let name = index.names.speed(day);
        for windows in windows.chunks(CHUNK) {
            write_some(index, &name, windows, due, &partitions)?;
        }
    }
    index.wrote();
    Ok(())
}

fn write_some(
    index: &ElasticIndex,
    name: &str,
    windows: &[Window],
    due: &Due,
    partitions: &BTreeSet<Partition>,
) -> Result<(), IndexError> {
    let others = others(index, name, windows, due, partitions)?;
    let mut writes = Writes::default();
    for window in windows {
        let in_hand = due.get(window).into_iter().flat_map(BTreeMap::values);
        add(&mut writes, in_hand.chain(others.get(window).into_iter().flatten()))?;
    }
    for outcome in send(&index.connection, name, writes)? {
        if let Outcome::Refused { reason, .. } = outcome {
            // The partitions' own rows are there: this one comes again with the next emission.
            tracing::warn!(reason, "a merged row was refused");
        }
    }
    Ok(())
}

/// The partitions that may have rows: those with a state, and those just written.
fn partitions(index: &ElasticIndex, due: &Due) -> Result<BTreeSet<Partition>, IndexError> {
    let mut partitions = index.partitions();
    if partitions.asked.is_none_or(|asked| asked.elapsed() > PARTITIONS) {
        let states = speed::states(index)?;
        partitions.known.extend(states.into_iter().map(|state| state.partition));
        partitions.asked = Some(Instant::now());
    }
    partitions.known.extend(due.values().flat_map(BTreeMap::keys).cloned());
    Ok(partitions.known.clone())
}

/// The rows of the windows that other partitions have.
fn others(
    index: &ElasticIndex,
    name: &str,
    windows: &[Window],
    due: &Due,
    partitions: &BTreeSet<Partition>,
) -> Result<BTreeMap<Window, Vec<RowSet>>, IndexError> {
    let view = VIEWS[twofold_data::view::TRAFFIC].name;
    let mut of_id: BTreeMap<String, Window> = BTreeMap::new();
    for window in windows {
        let in_hand = due.get(window);
        let is_missing =
            |partition: &&Partition| in_hand.is_none_or(|sets| !sets.contains_key(*partition));
        let id = |partition| (speed_id(view, window.0, window.1, partition), *window);
        of_id.extend(partitions.iter().filter(is_missing).map(id));
    }
    let mut others: BTreeMap<Window, Vec<RowSet>> = BTreeMap::new();
    if of_id.is_empty() {
        return Ok(others);
    }
    let ids: Vec<&str> = of_id.keys().map(String::as_str).collect();
    for hit in speed::get(index, name, &ids, "@timestamp,twofold.*")? {
        if let (Some(_), Some(window)) = (&hit.source, of_id.get(&hit.id)) {
            others.entry(*window).or_default().push(hit.set()?);
        }
    }
    Ok(others)
}

fn add<'a>(
    writes: &mut Writes,
    sets: impl Iterator<Item = &'a RowSet> + Clone,
) -> Result<(), IndexError> {
    let version = sets.clone().map(external_version).fold(0, i64::saturating_add);
    let Some(merged) = union(sets) else { return Ok(()) };
    let merged = RowSet { partition: None, ..merged };
    Documents::of(Kind::Merged, &merged, Version::AtLeast(version)).write_set(writes)
}
