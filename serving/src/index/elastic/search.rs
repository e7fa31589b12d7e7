//! Searches, page by page, each of which says through which generation it saw the index.

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ElasticIndex;
use super::body::Hit;
use super::connection::Failure;
use crate::index::IndexError;

/// How many sets one page has, with and without their sketches (about 10 KiB a set).
const PAGES: (usize, usize) = (500, 2000);

/// What one search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    /// The generation of the publication under the alias, as the same search saw it.
    pub(super) generation: u64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
    #[serde(default)]
    aggregations: Value,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Shards {
    total: u32,
    successful: u32,
}

impl Shards {
    /// Whether every index had its say. One that was removed between a search's two phases is
    /// passed over in silence, even where partial results are not allowed.
    fn are_whole(&self) -> bool {
        self.successful == self.total
    }
}

/// A search for documents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    /// The index, alias or pattern.
    pub(super) target: &'a str,
    /// What is searched for.
    pub(super) filter: &'a Value,
    /// The fields that are left out of the documents.
    pub(super) without: &'a [&'a str],
}

impl Search<'_> {
    /// Everything that the search finds, in order of time. All pages see the same
    /// generation, or the search fails with `None`.
    pub(super) fn all(self, index: &ElasticIndex) -> Result<Option<Found>, IndexError> {
        let mut all = Found::default();
        let mut after: Option<Vec<Value>> = None;
        let size = if self.without.is_empty() { PAGES.0 } else { PAGES.1 };
        loop {
            let Some(page) = self.page(index, size, after.as_deref())? else { return Ok(None) };
            if after.is_some() && page.generation != all.generation {
                return Ok(None);
            }
            all.generation = page.generation;
            let full = page.hits.len() == size;
            after = page.hits.last().and_then(|hit| hit.sort.clone());
            all.hits.extend(page.hits);
            if !full || after.is_none() {
                return Ok(Some(all));
            }
        }
    }

    fn page(
        self,
        index: &ElasticIndex,
        size: usize,
        after: Option<&[Value]>,
    ) -> Result<Option<Found>, IndexError> {
        let publication = json!({ "term": { "twofold.doc": "publication" } });
        let mut body = json!({
            "size": size,
            "track_total_hits": false,
            // The publication takes part in the search, so that it is of the same moment.
            "query": { "bool": { "filter": [
                { "bool": { "should": [self.filter, publication.clone()] } }
            ] } },
            "post_filter": { "bool": { "must_not": [publication] } },
            "aggs": { "generation": { "max": { "field": "twofold.publication.generation" } } },
            "sort": [{ "@timestamp": "asc" }, { "twofold.set": "asc" }],
            "_source": { "excludes": self.without },
        });
        if let Some(after) = after {
            body["search_after"] = json!(after);
        }
        let path = search_path(self.target);
        let answer: Answer = match index.connection.ask_json(Method::Post, &path, &body) {
            // An index went while it was searched: look again.
            Err(Failure::Refused(refusal)) if refusal.is_missing() => return Ok(None),
            result => result?,
        };
        if !answer.shards.are_whole() {
            return Ok(None);
        }
        let generation = answer.aggregations.pointer("/generation/value").and_then(Value::as_f64);
        Ok(Some(Found { hits: answer.hits.hits, generation: generation.unwrap_or(0.0) as u64 }))
    }
}

/// The documents that a search finds at once; `None` if an index went meanwhile.
pub(super) fn hits(
    index: &ElasticIndex,
    path: &str,
    body: &Value,
) -> Result<Option<Vec<Hit>>, IndexError> {
    match index.connection.ask_json::<Answer>(Method::Post, path, body) {
        Err(Failure::Refused(refusal)) if refusal.is_missing() => Ok(None),
        result => Ok(result.map(|answer| answer.shards.are_whole().then_some(answer.hits.hits))?),
    }
}

/// Where a search of `target` goes. Half an answer is none.
pub(super) fn search_path(target: &str) -> String {
    format!("/{target}/_search?allow_partial_search_results=false&ignore_unavailable=true")
}

/// Only documents of this kind.
pub(super) fn doc(kind: &str) -> Value {
    json!({ "term": { "twofold.doc": kind } })
}

/// Documents that match all of these.
pub(super) fn all_of(filters: Vec<Value>) -> Value {
    json!({ "bool": { "filter": filters } })
}

/// How many documents match.
pub(super) fn count(index: &ElasticIndex, target: &str, filter: &Value) -> Result<u64, IndexError> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    let path = format!("/{target}/_count?ignore_unavailable=true");
    let body = json!({ "query": filter });
    match index.connection.ask_json::<Count>(Method::Post, &path, &body) {
        Err(Failure::Refused(refusal)) if refusal.is_missing() => Ok(0),
        result => Ok(result?.count),
    }
}
