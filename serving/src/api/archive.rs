//! What only the archive can tell: lines, slices, the audit.

use std::sync::Mutex;

use axum::extract::{Query, State};
use serde_json::{Value, json};
use twofold_data::minute::Minute;
use twofold_data::partition::Partition;
use twofold_data::view::Filter;

use super::parameters::Parameters;
use super::routes::{Answer, Given, ok, step, stores, with_range};
use super::{ApiError, ArchiveSource, LineFilter, Shared, Sources};
use crate::query::{self, Range, SliceQuery, Slices};

/// The most lines of one answer.
const MOST_LINES: usize = 1000;

/// How long an audit's answer is good for (ms), asked for as often as it may be.
const AUDIT_AGAIN: i64 = 10_000;

/// The parameters of a range, of a filter, and these.
fn with_filter(more: &[&'static str]) -> Vec<&'static str> {
    with_range(more).into_iter().chain(Filter::names()).collect()
}

fn filter(parameters: &Parameters) -> Result<Filter, ApiError> {
    let mut filter = Filter::default();
    for name in Filter::names() {
        if let Some(value) = parameters.text(name) {
            let wrong = |hint| ApiError::parameter(name, format!("`{name}` is `{value}`"), hint);
            filter.add(name, &value).map_err(wrong)?;
        }
    }
    Ok(filter)
}

fn archive(sources: &Sources) -> Result<&dyn ArchiveSource, ApiError> {
    let not_here = || ApiError::not_here("this server has no archive at hand");
    sources.archive.as_deref().ok_or_else(not_here)
}

/// The raw lines behind a number.
pub async fn lines(State(shared): State<Shared>, Query(given): Given) -> Answer {
    let names = ["path", "contains", "malformed", "after", "limit"];
    let parameters = Parameters::new(given, &with_filter(&names))?;
    let limit = parameters.limit("limit", 100, MOST_LINES)?;
    let only = filter(&parameters)?;
    let after = parameters.text("after").map(|text| position(&text)).transpose()?;
    let found = shared.search(move |sources| {
        let range = parameters.range(&*sources.index)?;
        let filter = LineFilter {
            from: (range.from.0 > Minute(i64::MIN)).then_some(range.from.0),
            to: (range.to.0 < Minute(i64::MAX)).then_some(range.to.0),
            client: None,
            path: parameters.text("path"),
            status: None,
            only,
            contains: parameters.text("contains"),
            malformed: parameters.flag("malformed")?,
            after,
            limit,
        };
        let found = archive(sources)?.lines(&filter).map_err(ApiError::internal)?;
        let publication = sources.index.published()?;
        Ok(json!({
            "generation": publication.as_ref().map_or(0, |publication| publication.generation),
            "boundary": publication.map(|publication| publication.boundary.to_string()),
            "complete": found.complete,
            "lines": found.lines,
            "next": found.next,
        }))
    });
    ok(&found.await?)
}

/// `PARTITION@OFFSET`, as an earlier answer's `next` has it.
fn position(text: &str) -> Result<(Partition, u64), ApiError> {
    let hint = "give what an earlier answer has as `next`";
    Partition::of_record(text)
        .ok_or_else(|| ApiError::parameter("after", format!("`after` is `{text}`"), hint))
}

/// What a filter admits of a range.
pub async fn slice(State(shared): State<Shared>, Query(given): Given) -> Answer {
    let parameters = Parameters::new(given, &with_filter(&["step", "n", "trend"]))?;
    let only = filter(&parameters)?;
    if only.is_empty() {
        let hint = format!("give one of {}", Filter::names().collect::<Vec<_>>().join(", "));
        return Err(ApiError::parameter("status", "there is no filter", hint));
    }
    let n = parameters.limit("n", 10, query::MAX_TOP)?;
    let kept = only.measure().is_some();
    let question = move |sources: &Sources| {
        let range: Range = parameters.range(&*sources.index)?;
        let step = step(&parameters, sources, range)?;
        let trend = parameters.flag("trend")?;
        let query = SliceQuery { only: &only, range, step, n, trend };
        let archive = sources.archive.as_deref().map(|archive| archive as &dyn Slices);
        Ok(query::slice(&stores(sources, false), archive, &query)?)
    };
    ok(&if kept { shared.ask(question).await? } else { shared.search(question).await? })
}

/// The last audit, and when it was (ms since the Unix epoch).
#[derive(Debug, Default)]
pub struct Audited(Mutex<Option<(i64, Value)>>);

impl Audited {
    fn last(&self) -> Option<(i64, Value)> {
        self.0.lock().ok().and_then(|last| last.clone())
    }
}

/// The last audit; with `run` a new one, unless the last is a few seconds old.
pub async fn audit(State(shared): State<Shared>, Query(given): Given) -> Answer {
    let parameters = Parameters::new(given, &["run"])?;
    let audited = shared.audited.clone();
    if !parameters.flag("run")? {
        return tell(audited.last());
    }
    let run = shared.search(move |sources| {
        let now = jiff::Timestamp::now().as_millisecond();
        if let Some(last) = audited.last().filter(|(at, _)| now - at < AUDIT_AGAIN) {
            return Ok(Some(last));
        }
        let audit = archive(sources)?.audit(&*sources.index).map_err(ApiError::internal)?;
        let audit = (jiff::Timestamp::now().as_millisecond(), audit);
        if let Ok(mut last) = audited.0.lock() {
            *last = Some(audit.clone());
        }
        Ok(Some(audit))
    });
    tell(run.await?)
}

fn tell(audit: Option<(i64, Value)>) -> Answer {
    let (at, audit) = audit.unzip();
    ok(&json!({ "at": at, "audit": audit }))
}
