//! The read alias, and the one kind of request that changes it.
//!
//! Exactly one index under the alias holds the current publication. Every change removes
//! that index and adds its successor in the same request, and fails as a whole if somebody
//! else has removed it already: a compare-and-set. So the boundary, the generation, the
//! indices and their filters change in one step, and no two writers overwrite each other.

use std::collections::BTreeMap;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use twofold_data::minute::{Grain, Minute};

use super::ElasticIndex;
use super::body::Hit;
use super::bulk::{Outcome, Version, Writes, send};
use super::connection::{Failure, Refusal, token};
use super::names::{Kind, write_alias};
use crate::index::{IndexError, Publication};

/// How often a change is tried while others change the alias.
const TRIES: usize = 50;

/// The id of the one document of a publication's index.
const ID: &str = "publication";

/// What stands under the alias.
#[derive(Debug, Default)]
pub(super) struct Current {
    /// The indices, with what their names say, and whether a filter lies on them.
    pub(super) members: BTreeMap<String, (Kind, bool)>,
    /// The indices of the publication; one, but for the moment in which an index is new.
    tokens: Vec<String>,
    /// The current generation; 0 before the first.
    pub(super) generation: u64,
    /// Its publication, and the run that published it.
    pub(super) publication: Option<(Publication, String)>,
}

impl Current {
    pub(super) fn boundary(&self) -> Option<Minute> {
        self.publication.as_ref().map(|(publication, _)| publication.boundary)
    }

    fn run(&self) -> &str {
        self.publication.as_ref().map_or("", |(_, run)| run)
    }
}

#[derive(Deserialize)]
struct Member {
    aliases: BTreeMap<String, Value>,
}

/// What stands under the alias now.
pub(super) fn current(index: &ElasticIndex) -> Result<Current, IndexError> {
    for _ in 0..TRIES {
        if let Some(current) = try_current(index)? {
            return Ok(current);
        }
    }
    Err(IndexError::Unavailable("its alias changes faster than it can be read".into()))
}

/// `None` if it changed while it was read.
fn try_current(index: &ElasticIndex) -> Result<Option<Current>, IndexError> {
    let path = format!("/_alias/{}", index.names.alias());
    let found: BTreeMap<String, Member> = match index.connection.ask(Method::Get, &path, None) {
        Err(Failure::Refused(refusal)) if refusal.is_missing() => BTreeMap::new(),
        result => result?,
    };
    let mut current = Current::default();
    for (name, member) in found {
        let filtered = member.aliases.values().any(|alias| alias.get("filter").is_some());
        match index.names.kind(&name) {
            Some(Kind::Publication(generation)) => {
                current.generation = current.generation.max(generation);
                current.tokens.push(name);
            }
            Some(kind) => {
                current.members.insert(name, (kind, filtered));
            }
            None => {}
        }
    }
    if current.generation > 0 {
        let newest = Kind::Publication(current.generation);
        let token =
            current.tokens.iter().find(|name| index.names.kind(name) == Some(newest.clone()));
        let Some(publication) = token.and_then(|name| read(index, name).transpose()) else {
            return Ok(None);
        };
        current.publication = Some(publication?);
    }
    Ok(Some(current))
}

/// The publication in an index; `None` if the index is gone.
fn read(index: &ElasticIndex, name: &str) -> Result<Option<(Publication, String)>, IndexError> {
    let path = format!("/{name}/_doc/{ID}");
    let hit: Hit = match index.connection.ask(Method::Get, &path, None) {
        Err(Failure::Refused(refusal)) if refusal.is_missing() => return Ok(None),
        result => result?,
    };
    let fields = hit.source.map(|source| source.twofold);
    let Some((Some(body), run)) = fields.map(|fields| (fields.body, fields.run)) else {
        return Err(IndexError::Failed(format!("{name} holds no publication")));
    };
    let publication = serde_json::from_value(body)
        .map_err(|error| IndexError::Failed(format!("{name} is damaged: {error}")))?;
    Ok(Some((publication, run.unwrap_or_default())))
}

/// Makes sure that the alias is there.
pub(super) fn prepare(index: &ElasticIndex) -> Result<(), IndexError> {
    if !current(index)?.tokens.is_empty() {
        return Ok(());
    }
    // Another process may do the same: then there are two, and the next change removes both.
    let name = index.names.publication(0, &token());
    let aliases = json!({ write_alias(&name): {}, index.names.alias(): {} });
    index.create(&name, &aliases)
}

/// What a change did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Done,
    /// Somebody else changed the alias first.
    Raced,
}

/// Makes `publication` the current one (`None` before the first) together with `actions`,
/// if the alias is still as `current` has it.
pub(super) fn change(
    index: &ElasticIndex,
    current: &Current,
    publication: Option<(&Publication, &str)>,
    actions: Vec<Value>,
) -> Result<Change, IndexError> {
    let generation = publication.map_or(0, |(publication, _)| publication.generation);
    let name = index.names.publication(generation, &token());
    index.create(&name, &json!({ write_alias(&name): {} }))?;
    if let Some((publication, run)) = publication {
        write(index, &name, publication, run)?;
    }
    let mut all: Vec<Value> =
        current.tokens.iter().map(|old| json!({ "remove_index": { "index": old } })).collect();
    all.push(json!({ "add": { "index": name, "alias": index.names.alias() } }));
    all.extend(actions);
    let body = json!({ "actions": all }).to_string();
    match index.connection.once::<Value>(Method::Post, "/_aliases", Some(body.into())) {
        Ok(_) => Ok(Change::Done),
        // Whether it was done is seen by whoever reads the alias again.
        Err(Failure::Away(_)) => Ok(Change::Raced),
        Err(Failure::Refused(refusal)) if lost(&refusal) => {
            index.remove(&name)?;
            Ok(Change::Raced)
        }
        Err(failure) => {
            index.remove(&name)?;
            Err(failure.into())
        }
    }
}

fn lost(refusal: &Refusal) -> bool {
    refusal.is_missing() || refusal.is_passing() || refusal.kind == "aliases_not_found_exception"
}

fn write(
    index: &ElasticIndex,
    name: &str,
    publication: &Publication,
    run: &str,
) -> Result<(), IndexError> {
    let body = json!({
        "twofold": {
            "doc": "publication",
            "publication": {
                "generation": publication.generation,
                "boundary": super::names::clamp(publication.boundary).to_string(),
            },
            "run": run,
            "body": publication,
        }
    });
    let mut writes = Writes::default();
    writes.value(ID, Version::Any, &body)?;
    match send(&index.connection, name, writes)?.first() {
        Some(Outcome::Done) => index.refresh(name),
        other => Err(IndexError::Failed(format!("the publication was not stored: {other:?}"))),
    }
}

/// Puts an index of the speed layer under the alias, from the boundary on.
pub(super) fn add_speed(index: &ElasticIndex, name: &str, day: Minute) -> Result<(), IndexError> {
    for _ in 0..TRIES {
        let current = current(index)?;
        let boundary = current.boundary();
        let past = boundary.is_some_and(|boundary| Grain::Day.end(day) <= boundary);
        if past || current.members.contains_key(name) {
            return Ok(());
        }
        let action = speed_action(index, name, day, boundary);
        let publication =
            current.publication.as_ref().map(|(publication, run)| (publication, &**run));
        if change(index, &current, publication, vec![action])? == Change::Done {
            return Ok(());
        }
    }
    Err(IndexError::Unavailable("its alias changes faster than it can be changed".into()))
}

/// What becomes of a day of the speed layer at a boundary.
pub(super) fn speed_action(
    index: &ElasticIndex,
    name: &str,
    day: Minute,
    boundary: Option<Minute>,
) -> Value {
    let alias = index.names.alias();
    match boundary {
        Some(boundary) if Grain::Day.end(day) <= boundary => {
            json!({ "remove": { "index": name, "alias": alias } })
        }
        Some(boundary) if day < boundary => {
            let filter = at(boundary, "gte");
            json!({ "add": { "index": name, "alias": alias, "filter": filter } })
        }
        _ => json!({ "add": { "index": name, "alias": alias } }),
    }
}

/// What becomes of a day of the batch layer at a boundary.
pub(super) fn batch_action(
    index: &ElasticIndex,
    name: &str,
    day: Minute,
    boundary: Minute,
) -> Value {
    let alias = index.names.alias();
    if Grain::Day.end(day) <= boundary {
        return json!({ "add": { "index": name, "alias": alias } });
    }
    let filter = at(boundary, "lt");
    json!({ "add": { "index": name, "alias": alias, "filter": filter } })
}

fn at(boundary: Minute, side: &str) -> Value {
    let time = super::names::clamp(boundary).to_string();
    json!({ "range": { "@timestamp": { side: time } } })
}

/// Whether the current publication is this one of this run.
pub(super) fn is_published(current: &Current, generation: u64, run: &str) -> bool {
    current.generation == generation && generation > 0 && current.run() == run
}
