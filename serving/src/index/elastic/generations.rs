//! What the batch layer writes: staged beside the current generation, visible by one request.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use twofold_data::minute::Minute;
use twofold_data::view::RowSet;

use super::alias::{self, Change, Current};
use super::bulk::{Outcome, Version, Writes, send};
use super::documents::{Documents, Kind as Set};
use super::names::{self, Kind, tag, write_alias};
use super::search::{Search, count, doc};
use super::{ElasticIndex, clean, copy, speed};
use crate::index::body::now;
use crate::index::{Document, IndexError, Publication};

/// How often a publication is tried while others change the alias.
const TRIES: usize = 50;

/// A run that has staged something, or has published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) name: String,
    pub(super) touched_at: i64,
    pub(super) generation: Option<u64>,
}

pub(super) fn stage(
    index: &ElasticIndex,
    run: &str,
    rows: &[RowSet],
    documents: &[Document],
) -> Result<(), IndexError> {
    open_run(index, run)?;
    let tag = tag(run);
    let mut days: BTreeMap<Minute, Writes> = BTreeMap::new();
    for set in rows {
        write_set(days.entry(names::day(set.start)).or_default(), set)?;
    }
    for (day, writes) in days {
        fill(index, &index.names.batch(day, &tag), writes)?;
    }
    let mut writes = Writes::default();
    documents.iter().try_for_each(|document| write_document(&mut writes, document))?;
    fill(index, &index.names.documents(&tag), writes)
}

fn write_set(writes: &mut Writes, set: &RowSet) -> Result<(), IndexError> {
    let documents = Documents::of(Set::Batch, set, Version::Any);
    documents.write_rows(writes, 0);
    documents.write_set(writes)
}

/// What Kibana reads of a document stands in fields of its own.
fn write_document(writes: &mut Writes, document: &Document) -> Result<(), IndexError> {
    let Document { kind, id, start, body } = document;

    let set = format!("{kind}.{id}");
    let mut twofold = json!({
        "doc": "document",
        "set": set,
        "document": { "kind": kind, "id": id },
        "body": body,
    });
    if kind == "accuracy" {
        twofold["accuracy"] = known_fields("twofold.accuracy", body);
    }
    let source = json!({ "@timestamp": names::clamp(*start).to_string(), "twofold": twofold });
    writes.value(&set, Version::Any, &source)
}

/// The parts of a value that the mapping has fields for.
fn known_fields(path: &str, value: &Value) -> Value {
    let Some(object) = value.as_object() else { return value.clone() };
    let known = object.iter().filter_map(|(name, value)| {
        let path = format!("{path}.{name}");
        let value = match value {
            Value::Object(_) => known_fields(&path, value),
            Value::Number(_) if super::mapping::has_field(&path) => value.clone(),
            _ => return None,
        };
        let empty = value.as_object().is_some_and(serde_json::Map::is_empty);
        (!empty).then(|| (name.clone(), value))
    });
    Value::Object(known.collect())
}

/// Writes into an index of a run, which is made where it is not there yet.
fn fill(index: &ElasticIndex, name: &str, writes: Writes) -> Result<(), IndexError> {
    if writes.is_empty() {
        return Ok(());
    }
    index.create(name, &json!({ write_alias(name): {} }))?;
    check(&send(&index.connection, name, writes)?)
}

/// A generation is whole or not published: a refused row fails the run.
pub(super) fn check(outcomes: &[Outcome]) -> Result<(), IndexError> {
    match outcomes.iter().find(|outcome| **outcome != Outcome::Done) {
        None => Ok(()),
        Some(Outcome::Refused { status, reason }) => Err(IndexError::Failed(format!(
            "a row of the batch layer was refused ({status}): {reason}"
        ))),
        Some(other) => Err(IndexError::Failed(format!("a row was not stored: {other:?}"))),
    }
}

fn run_id(run: &str) -> String {
    format!("run.{}", tag(run))
}

/// Notes that the run is alive. It may not be published yet.
fn open_run(index: &ElasticIndex, run: &str) -> Result<(), IndexError> {
    let known = self::run(index, run)?;
    let published = match known.and_then(|run| run.generation) {
        Some(generation) => Some(generation),
        None => {
            let current = alias::current(index)?;
            alias::is_published(&current, current.generation, run).then_some(current.generation)
        }
    };
    if let Some(generation) = published {
        return Err(IndexError::Failed(format!(
            "run {run} is already published as generation {generation}: start a new run"
        )));
    }
    write_run(index, &Run { name: run.to_owned(), touched_at: now(), generation: None })
}

pub(super) fn write_run(index: &ElasticIndex, run: &Run) -> Result<(), IndexError> {
    let body = json!({
        "twofold": {
            "doc": "run",
            "run": run.name,
            "touched_at": run.touched_at,
            "body": { "name": run.name, "touched_at": run.touched_at, "generation": run.generation },
        }
    });
    let mut writes = Writes::default();
    writes.value(&run_id(&run.name), Version::Any, &body)?;
    check(&send(&index.connection, &index.names.state(), writes)?)
}

pub(super) fn forget_run(index: &ElasticIndex, run: &str) -> Result<(), IndexError> {
    let mut writes = Writes::default();
    writes.delete(&run_id(run), Version::Any);
    check(&send(&index.connection, &index.names.state(), writes)?)
}

fn run(index: &ElasticIndex, run: &str) -> Result<Option<Run>, IndexError> {
    let found = speed::get(index, &index.names.state(), &[&run_id(run)], "twofold.body")?;
    Ok(found.into_iter().find_map(run_of))
}

/// Every run that is known.
pub(super) fn runs(index: &ElasticIndex) -> Result<Vec<Run>, IndexError> {
    let target = index.names.state();
    index.refresh(&target)?;
    let filter = doc("run");
    let found = Search { target: &target, filter: &filter, without: &[] }.all(index)?;
    Ok(found.unwrap_or_default().hits.into_iter().filter_map(run_of).collect())
}

fn run_of(hit: super::body::Hit) -> Option<Run> {
    let body = hit.source?.twofold.body?;
    Some(Run {
        name: body.get("name")?.as_str()?.to_owned(),
        touched_at: body.get("touched_at")?.as_i64()?,
        generation: body.get("generation").and_then(Value::as_u64),
    })
}

pub(super) fn staged(index: &ElasticIndex, run: &str) -> Result<u64, IndexError> {
    let target = index.names.of_run(&tag(run));
    index.refresh(&target)?;
    let kinds = json!({ "terms": { "twofold.doc": ["set", "document"] } });
    let filter = json!({ "bool": { "filter": [kinds], "must_not": [copy::copied()] } });
    count(index, &target, &filter)
}

/// Makes what a run staged visible, if the generation before it is the current one.
pub(super) fn publish(
    index: &ElasticIndex,
    run: &str,
    publication: &Publication,
) -> Result<(), IndexError> {
    for _ in 0..TRIES {
        let current = alias::current(index)?;
        if alias::is_published(&current, publication.generation, run) {
            return conclude(index, run, publication.generation);
        }
        may_publish(index, &current, run, publication)?;
        let actions = fill_up(index, &current, run, publication.boundary)?;
        // What earlier publications left behind goes after this one, so that whoever reads
        // through the current one can finish.
        let leftovers = clean::superseded(index, &current)?;
        match alias::change(index, &current, Some((publication, run)), actions)? {
            Change::Raced => continue,
            Change::Done => {
                conclude(index, run, publication.generation)?;
                clean::remove(index, &leftovers);
                return Ok(());
            }
        }
    }
    Err(IndexError::Unavailable("its alias changes faster than it can be changed".into()))
}

fn conclude(index: &ElasticIndex, run: &str, generation: u64) -> Result<(), IndexError> {
    let generation = Some(generation);
    write_run(index, &Run { name: run.to_owned(), touched_at: now(), generation })
}

fn may_publish(
    index: &ElasticIndex,
    current: &Current,
    run: &str,
    publication: &Publication,
) -> Result<(), IndexError> {
    let failed = |reason: String| Err(IndexError::Failed(reason));
    if current.generation + 1 != publication.generation {
        return Err(IndexError::Lost { current: current.generation });
    }
    match self::run(index, run)? {
        None => return failed(format!("run {run} has staged nothing")),
        Some(Run { generation: Some(generation), .. }) => {
            return failed(format!("run {run} is generation {generation} already"));
        }
        Some(_) => {}
    }
    match current.boundary() {
        Some(from) if from > publication.boundary => {
            let to = publication.boundary;
            failed(format!("the boundary can't move back from {from} to {to}"))
        }
        _ => Ok(()),
    }
}

/// Completes the run's indices with what the current ones have beside, and says what
/// becomes of every index under the alias.
fn fill_up(
    index: &ElasticIndex,
    current: &Current,
    run: &str,
    boundary: Minute,
) -> Result<Vec<Value>, IndexError> {
    let staged = index.list(&index.names.of_run(&tag(run)))?;
    copy::forget(index, &index.names.of_run(&tag(run)))?;
    let mut actions = Vec::new();
    let mut replaced: BTreeSet<&str> = BTreeSet::new();
    for name in &staged {
        let Some(kind) = index.names.kind(name) else { continue };
        for (old, (old_kind, _)) in &current.members {
            if is_same_family(&kind, old_kind) {
                copy::missing(index, old, name)?;
                replaced.insert(old);
                actions.push(json!({ "remove": { "index": old, "alias": index.names.alias() } }));
            }
        }
        index.refresh(name)?;
        actions.extend(action(index, name, &kind, boundary));
    }
    for (name, (kind, filtered)) in &current.members {
        if replaced.contains(&**name) {
            continue;
        }
        // A day of the batch layer without a filter lies before the boundary for good.
        if *filtered || matches!(kind, Kind::Speed(_)) {
            actions.extend(action(index, name, kind, boundary));
        }
    }
    Ok(actions)
}

fn is_same_family(a: &Kind, b: &Kind) -> bool {
    match (a, b) {
        (Kind::Batch(a, _), Kind::Batch(b, _)) => a == b,
        (Kind::Documents(_), Kind::Documents(_)) => true,
        _ => false,
    }
}

fn action(index: &ElasticIndex, name: &str, kind: &Kind, boundary: Minute) -> Option<Value> {
    match kind {
        Kind::Speed(day) => Some(alias::speed_action(index, name, *day, Some(boundary))),
        Kind::Batch(day, _) => Some(alias::batch_action(index, name, *day, boundary)),
        Kind::Documents(_) => {
            Some(json!({ "add": { "index": name, "alias": index.names.alias() } }))
        }
        Kind::Publication(_) => None,
    }
}
