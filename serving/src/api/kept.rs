//! The page as one file: the API's answers, taken once.

use serde::Serialize;
use serde_json::{Map, Value, json};
use twofold_data::view::measure_index;

use super::ApiError;
use super::routes::{documents_of, status_of};
use crate::page;
use crate::query::{
    Columns, Range, SeriesQuery, Stores, TopQuery, round_step, series, top, totals,
};

/// The lists of the page: view, and the measure that ranks.
const LISTS: [(&str, &str); 10] = [
    ("pages", "requests"),
    ("errors", "requests"),
    ("clients", "requests"),
    ("referrers", "requests"),
    ("agents", "human"),
    ("agents", "bot"),
    ("systems", "requests"),
    ("statuses", "requests"),
    ("methods", "requests"),
    ("hosts", "requests"),
];

/// So many points the chart of a file has: a day of minutes, or what is seen of more.
const POINTS: i64 = 3000;

/// A page that holds what there is of `range` and asks nobody; `subject` is what it is about, `n` how
/// long its lists are.
///
/// # Errors
/// Of the stores.
pub fn kept_page(
    stores: &Stores<'_>,
    range: Range,
    n: usize,
    subject: &str,
) -> Result<String, ApiError> {
    let mut answers = Map::new();
    let sum = totals(stores, range)?;
    let step = sum.range.map_or(1, |range| round_step(range, POINTS));
    let course = series(stores, &SeriesQuery { range, step, spread: false, split: true })?;
    put(&mut answers, "totals", &sum)?;
    put(&mut answers, "series", &Columns::of(course))?;
    for (view, measure) in LISTS {
        let by = measure_index(measure).unwrap_or(0);
        let list = top(stores, &TopQuery { view, range, n, by, trend: true })?;
        let name = if by == 0 { String::new() } else { format!("?by={measure}") };
        put(&mut answers, &format!("top/{view}{name}"), &list)?;
    }
    for kind in ["heatmap", "sessions", "newcomers", "accuracy"] {
        answers.insert(kind.to_owned(), documents_of(stores.index, kind, range)?);
    }
    answers.insert("status".to_owned(), status_of(stores.index)?);
    answers.insert("subject".to_owned(), json!(subject));
    let now = jiff::Timestamp::now().to_string();
    answers.insert("written".to_owned(), json!(now));
    Ok(page::file(&Value::Object(answers)))
}

fn put(
    answers: &mut Map<String, Value>,
    name: &str,
    answer: &impl Serialize,
) -> Result<(), ApiError> {
    let value =
        serde_json::to_value(answer).map_err(|error| ApiError::internal(error.to_string()))?;
    answers.insert(name.to_owned(), value);
    Ok(())
}
