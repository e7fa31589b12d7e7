//! What readers ask: one or several searches of one generation.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use elasticsearch::http::Method;
use serde_json::{Value, json};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State};

use super::ElasticIndex;
use super::body::{Hit, range};
use super::search::{self, Search, all_of, doc, search_path};
use crate::index::plan::finer;
use crate::index::{Answer, Document, IndexError, Layer, Publication, Query, Select, Span, spans};

/// How often a question is put again because a generation was published in the middle of it.
const ATTEMPTS: usize = 20;

/// The current publication, remembered until a search sees another generation.
pub(super) fn published(index: &ElasticIndex) -> Result<Option<Publication>, IndexError> {
    let body = json!({
        "size": 1,
        "query": doc("publication"),
        "sort": [{ "twofold.publication.generation": "desc" }],
        "_source": ["twofold.body"],
    });
    let path = search_path(index.names.alias());
    let mut hits = search::hits(index, &path, &body)?.unwrap_or_default();
    let body = hits.pop().and_then(|hit| hit.source).and_then(|source| source.twofold.body);
    let publication: Option<Publication> = body
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| IndexError::Failed(format!("its publication is damaged: {error}")))?;
    *index.seen() = publication.clone();
    Ok(publication)
}

/// Calls `question` with the publication until all its searches were of that generation.
fn through_one<T>(
    index: &ElasticIndex,
    mut question: impl FnMut(Option<&Publication>) -> Result<Option<T>, IndexError>,
) -> Result<T, IndexError> {
    index.refresh_own_writes()?;
    let remembered = index.seen().clone();
    if let Some(publication) = &remembered
        && let Some(answer) = question(Some(publication))?
    {
        return Ok(answer);
    }
    for _ in 0..ATTEMPTS {
        let publication = published(index)?;
        if let Some(answer) = question(publication.as_ref())? {
            return Ok(answer);
        }
    }
    Err(IndexError::Unavailable("it publishes faster than it can be read".into()))
}

pub(super) fn answer(index: &ElasticIndex, query: &Query<'_>) -> Result<Answer, IndexError> {
    through_one(index, |publication| {
        let boundary = publication.map(|publication| publication.boundary);
        let spans = spans(query.from, query.to, boundary, query.coarsest);
        let reading = Reading { index, query, generation: generation_of(publication) };
        let Some((mut exact, mut speed)) = reading.coarse(&spans)? else { return Ok(None) };
        for span in spans.iter().filter(|span| span.layer == Layer::Speed) {
            if !reading.fine(span, &mut speed)? {
                return Ok(None);
            }
        }
        let publication = publication.cloned();
        let order = |set: &RowSet| query.views.iter().position(|view| **view == set.view);
        exact.sort_by_key(|set| (order(set), set.start));
        speed.sort_by(|a, b| {
            (order(a), a.start, &a.partition).cmp(&(order(b), b.start, &b.partition))
        });
        let shared = |sets: Vec<RowSet>| sets.into_iter().map(Arc::new).collect();
        Ok(Some(Answer { publication, exact: shared(exact), speed: shared(speed) }))
    })
}

fn generation_of(publication: Option<&Publication>) -> u64 {
    publication.map_or(0, |publication| publication.generation)
}

/// Exact rows, and rows of the speed layer.
type Layers = (Vec<RowSet>, Vec<RowSet>);

struct Reading<'a> {
    index: &'a ElasticIndex,
    query: &'a Query<'a>,
    generation: u64,
}

impl Reading<'_> {
    /// The rows of every span: exact ones, and of the speed layer minutes and closed coarse rows.
    fn coarse(&self, spans: &[Span]) -> Result<Option<Layers>, IndexError> {
        let mut layers = Layers::default();
        if spans.is_empty() {
            return Ok(Some(layers));
        }
        let wanted: Vec<Value> =
            spans.iter().map(|span| rows(span, span.grain, Vec::new())).collect();
        let wanted = json!({ "bool": { "should": wanted } });
        let Some(found) = self.search(vec![wanted])? else { return Ok(None) };
        for (layer, set) in found {
            match layer {
                Layer::Batch => layers.0.push(set),
                Layer::Speed => layers.1.push(set),
            }
        }
        Ok(Some(layers))
    }

    /// Adds the finer rows of every partition and stretch of a span that no closed
    /// coarse row covers. False if the generation changed.
    fn fine(&self, span: &Span, speed: &mut Vec<RowSet>) -> Result<bool, IndexError> {
        let mut grain = span.grain;
        while let Some(now) = finer(grain) {
            let covered = Covered::of(speed, span, now);
            let Some(found) = self.search(vec![rows(span, now, covered.clauses())])? else {
                return Ok(false);
            };
            speed.extend(found.into_iter().map(|(_, set)| set).filter(|set| !covered.holds(set)));
            grain = now;
        }
        Ok(true)
    }

    fn search(&self, mut filters: Vec<Value>) -> Result<Option<Vec<(Layer, RowSet)>>, IndexError> {
        filters.push(doc("set"));
        filters.push(json!({ "terms": { "twofold.view": self.query.views } }));
        let without: &[&str] = if self.query.sketches { &[] } else { &["twofold.sketches"] };
        let target = self.index.names.alias();
        let search = Search { target, filter: &all_of(filters), without };
        let Some(found) = search.all(self.index)? else { return Ok(None) };
        if found.generation != self.generation {
            return Ok(None);
        }
        found.hits.into_iter().map(with_layer).collect::<Result<_, _>>().map(Some)
    }
}

fn with_layer(hit: Hit) -> Result<(Layer, RowSet), IndexError> {
    let layer = hit.source.as_ref().and_then(|source| source.twofold.layer);
    Ok((layer.unwrap_or(Layer::Speed), hit.set()?))
}

/// Rows of a span at a grain; coarse ones of the speed layer only once they are closed.
fn rows(span: &Span, grain: Grain, excluded: Vec<Value>) -> Value {
    let layer = if span.layer == Layer::Batch { "batch" } else { "speed" };
    let mut filters = vec![
        json!({ "term": { "twofold.layer": layer } }),
        json!({ "term": { "twofold.grain": grain.name() } }),
        range(span.from, span.to),
    ];
    if span.layer == Layer::Speed && grain != Grain::Minute {
        filters.push(json!({ "term": { "twofold.state": "closed" } }));
    }
    json!({ "bool": { "filter": filters, "must_not": excluded } })
}

/// What coarse rows answer for already, by view and partition.
struct Covered {
    starts: HashSet<(String, Option<Partition>, Grain, Minute)>,
    coarser: Vec<Grain>,
}

impl Covered {
    /// What the sets cover of a span, seen from a finer grain.
    fn of(sets: &[RowSet], span: &Span, finer: Grain) -> Self {
        let coarser: Vec<Grain> =
            Grain::ALL.into_iter().filter(|grain| *grain > finer && *grain <= span.grain).collect();
        let starts = sets
            .iter()
            .filter(|set| set.state == State::Closed && coarser.contains(&set.grain))
            .filter(|set| (span.from..span.to).contains(&set.start))
            .map(|set| (set.view.clone(), set.partition.clone(), set.grain, set.start))
            .collect();
        Self { starts, coarser }
    }

    fn holds(&self, set: &RowSet) -> bool {
        let key =
            |grain: Grain| (set.view.clone(), set.partition.clone(), grain, grain.start(set.start));
        self.coarser.iter().any(|grain| self.starts.contains(&key(*grain)))
    }

    /// Filters that keep what is covered from being read at all: adjoining spans as one.
    fn clauses(&self) -> Vec<Value> {
        let mut spans: BTreeMap<_, Vec<(Minute, Minute)>> = BTreeMap::new();
        for (view, partition, grain, start) in &self.starts {
            spans.entry((view, partition)).or_default().push((*start, grain.end(*start)));
        }
        let mut clauses = Vec::new();
        for ((view, partition), mut spans) in spans {
            let Some(partition) = partition else { continue };
            spans.sort();
            spans.dedup_by(|next, last| {
                let adjoins = next.0 <= last.1;
                if adjoins {
                    last.1 = last.1.max(next.1);
                }
                adjoins
            });
            let ranges: Vec<Value> = spans.into_iter().map(|(from, to)| range(from, to)).collect();
            clauses.push(json!({ "bool": { "filter": [
                { "term": { "twofold.view": view } },
                { "term": { "twofold.topic": &*partition.topic } },
                { "term": { "twofold.partition": partition.number } },
                { "bool": { "should": ranges } },
            ] } }));
        }
        clauses
    }
}

pub(super) fn speed_rows(
    index: &ElasticIndex,
    select: &Select<'_>,
) -> Result<Vec<RowSet>, IndexError> {
    // What a process that died a moment ago has written must be seen.
    let target = index.names.every_speed();
    index.refresh(&target)?;
    let mut filters = vec![
        doc("set"),
        json!({ "term": { "twofold.grain": select.grain.name() } }),
        range(select.from, select.to),
    ];
    if let Some(view) = select.view {
        filters.push(json!({ "term": { "twofold.view": view } }));
    }
    if let Some(partition) = select.partition {
        filters.push(json!({ "term": { "twofold.topic": &*partition.topic } }));
        filters.push(json!({ "term": { "twofold.partition": partition.number } }));
    }
    let search = Search { target: &target, filter: &all_of(filters), without: &[] };
    let mut sets = search
        .all(index)?
        .unwrap_or_default()
        .hits
        .into_iter()
        .map(Hit::set)
        .collect::<Result<Vec<_>, _>>()?;
    sets.sort_by(|a, b| (a.start, &a.partition).cmp(&(b.start, &b.partition)));
    Ok(sets)
}

pub(super) fn documents(
    index: &ElasticIndex,
    kind: &str,
    from: Minute,
    to: Minute,
) -> Result<Vec<Document>, IndexError> {
    let filters = vec![
        doc("document"),
        json!({ "term": { "twofold.document.kind": kind } }),
        range(from, to),
    ];
    let filter = all_of(filters);
    let search = Search { target: index.names.alias(), filter: &filter, without: &[] };
    let found = through_one(index, |publication| {
        let found = search.all(index)?;
        Ok(found.filter(|found| found.generation == generation_of(publication)))
    })?;
    let mut documents: Vec<Document> = found.hits.into_iter().filter_map(document).collect();
    documents.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    Ok(documents)
}

/// The document of the batch layer, or outside of generations, that was found.
pub(super) fn document(hit: Hit) -> Option<Document> {
    let source = hit.source?;
    let named = source.twofold.document?;
    Some(Document {
        kind: named.kind,
        id: named.id,
        start: Minute::parse(&source.timestamp?)?,
        body: source.twofold.body?,
    })
}

/// The first and the last start of every grain under the alias.
pub(super) fn extent(index: &ElasticIndex) -> Result<Option<(Minute, Minute)>, IndexError> {
    index.refresh_own_writes()?;
    let mut grains = serde_json::Map::new();
    for grain in Grain::ALL {
        let (min, max) = (
            json!({ "min": { "field": "@timestamp" } }),
            json!({ "max": { "field": "@timestamp" } }),
        );
        let of_grain = json!({ "filter": { "term": { "twofold.grain": grain.name() } }, "aggs": { "min": min, "max": max } });
        grains.insert(grain.name().to_owned(), of_grain);
    }
    let filter = all_of(vec![doc("set"), json!({ "term": { "twofold.view": "traffic" } })]);
    let body = json!({ "size": 0, "query": filter, "aggs": grains });
    let path = search_path(index.names.alias());
    let answer: Value = index.connection.ask_json(Method::Post, &path, &body)?;
    let mut extent: Option<(Minute, Minute)> = None;
    for grain in Grain::ALL {
        let value = |name: &str| {
            let path = format!("/aggregations/{}/{name}/value", grain.name());
            answer.pointer(&path).and_then(Value::as_f64).map(|ms| Minute::of(ms as i64))
        };
        if let (Some(first), Some(last)) = (value("min"), value("max")) {
            let end = grain.end(last);
            extent = Some(extent.map_or((first, end), |(from, to)| (from.min(first), to.max(end))));
        }
    }
    Ok(extent)
}
