//! Copying what a new generation keeps of a day: the sets that its run did not compute again.

use std::collections::BTreeSet;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ElasticIndex;
use super::bulk::{Version, Writes, send};
use super::clean::delete_matching;
use super::generations::check;
use super::search::{Search, all_of};
use crate::index::IndexError;

/// How many sets are copied at once, and how many documents one page has.
const SETS: usize = 500;
const PAGE: usize = 5000;

/// Marks what was copied, not staged.
pub(super) fn copied() -> Value {
    json!({ "term": { "twofold.copied": true } })
}

/// Removes what an attempt that lost its race has copied.
pub(super) fn forget(index: &ElasticIndex, target: &str) -> Result<(), IndexError> {
    index.refresh(target)?;
    delete_matching(index, target, &copied()).map(drop)
}

/// Copies the sets (or documents) of `from` that `to` lacks.
pub(super) fn missing(index: &ElasticIndex, from: &str, to: &str) -> Result<(), IndexError> {
    index.refresh(to)?;
    let present = sets(index, to)?;
    let missing: Vec<String> = sets(index, from)?.difference(&present).cloned().collect();
    for chunk in missing.chunks(SETS) {
        // Sets come after their rows: a set that is there is whole.
        copy(index, from, to, &rows_of(chunk))?;
        copy(index, from, to, &heads_of(chunk))?;
    }
    Ok(())
}

fn heads() -> Value {
    json!({ "terms": { "twofold.doc": ["set", "document"] } })
}

fn heads_of(sets: &[String]) -> Value {
    all_of(vec![heads(), json!({ "terms": { "twofold.set": sets } })])
}

fn rows_of(sets: &[String]) -> Value {
    let rows = json!({ "term": { "twofold.doc": "row" } });
    all_of(vec![rows, json!({ "terms": { "twofold.set": sets } })])
}

/// The ids of the sets and documents in an index.
fn sets(index: &ElasticIndex, name: &str) -> Result<BTreeSet<String>, IndexError> {
    let filter = heads();
    let found = Search { target: name, filter: &filter, without: &["*"] }.all(index)?;
    Ok(found.unwrap_or_default().hits.into_iter().map(|hit| hit.id).collect())
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "_scroll_id")]
    scroll: String,
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Raw>,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_source")]
    source: Value,
}

fn copy(index: &ElasticIndex, from: &str, to: &str, filter: &Value) -> Result<(), IndexError> {
    let body = json!({ "size": PAGE, "query": filter, "sort": ["_doc"] });
    let path = format!("/{from}/_search?scroll=2m&allow_partial_search_results=false");
    let mut page: Page = index.connection.ask_json(Method::Post, &path, &body)?;
    while !page.hits.hits.is_empty() {
        let mut writes = Writes::default();
        for mut raw in page.hits.hits {
            raw.source["twofold"]["copied"] = json!(true);
            writes.value(&raw.id, Version::Any, &raw.source)?;
        }
        check(&send(&index.connection, to, writes)?)?;
        let next = json!({ "scroll": "2m", "scroll_id": page.scroll });
        page = index.connection.ask_json(Method::Post, "/_search/scroll", &next)?;
    }
    let done = json!({ "scroll_id": page.scroll }).to_string();
    // It would end by itself after two minutes.
    let _ = index.connection.once::<Value>(Method::Delete, "/_search/scroll", Some(done.into()));
    Ok(())
}
