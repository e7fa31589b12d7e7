//! Reading across the boundary, in one snapshot.

use rusqlite::Transaction;
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::RowSet;

use super::{batch, speed};
use crate::index::{Answer, Document, IndexError, Layer, Query, Select, Span, plan};

/// Answers a query with the rows that the boundary admits.
pub fn answer(reader: &Transaction<'_>, query: &Query<'_>) -> Result<Answer, IndexError> {
    let publication = batch::published(reader)?;
    let boundary = publication.as_ref().map(|publication| publication.boundary);
    let spans = plan::spans(query.from, query.to, boundary, live(reader)?, query.coarsest);
    let mut answer = Answer { publication, ..Answer::default() };
    for view in query.views {
        for span in &spans {
            match span.layer {
                Layer::Batch => answer.exact.extend(exact(reader, view, span)?),
                Layer::Speed => answer.speed.extend(estimated(reader, view, span)?),
            }
        }
    }
    Ok(answer)
}

/// The first minute whose hour and day rows may lag behind its minute row: that
/// hour is not closed yet in some partition.
fn live(reader: &Transaction<'_>) -> Result<Minute, IndexError> {
    let states = speed::states(reader)?;
    let going_on = states.iter().filter(|state| !state.ended);
    let closed = going_on.map(|state| state.closed_through.unwrap_or(Minute(i64::MIN / 2)));
    Ok(closed.min().map_or(Minute(i64::MAX / 2), |minute| Grain::Hour.start(minute)))
}

fn exact(reader: &Transaction<'_>, view: &str, span: &Span) -> Result<Vec<RowSet>, IndexError> {
    // SQLite takes bare columns from the row that has the maximum.
    let mut statement = reader.prepare_cached(
        "SELECT body, max(generation) FROM exact JOIN runs USING (run)
         WHERE generation IS NOT NULL AND view = ?1 AND grain = ?2 AND start >= ?3 AND start < ?4
         GROUP BY start ORDER BY start",
    )?;
    let key = (view, span.grain.name(), span.from.0, span.to.0);
    let bodies = statement.query_map(key, |row| row.get::<_, String>(0))?;
    bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
}

fn estimated(reader: &Transaction<'_>, view: &str, span: &Span) -> Result<Vec<RowSet>, IndexError> {
    let Span { grain, from, to, .. } = *span;
    speed::rows(reader, &Select { view: Some(view), grain, from, to, partition: None })
}

/// Documents of the current generation.
pub fn documents(
    reader: &Transaction<'_>,
    kind: &str,
    from: Minute,
    to: Minute,
) -> Result<Vec<Document>, IndexError> {
    let mut statement = reader.prepare_cached(
        "SELECT body, max(generation) FROM documents JOIN runs USING (run)
         WHERE generation IS NOT NULL AND kind = ?1 AND start >= ?2 AND start < ?3
         GROUP BY id ORDER BY start, id",
    )?;
    let bodies = statement.query_map((kind, from.0, to.0), |row| row.get::<_, String>(0))?;
    bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
}
