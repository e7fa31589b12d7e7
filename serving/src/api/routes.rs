//! The routes and what answers them.

use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{MEASURES, VIEWS, declaration, measure_index, view};

use super::parameters::{Parameters, RANGE};
use super::{ApiError, Shared, Sources, answers, archive, events, openapi};
use crate::index::Index;
use crate::page;
use crate::query::{self, Columns, Range, SeriesQuery, Stores, TopQuery};
use crate::spikes;

pub(super) type Given = Query<Vec<(String, String)>>;
pub(super) type Answer = Result<Response, ApiError>;

/// Every route.
pub fn router(shared: Shared) -> Router {
    let kept = Router::new()
        .route("/report", get(report))
        .route("/totals", get(totals))
        .route("/series", get(series))
        .route("/top/{view}", get(top))
        .route("/slice", get(archive::slice))
        .route("/accuracy", get(accuracy))
        .route("/spikes", get(found_spikes))
        .route("/heatmap", get(|shared, given| documents(shared, given, "heatmap")))
        .route("/sessions", get(|shared, given| documents(shared, given, "sessions")))
        .route("/newcomers", get(|shared, given| documents(shared, given, "newcomers")))
        .route_layer(from_fn_with_state(shared.clone(), answers::keep));
    let api = Router::new()
        .merge(kept)
        .route("/status", get(status))
        .route("/lines", get(archive::lines))
        .route("/audit", get(archive::audit))
        .route("/views", get(async || Json(declaration())))
        .route("/events", get(events::events))
        .route("/openapi.json", get(async || Json(openapi::document())))
        .fallback(unknown);
    Router::new()
        .nest("/api/v1", api)
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .merge(page::router())
        .fallback(unknown)
        .with_state(shared)
}

async fn unknown() -> ApiError {
    ApiError::not_found("there is nothing here", "/api/v1/openapi.json lists what there is")
}

pub(super) fn ok(value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// The parameters of a range, and these.
pub(super) fn with_range(more: &[&'static str]) -> Vec<&'static str> {
    RANGE.iter().chain(more).copied().collect()
}

pub(super) fn stores(sources: &Sources, exact: bool) -> Stores<'_> {
    let history = sources.history.as_deref().filter(|_| exact);
    Stores { index: &*sources.index, history }
}

async fn report(State(shared): State<Shared>, Query(given): Given) -> Answer {
    let parameters = Parameters::new(given, &with_range(&["top", "exact"]))?;
    let report = shared.ask(move |sources| {
        let range = parameters.range(&*sources.index)?;
        let top = parameters.number("top", 10)?;
        Ok(query::report(&stores(sources, parameters.flag("exact")?), range, top)?)
    });
    ok(&report.await?)
}

async fn totals(State(shared): State<Shared>, Query(given): Given) -> Answer {
    let parameters = Parameters::new(given, &with_range(&["exact"]))?;
    let totals = shared.ask(move |sources| {
        let range = parameters.range(&*sources.index)?;
        Ok(query::totals(&stores(sources, parameters.flag("exact")?), range)?)
    });
    ok(&totals.await?)
}

/// So many points a chart shows.
const CHART_POINTS: i64 = 1500;

async fn series(State(shared): State<Shared>, Query(given): Given) -> Answer {
    let parameters = Parameters::new(given, &with_range(&["step", "spread", "split", "columns"]))?;
    let columns = parameters.flag("columns")?;
    let series = shared.ask(move |sources| {
        let range = parameters.range(&*sources.index)?;
        let step = step(&parameters, sources, range)?;
        let (spread, split) = (parameters.flag("spread")?, parameters.flag("split")?);
        Ok(query::series(&stores(sources, false), &SeriesQuery { range, step, spread, split })?)
    });
    let series = series.await?;
    if columns { ok(&Columns::of(series)) } else { ok(&series) }
}

/// The length of a step: as asked, or `auto`.
pub(super) fn step(
    parameters: &Parameters,
    sources: &Sources,
    range: Range,
) -> Result<i64, ApiError> {
    if parameters.text("step").as_deref() != Some("auto") {
        return Ok(parameters.span("step")?.unwrap_or(1));
    }
    let stored = sources.index.extent()?.map(|(from, to)| range.within(Range::new(from, to)));
    Ok(stored.map_or(1, |stored| query::round_step(stored, CHART_POINTS)))
}

async fn top(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(given): Given,
) -> Answer {
    let parameters = Parameters::new(given, &with_range(&["n", "by", "trend", "exact"]))?;
    let Some(view) = view(&name) else {
        let known: Vec<&str> = VIEWS.iter().map(|view| view.name).collect();
        let hint = format!("views are {}", known.join(", "));
        return Err(ApiError::not_found(format!("there is no view `{name}`"), hint));
    };
    let top = shared.ask(move |sources| {
        let range = parameters.range(&*sources.index)?;
        let n = parameters.number("n", 10)?;
        let (by, trend) = (measure(&parameters)?, parameters.flag("trend")?);
        let query = TopQuery { view: view.name, range, n, by, trend };
        Ok(query::top(&stores(sources, parameters.flag("exact")?), &query)?)
    });
    ok(&top.await?)
}

/// The position of the measure that ranks.
fn measure(parameters: &Parameters) -> Result<usize, ApiError> {
    let Some(name) = parameters.text("by") else { return Ok(0) };
    measure_index(&name).ok_or_else(|| {
        let known: Vec<&str> = MEASURES.iter().map(|measure| measure.name).collect();
        let hint = format!("measures are {}", known.join(", "));
        ApiError::parameter("by", format!("there is no measure `{name}`"), hint)
    })
}

/// Where the pipeline stands.
async fn status(State(shared): State<Shared>, Query(given): Given) -> Answer {
    Parameters::new(given, &[])?;
    ok(&shared.ask(|sources| status_of(&*sources.index)).await?)
}

pub(super) fn status_of(index: &dyn Index) -> Result<Value, ApiError> {
    let (states, publication) = (index.states()?, index.published()?);
    let sum =
        |count: fn(&crate::index::PartitionState) -> u64| states.iter().map(count).sum::<u64>();
    let boundary = publication.as_ref().map(|publication| publication.boundary);
    let now = jiff::Timestamp::now().as_second();
    Ok(json!({
        "generation": publication.as_ref().map(|publication| publication.generation),
        "boundary": boundary.map(|boundary| boundary.to_string()),
        "boundary_age_seconds": boundary.map(|boundary| now - boundary.start_ms() / 1000),
        "end_of_input": publication.as_ref().is_some_and(|publication| publication.end_of_input),
        "published_at": publication.as_ref().map(|publication| publication.published_at),
        "records": sum(|state| state.records),
        "late": sum(|state| state.late),
        "ahead": sum(|state| state.ahead),
        "malformed": sum(|state| state.malformed.iter().sum()),
        "blank": sum(|state| state.blank),
        "partitions": states,
    }))
}

async fn documents(
    State(shared): State<Shared>,
    Query(given): Given,
    kind: &'static str,
) -> Answer {
    let parameters = Parameters::new(given, &RANGE)?;
    let found = shared.ask(move |sources| {
        let range = parameters.range(&*sources.index)?;
        documents_of(&*sources.index, kind, range)
    });
    ok(&found.await?)
}

/// How far the estimates were off by day, and how many live spikes the exact minutes confirmed.
async fn accuracy(State(shared): State<Shared>, Query(given): Given) -> Answer {
    let parameters = Parameters::new(given, &RANGE)?;
    let found = shared.ask(move |sources| {
        let range = parameters.range(&*sources.index)?;
        let mut answer = documents_of(&*sources.index, "accuracy", range)?;
        let listed = spikes::list(&*sources.index, range.from.0, range.to.0)?;
        answer["spikes"] = json!(spikes::precision(&listed));
        Ok(answer)
    });
    ok(&found.await?)
}

/// The spikes of a range, with how good the live verdicts were.
async fn found_spikes(State(shared): State<Shared>, Query(given): Given) -> Answer {
    let parameters = Parameters::new(given, &with_range(&["limit"]))?;
    let limit = parameters.limit("limit", MOST_SPIKES, MOST_SPIKES)?;
    let found = shared.ask(move |sources| {
        let range = parameters.range(&*sources.index)?;
        let mut listed = spikes::list(&*sources.index, range.from.0, range.to.0)?;
        let (precision, total) = (spikes::precision(&listed), listed.len());
        // Where there are more, the newest ones.
        listed.drain(..total.saturating_sub(limit));
        let publication = sources.index.published()?;
        Ok(json!({
            "generation": publication.as_ref().map(|publication| publication.generation),
            "boundary": publication.map(|publication| publication.boundary.to_string()),
            "spikes": listed,
            "total": total,
            "precision": precision,
        }))
    });
    ok(&found.await?)
}

/// The most spikes of one answer.
const MOST_SPIKES: usize = 1000;

/// The documents of a kind for the days that a range touches.
pub(super) fn documents_of(index: &dyn Index, kind: &str, range: Range) -> Result<Value, ApiError> {
    // A document speaks of a whole day, by the clock of some time zone; the day in which
    // the range begins is part of it.
    let from = Minute(range.from.0.0.max(i64::MIN / 2) - (Grain::Day.minutes() - 1));
    let found = index.documents(kind, from, range.to.0)?;
    let publication = index.published()?;
    let bodies = found.into_iter().map(|document| document.body);
    let bodies: Vec<Value> = bodies.filter(|body| body["removed"] != true).collect();
    Ok(json!({
        "generation": publication.as_ref().map(|publication| publication.generation),
        "boundary": publication.map(|publication| publication.boundary.to_string()),
        "exact": bodies.iter().all(|body| body["exact"] != false),
        "days": bodies,
    }))
}

/// Ready is who can read its index.
async fn ready(State(shared): State<Shared>) -> Result<&'static str, ApiError> {
    shared.ask(|sources| Ok(sources.index.published()?)).await?;
    super::ready()
}

async fn metrics(State(shared): State<Shared>) -> Result<String, ApiError> {
    let boundary = shared.ask(|sources| Ok(sources.index.published()?)).await?;
    if let Some(publication) = boundary {
        let now = jiff::Timestamp::now().as_second();
        let age = now - publication.boundary.start_ms() / 1000;
        metrics::gauge!("twofold_boundary_age_seconds").set(age as f64);
        metrics::gauge!("twofold_generation").set(publication.generation as f64);
    }
    Ok(shared.metrics.render())
}
