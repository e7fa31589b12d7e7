//! What goes again: superseded indices, abandoned runs, rows past their retention.
//!
//! None of it changes an answer, so a process may be killed in between: the next
//! publication goes on where it stopped.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use twofold_data::minute::{Grain, Minute};

use super::ElasticIndex;
use super::alias::{self, Current};
use super::bulk::{Version, Writes, send};
use super::generations::{check, forget_run, runs};
use super::names::{Kind, tag};
use super::search::{all_of, count, doc, hits, search_path};
use crate::index::body::{LEFTOVER_MS, now};
use crate::index::{IndexError, Layer};

/// How many documents are deleted at once.
const CHUNK: usize = 5000;

/// The batch layer's indices that readers have left: of published runs, and not under the
/// alias; and the publications before the current one.
pub(super) fn superseded(
    index: &ElasticIndex,
    current: &Current,
) -> Result<Vec<String>, IndexError> {
    let published: BTreeSet<String> = runs(index)?
        .into_iter()
        .filter(|run| run.generation.is_some())
        .map(|run| tag(&run.name))
        .collect();
    let mut names = index.list(&index.names.every_batch())?;
    names.retain(|name| {
        let of_published = match index.names.kind(name) {
            Some(Kind::Batch(_, tag) | Kind::Documents(tag)) => published.contains(&tag),
            _ => false,
        };
        of_published && !current.members.contains_key(name)
    });
    let before = |name: &String| matches!(index.names.kind(name), Some(Kind::Publication(generation)) if generation + 1 < current.generation);
    names.extend(index.list(&index.names.every_publication())?.into_iter().filter(before));
    Ok(names)
}

/// Removes indices. What can't be removed now goes after the next publication.
pub(super) fn remove(index: &ElasticIndex, names: &[String]) {
    for name in names {
        if let Err(error) = index.remove(name) {
            tracing::warn!(%error, name, "a superseded index stays for now");
        }
    }
}

/// Throws away what a run staged, and what runs staged that died long ago.
pub(super) fn abandon(index: &ElasticIndex, run: &str) -> Result<(), IndexError> {
    let current = alias::current(index)?;
    for known in runs(index)? {
        let dead = known.name == run || known.touched_at < now() - LEFTOVER_MS;
        let published = known.generation.is_some()
            || alias::is_published(&current, current.generation, &known.name);
        if dead && !published {
            // The run's name goes first, so that nobody can publish the half of it that is left.
            forget_run(index, &known.name)?;
            for name in index.list(&index.names.of_run(&tag(&known.name)))? {
                index.remove(&name)?;
            }
        }
    }
    Ok(())
}

/// Deletes the rows of a grain that start before `before`, in these indices.
/// Returns how many sets went.
pub(super) fn delete_before(
    index: &ElasticIndex,
    layer: Layer,
    grain: Grain,
    before: Minute,
) -> Result<u64, IndexError> {
    let names: Vec<String> = match layer {
        Layer::Speed => index.list(&index.names.every_speed())?,
        Layer::Batch => {
            let members = alias::current(index)?.members;
            members.into_keys().collect()
        }
    };
    let mut deleted = 0;
    for name in names {
        let day = match (layer, index.names.kind(&name)) {
            (Layer::Speed, Some(Kind::Speed(day))) => day,
            (Layer::Batch, Some(Kind::Batch(day, _))) => day,
            _ => continue,
        };
        if day < before {
            deleted += delete_in(index, &name, grain, before)?;
        }
    }
    Ok(deleted)
}

fn delete_in(
    index: &ElasticIndex,
    name: &str,
    grain: Grain,
    before: Minute,
) -> Result<u64, IndexError> {
    index.refresh(name)?;
    let old = all_of(vec![
        json!({ "term": { "twofold.grain": grain.name() } }),
        super::body::range(Minute(i64::MIN), before),
    ]);
    let sets = count(index, name, &all_of(vec![doc("set"), old.clone()]))?;
    let rest = json!({ "bool": { "must_not": [old.clone()] } });
    if sets > 0 && count(index, name, &rest)? == 0 {
        index.remove(name)?;
        index.known().remove(name);
    } else {
        delete_matching(index, name, &old)?;
    }
    Ok(sets)
}

/// Deletes the documents that match, page by page: by id, since not every engine has
/// `_delete_by_query`.
pub(super) fn delete_matching(
    index: &ElasticIndex,
    target: &str,
    filter: &Value,
) -> Result<u64, IndexError> {
    let mut total = 0;
    loop {
        let body = json!({ "size": CHUNK, "query": filter, "_source": false, "sort": ["_doc"] });
        let found = hits(index, &search_path(target), &body)?.unwrap_or_default();
        if found.is_empty() {
            return Ok(total);
        }
        let mut writes: BTreeMap<String, Writes> = BTreeMap::new();
        for hit in &found {
            writes.entry(hit.index.clone()).or_default().delete(&hit.id, Version::Any);
        }
        for (name, writes) in writes {
            check(&send(&index.connection, &name, writes)?)?;
            index.refresh(&name)?;
        }
        total += found.len() as u64;
    }
}
