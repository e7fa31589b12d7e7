//! The rows of a day, or of any other run of hours: a merge of their tables.

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{CLIENTS, Distincts, Key, RowSet, State, TRAFFIC, VIEWS, View, union};

use super::hour::table_path;
use super::{History, Merged, merge, read_histogram};
use crate::BatchError;
use crate::recompute::percentiles;

/// The exact rows of the day that starts at `start`, from the folders of its hours.
///
/// # Errors
/// Of the store; [`BatchError::Damaged`] where a table doesn't read.
pub fn day(
    history: &History,
    start: Minute,
    folders: &[String],
    generation: u64,
) -> Result<Vec<RowSet>, BatchError> {
    // The clients are a view and a count of the whole traffic: they are merged once for both.
    let clients = merged(history, &VIEWS[CLIENTS], folders, VIEWS[CLIENTS].top)?;
    let set = |(at, view): (usize, &View)| match at {
        TRAFFIC => traffic(history, folders, &clients),
        CLIENTS => Ok(rows(view, clients.clone())),
        _ => set(history, view, folders, view.top),
    };
    let sets = VIEWS.iter().enumerate().map(set).collect::<Result<Vec<_>, _>>()?;
    let found = sets.into_iter().flatten();
    Ok(found.map(|set| RowSet { start, version: generation, ..set }).collect())
}

/// One exact set of a view over the hours in `folders`, with the first `top` rows (0: all of
/// them); `None` where it has no rows. Grain, start and version are for the caller to set.
///
/// # Errors
/// Of the store; [`BatchError::Damaged`] where a table doesn't read.
pub fn set(
    history: &History,
    view: &View,
    folders: &[String],
    top: usize,
) -> Result<Option<RowSet>, BatchError> {
    if view.key == Key::None {
        return traffic(history, folders, &merged(history, &VIEWS[CLIENTS], folders, 1)?);
    }
    Ok(rows(view, merged(history, view, folders, top)?))
}

/// The tables of a view, merged.
fn merged(
    history: &History,
    view: &View,
    folders: &[String],
    top: usize,
) -> Result<Merged, BatchError> {
    merge(history, &present(history, folders, view.name)?, top, |_| true, |_| ())
}

fn rows(view: &View, merged: Merged) -> Option<RowSet> {
    (merged.keys > 0).then(|| RowSet {
        view: view.name.into(),
        grain: Grain::Day,
        start: Minute::default(),
        partition: None,
        version: 0,
        state: State::Exact,
        rows: merged.rows,
        floor: merged.floor,
        keys: Some(merged.keys),
        summary: None,
    })
}

/// An hour without, say, referrers has no table of them.
fn present(history: &History, folders: &[String], view: &str) -> Result<Vec<String>, BatchError> {
    let mut paths = Vec::new();
    for folder in folders {
        let path = table_path(folder, view);
        if history.exists(&path)? {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn traffic(
    history: &History,
    folders: &[String],
    clients: &Merged,
) -> Result<Option<RowSet>, BatchError> {
    let mut hours = Vec::new();
    for folder in folders {
        let traffic = VIEWS[TRAFFIC].name;
        let wanted = |view: &str, grain: &str| view == traffic && grain == Grain::Hour.name();
        hours.extend(history.read_rows(folder, wanted)?);
    }
    let Some(mut set) = union(&hours) else { return Ok(None) };
    (set.grain, set.partition, set.state) = (Grain::Day, None, State::Exact);
    if let Some(summary) = &mut set.summary {
        summary.exact = Some(Distincts {
            clients: clients.keys,
            human_clients: clients.human_keys,
            sizes: over_hours(history, folders, "sizes")?.unwrap_or_default(),
            durations: over_hours(history, folders, "durations")?,
        });
    }
    Ok(Some(set))
}

/// Exact percentiles out of the hours' histograms.
fn over_hours(
    history: &History,
    folders: &[String],
    name: &str,
) -> Result<Option<[u64; 4]>, BatchError> {
    let mut all: Vec<(u64, u64)> = Vec::new();
    for folder in folders {
        let path = format!("{folder}/{name}.parquet");
        all.extend(read_histogram(&path, history.read(&path)?)?);
    }
    all.sort_unstable();
    Ok(percentiles(&all))
}
