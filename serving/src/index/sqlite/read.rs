//! What readers ask, each within one snapshot.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Row, Transaction, named_params, params};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State, view_index};

use super::generations::published;
use super::settled::{Name, Settled};
use super::stretches::{Stretch, Stretches};
use crate::index::body::{self, Head, decode, parse, state_of, unsigned};
use crate::index::plan::finer;
use crate::index::{Answer, Document, IndexError, Layer, Query, Select, Span, spans};

const SPEED: &str = "
SELECT view, start, topic, number, version, finality, body, sketches FROM speed_rows
WHERE grain = :grain AND start >= :from AND start < :to
  AND (:view IS NULL OR view = :view)
  AND (:topic IS NULL OR (topic = :topic AND number = :number))
ORDER BY start, topic, number";

/// The same for one view, for which the order is that of the table's own key.
const SPEED_VIEW: &str = "
SELECT view, start, topic, number, version, finality, body, sketches FROM speed_rows
WHERE grain = ?1 AND view = ?2 AND start >= ?3 AND start < ?4
ORDER BY start, topic, number";

/// Of the visible rows that of the largest generation: SQLite takes the other columns from
/// the row that has the maximum. (`CROSS JOIN` fixes the order of the tables, no more.)
const EXACT: &str = "
SELECT view, start, NULL, NULL, version, finality, body, sketches, max(runs.generation)
FROM exact_rows CROSS JOIN runs ON runs.id = exact_rows.run
WHERE grain = ?1 AND view = ?2 AND start >= ?3 AND start < ?4 AND runs.generation IS NOT NULL
GROUP BY start ORDER BY start";

const DOCUMENTS: &str = "
SELECT documents.name, start, body FROM documents JOIN runs ON runs.id = documents.run
WHERE kind = ?1 AND start >= ?2 AND start < ?3 AND runs.generation IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM documents newer JOIN runs newer_runs ON newer_runs.id = newer.run
    WHERE newer.kind = documents.kind AND newer.name = documents.name
      AND newer_runs.generation > runs.generation)
ORDER BY start, documents.name";

pub(super) fn speed_rows(
    transaction: &Transaction<'_>,
    select: &Select<'_>,
) -> Result<Vec<RowSet>, IndexError> {
    let mut statement = transaction.prepare_cached(SPEED)?;
    let mut rows = statement.query(named_params! {
        ":grain": select.grain.minutes(),
        ":from": select.from.0,
        ":to": select.to.0,
        ":view": select.view,
        ":topic": select.partition.map(|partition| &*partition.topic),
        ":number": select.partition.map(|partition| partition.number),
    })?;
    let mut sets = Vec::new();
    while let Some(row) = rows.next()? {
        sets.push(set(row, head(row, select.grain)?, true)?);
    }
    Ok(sets)
}

/// What is kept decoded between two questions.
#[derive(Debug, Default)]
pub(super) struct Memory {
    settled: Settled,
    stretches: Stretches,
}

/// The longest span (minutes) of which stretches are kept: questions come day by day.
const MOST_STRETCHED: i64 = 2 * 1440;

pub(super) fn answer(
    transaction: &Transaction<'_>,
    memory: &Memory,
    query: &Query<'_>,
) -> Result<Answer, IndexError> {
    let publication = published(transaction)?;
    let boundary = publication.as_ref().map(|publication| publication.boundary);
    let spans = spans(query.from, query.to, boundary, query.coarsest);
    let mut answer = Answer { publication, ..Answer::default() };
    for view in query.views {
        let publication = answer.publication.as_ref();
        let generation = publication.map_or(0, |publication| publication.generation);
        let sketches = query.sketches;
        let reading = Reading { transaction, memory, generation, view, sketches };
        for span in &spans {
            match span.layer {
                Layer::Batch => reading.exact(span, &mut answer.exact)?,
                Layer::Speed => reading.speed(span, &mut answer.speed)?,
            }
        }
    }
    Ok(answer)
}

/// What the spans of a question are read with.
struct Reading<'a> {
    transaction: &'a Transaction<'a>,
    memory: &'a Memory,
    generation: u64,
    view: &'a str,
    sketches: bool,
}

impl Reading<'_> {
    /// Exact rows: stretch by stretch where whole ones fit, the rest as it is stored.
    fn exact(&self, span: &Span, sets: &mut Vec<Arc<RowSet>>) -> Result<(), IndexError> {
        let coarser = Grain::ALL.into_iter().find(|grain| *grain > span.grain);
        let (Some(coarser), Some(view)) = (coarser, view_index(self.view)) else {
            return self.stored(span, sets);
        };
        if span.to.0 - span.from.0 > MOST_STRETCHED {
            return self.stored(span, sets);
        }
        let mut from = span.from;
        while from < span.to {
            let part = Span { from, to: coarser.end(from).min(span.to), ..*span };
            if coarser.start(from) == from && coarser.end(from) == part.to {
                let stretch =
                    Stretch { view, grain: span.grain, start: from, sketches: self.sketches };
                let read = || {
                    let mut sets = Vec::new();
                    self.stored(&part, &mut sets).map(|()| sets)
                };
                let held = self.memory.stretches.get(self.generation, stretch, read)?;
                sets.extend(held.iter().cloned());
            } else {
                self.stored(&part, sets)?;
            }
            from = part.to;
        }
        Ok(())
    }

    fn stored(&self, span: &Span, sets: &mut Vec<Arc<RowSet>>) -> Result<(), IndexError> {
        let mut statement = self.transaction.prepare_cached(EXACT)?;
        let (grain, from, to) = (span.grain.minutes(), span.from.0, span.to.0);
        let mut rows = statement.query(params![grain, self.view, from, to])?;
        while let Some(row) = rows.next()? {
            let head = head(row, span.grain)?;
            let name = Name::of_exact(&head, unsigned(row.get(8)?), self.sketches);
            sets.push(self.memory.settled.get(name, || set(row, head, self.sketches))?);
        }
        Ok(())
    }

    /// Reads the coarse rows that are closed, then the finer ones of every partition and
    /// stretch that no coarse row covers: a coarse row that is still open lags behind.
    fn speed(&self, span: &Span, sets: &mut Vec<Arc<RowSet>>) -> Result<(), IndexError> {
        let first = sets.len();
        let mut covered: HashSet<(Grain, Minute, Option<Partition>)> = HashSet::new();
        let mut grain = Some(span.grain);
        while let Some(now) = grain {
            let mut statement = self.transaction.prepare_cached(SPEED_VIEW)?;
            let (from, to) = (span.from.0, span.to.0);
            let mut rows = statement.query(params![now.minutes(), self.view, from, to])?;
            let coarser: Vec<Grain> = Grain::ALL
                .into_iter()
                .filter(|grain| *grain > now && *grain <= span.grain)
                .collect();
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let head = head(row, now)?;
                let is_covered = |grain: &Grain| {
                    covered.contains(&(*grain, grain.start(head.start), head.partition.clone()))
                };
                let complete = now == Grain::Minute || head.state == State::Closed;
                if complete && !coarser.iter().any(is_covered) {
                    found.push((now, head.start, head.partition.clone()));
                    let name = Name::of_speed(&head, self.sketches);
                    sets.push(self.memory.settled.get(name, || set(row, head, self.sketches))?);
                }
            }
            covered.extend(found.into_iter().filter(|_| now != Grain::Minute));
            grain = finer(now);
        }
        if let Some(sets) = sets.get_mut(first..) {
            sets.sort_by(|a, b| (a.start, &a.partition).cmp(&(b.start, &b.partition)));
        }
        Ok(())
    }
}

/// The first and the last start of each table, found through its key without a scan;
/// of the exact rows, staged ones included, only what lies before the boundary.
pub(super) fn extent(
    transaction: &Transaction<'_>,
) -> Result<Option<(Minute, Minute)>, IndexError> {
    let boundary = published(transaction)?.map(|publication| publication.boundary);
    let mut extent: Option<(Minute, Minute)> = None;
    for (layer, table) in [(Layer::Speed, "speed_rows"), (Layer::Batch, "exact_rows")] {
        for grain in Grain::ALL {
            let Some((first, last)) = starts(transaction, table, grain)? else { continue };
            let (first, end) = match (layer, boundary) {
                (Layer::Speed, _) => (first, grain.end(last)),
                (Layer::Batch, Some(boundary)) => (first, grain.end(last).min(boundary)),
                (Layer::Batch, None) => continue,
            };
            extent = match extent {
                _ if first >= end => extent,
                None => Some((first, end)),
                Some((from, to)) => Some((from.min(first), to.max(end))),
            };
        }
    }
    Ok(extent)
}

fn starts(
    transaction: &Transaction<'_>,
    table: &str,
    grain: Grain,
) -> Result<Option<(Minute, Minute)>, IndexError> {
    let start = |function: &str| -> Result<Option<i64>, IndexError> {
        let select =
            format!("SELECT {function}(start) FROM {table} WHERE grain = ?1 AND view = 'traffic'");
        Ok(transaction.prepare_cached(&select)?.query_row([grain.minutes()], |row| row.get(0))?)
    };
    Ok(start("min")?.zip(start("max")?).map(|(first, last)| (Minute(first), Minute(last))))
}

pub(super) fn documents(
    transaction: &Transaction<'_>,
    kind: &str,
    from: Minute,
    to: Minute,
) -> Result<Vec<Document>, IndexError> {
    let mut statement = transaction.prepare_cached(DOCUMENTS)?;
    let mut rows = statement.query(params![kind, from.0, to.0])?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        documents.push(Document {
            kind: kind.to_owned(),
            id: row.get(0)?,
            start: Minute(row.get(1)?),
            body: parse(row.get_ref(2)?.as_blob().unwrap_or_default())?,
        });
    }
    Ok(documents)
}

fn head(row: &Row<'_>, grain: Grain) -> Result<Head, IndexError> {
    let topic: Option<String> = row.get(2)?;
    let partition = match topic {
        Some(topic) => Some(Partition::new(&topic, row.get(3)?)),
        None => None,
    };
    Ok(Head {
        view: row.get(0)?,
        grain,
        start: Minute(row.get(1)?),
        partition,
        version: unsigned(row.get(4)?),
        state: state_of(row.get(5)?),
    })
}

fn set(row: &Row<'_>, head: Head, sketches: bool) -> Result<RowSet, IndexError> {
    let body = row.get_ref(6)?.as_blob().unwrap_or_default();
    let sketches = if sketches { row.get_ref(7)?.as_blob_or_null().unwrap_or(None) } else { None };
    Ok(decode(head, parse(body)?, sketches.map(body::sketches).transpose()?))
}
