//! What the speed layer writes: versioned sets with their rows, and the states of its partitions.
//!
//! A set's document goes first. Only if that is taken do its rows follow, under the same
//! version, and what an older, longer list had beyond them is deleted; so the rows that
//! Kibana sees are those of the newest state, whoever wrote last.

use std::collections::{BTreeMap, HashMap};

use elasticsearch::http::Method;
use serde_json::{Value, json};
use twofold_data::minute::Minute;
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State};

use super::body::Hit;
use super::bulk::{Outcome, Version, Writes, send};
use super::dead::{self, Refusal};
use super::documents::Documents;
use super::search::{Search, doc};
use super::{ElasticIndex, alias, merge, names};
use crate::index::body::timestamp;
use crate::index::{IndexError, PartitionState, Put};

/// How many sets are written at once.
const CHUNK: usize = 500;

/// How long the list of each open set is, as this process wrote it last.
pub(super) type Lengths = HashMap<String, usize>;

pub(super) fn put(index: &ElasticIndex, sets: &[RowSet]) -> Result<Vec<Put>, IndexError> {
    if let Some(set) = sets.iter().find(|set| set.partition.is_none()) {
        return Err(IndexError::Failed(format!("rows of {} name no partition", set.view)));
    }
    let mut days: BTreeMap<Minute, Vec<usize>> = BTreeMap::new();
    for (number, set) in sets.iter().enumerate() {
        days.entry(names::day(set.start)).or_default().push(number);
    }
    let mut puts = vec![Put::Stale; sets.len()];
    for (day, numbers) in days {
        for chunk in numbers.chunks(CHUNK) {
            let chunk: Vec<(usize, &RowSet)> =
                chunk.iter().filter_map(|number| Some((*number, sets.get(*number)?))).collect();
            put_day(index, day, &chunk, &mut puts)?;
        }
    }
    index.wrote();
    merge::remember(index, sets, &puts);
    Ok(puts)
}

/// Retention may have removed the index that was there a moment ago: then it is made again.
fn put_day(
    index: &ElasticIndex,
    day: Minute,
    sets: &[(usize, &RowSet)],
    puts: &mut [Put],
) -> Result<(), IndexError> {
    let name = index.names.speed(day);
    let all: Vec<Documents<'_>> = sets.iter().map(|(_, set)| Documents::of_speed(set)).collect();
    for _ in 0..2 {
        ensure(index, &name, day)?;
        let heads = heads(index, &name, &all)?;
        if heads.iter().any(is_gone) {
            index.known().remove(&name);
            continue;
        }
        let stored = |number: usize| heads.get(number) == Some(&Outcome::Done);
        let (taken, lists): (Vec<usize>, Vec<&Documents<'_>>) = sets
            .iter()
            .zip(&all)
            .enumerate()
            .filter(|(at, _)| stored(*at))
            .map(|(_, ((number, _), documents))| (*number, documents))
            .unzip();
        let mut refused: BTreeMap<usize, Refusal<'_>> = rows(index, &name, &lists)?
            .into_iter()
            .filter_map(|(list, refusal)| Some((*taken.get(list)?, refusal)))
            .collect();
        for ((number, set), outcome) in sets.iter().zip(heads) {
            let put = match outcome {
                Outcome::Done => Put::Stored,
                Outcome::Stale => Put::Stale,
                Outcome::Refused { status, reason } => {
                    refused.insert(*number, Refusal { set, status, reason });
                    Put::Refused
                }
            };
            if let Some(slot) = puts.get_mut(*number) {
                *slot = if refused.contains_key(number) { Put::Refused } else { put };
            }
        }
        let refused: Vec<Refusal<'_>> = refused.into_values().collect();
        dead::keep(index, &name, &refused)?;
        return Ok(());
    }
    Err(IndexError::Unavailable(format!("{name} goes as soon as it is made")))
}

fn is_gone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { status: 404 | 400, reason } if reason.contains("index_not_found") || reason.contains("require_alias"))
}

/// Makes the index of a day, and puts it under the alias.
fn ensure(index: &ElasticIndex, name: &str, day: Minute) -> Result<(), IndexError> {
    if index.known().contains(name) {
        return Ok(());
    }
    index.create(name, &json!({ names::write_alias(name): {} }))?;
    alias::add_speed(index, name, day)?;
    index.known().insert(name.to_owned());
    Ok(())
}

fn heads(
    index: &ElasticIndex,
    name: &str,
    sets: &[Documents<'_>],
) -> Result<Vec<Outcome>, IndexError> {
    learn_lengths(index, name, sets)?;
    let mut writes = Writes::default();
    sets.iter().try_for_each(|set| set.write_set(&mut writes))?;
    Ok(send(&index.connection, name, writes)?)
}

/// Reads how long the stored lists are which this process has not written itself, or
/// which are written for the last time.
fn learn_lengths(
    index: &ElasticIndex,
    name: &str,
    sets: &[Documents<'_>],
) -> Result<(), IndexError> {
    let unknown: Vec<&str> = {
        let lengths = index.lengths();
        let is_unknown =
            |of: &&Documents<'_>| of.set.state != State::Open || !lengths.contains_key(&of.id);
        sets.iter().filter(is_unknown).map(|of| of.id.as_str()).collect()
    };
    if unknown.is_empty() {
        return Ok(());
    }
    let found = get(index, name, &unknown, "twofold.count")?;
    let mut lengths = index.lengths();
    for hit in found {
        let count = hit.source.and_then(|source| source.twofold.count).unwrap_or(0);
        lengths.insert(hit.id, count);
    }
    Ok(())
}

/// Documents by id, as they are at this moment.
pub(super) fn get(
    index: &ElasticIndex,
    name: &str,
    ids: &[&str],
    field: &str,
) -> Result<Vec<Hit>, IndexError> {
    #[derive(serde::Deserialize)]
    struct Answer {
        docs: Vec<Hit>,
    }
    let path = format!("/{name}/_mget?_source_includes={field}");
    let answer: Answer = index.connection.ask_json(Method::Post, &path, &json!({ "ids": ids }))?;
    Ok(answer.docs)
}

/// Writes the rows of sets that were taken, and clears what an older list had beyond them. Returns
/// which sets have rows that the engine refused, with the reason for one of them.
fn rows<'a>(
    index: &ElasticIndex,
    name: &str,
    sets: &[&Documents<'a>],
) -> Result<BTreeMap<usize, Refusal<'a>>, IndexError> {
    let mut writes = Writes::default();
    let mut of_set = Vec::new();
    for (number, set) in sets.iter().enumerate() {
        let before = index.lengths().get(&set.id).copied().unwrap_or(0);
        set.write_rows(&mut writes, before);
        of_set.resize(writes.len(), number);
        remember_length(index, set);
    }
    let mut refused = BTreeMap::new();
    for (outcome, number) in send(&index.connection, name, writes)?.into_iter().zip(of_set) {
        if let (Outcome::Refused { status, reason }, Some(of)) = (outcome, sets.get(number)) {
            refused.insert(number, Refusal { set: of.set, status, reason });
        }
    }
    Ok(refused)
}

fn remember_length(index: &ElasticIndex, of: &Documents<'_>) {
    let mut lengths = index.lengths();
    match of.set.state {
        State::Open => lengths.insert(of.id.clone(), of.rows()),
        _ => lengths.remove(&of.id),
    };
}

/// The state's document: its version is what the partition has processed.
pub(super) fn put_state(index: &ElasticIndex, state: &PartitionState) -> Result<Put, IndexError> {
    merge::write(index)?;
    let body = json!({
        "@timestamp": timestamp(),
        "twofold": {
            "doc": "state",
            "topic": &*state.partition.topic,
            "partition": state.partition.number,
            "body": to_value(state)?,
        }
    });
    let mut writes = Writes::default();
    let version = i64::try_from(state.processed_through).unwrap_or(i64::MAX);
    writes.value(&state_id(&state.partition), Version::AtLeast(version), &body)?;
    match send(&index.connection, &index.names.state(), writes)?.pop() {
        Some(Outcome::Done) => Ok(Put::Stored),
        Some(Outcome::Stale) => Ok(Put::Stale),
        other => Err(IndexError::Failed(format!(
            "the state of {} was not stored: {other:?}",
            state.partition
        ))),
    }
}

fn to_value(state: &PartitionState) -> Result<Value, IndexError> {
    serde_json::to_value(state).map_err(|error| IndexError::Failed(error.to_string()))
}

fn state_id(partition: &Partition) -> String {
    format!("state.{}.{}", partition.number, partition.topic)
}

pub(super) fn state(
    index: &ElasticIndex,
    partition: &Partition,
) -> Result<Option<PartitionState>, IndexError> {
    let found = get(index, &index.names.state(), &[&state_id(partition)], "twofold.body")?;
    found.into_iter().find_map(state_of).transpose()
}

pub(super) fn states(index: &ElasticIndex) -> Result<Vec<PartitionState>, IndexError> {
    let target = index.names.state();
    index.refresh(&target)?;
    let search = Search { target: &target, filter: &doc("state"), without: &[] };
    let found = search.all(index)?.unwrap_or_default();
    let mut states: Vec<PartitionState> =
        found.hits.into_iter().filter_map(state_of).collect::<Result<_, _>>()?;
    states.sort_by(|a, b| a.partition.cmp(&b.partition));
    Ok(states)
}

fn state_of(hit: Hit) -> Option<Result<PartitionState, IndexError>> {
    let body = hit.source?.twofold.body?;
    Some(serde_json::from_value(body).map_err(|error| {
        IndexError::Failed(format!("the stored state {} is damaged: {error}", hit.id))
    }))
}
