//! The OpenAPI document of the API.

use serde_json::{Value, json};

/// One route of the API: path, summary, parameters.
type Route = (&'static str, &'static str, &'static [&'static str]);

/// Every route under `/api/v1`.
pub const ROUTES: &[Route] = &[
    ("/report", "What is in a range, on one page", &["from", "to", "last", "top", "exact"]),
    ("/totals", "The sums of a range", &["from", "to", "last", "exact"]),
    (
        "/series",
        "Requests, bytes, errors, clients and percentiles over time",
        &["from", "to", "last", "step", "spread", "split", "columns"],
    ),
    (
        "/top/{view}",
        "The keys of a view with the most requests",
        &["view", "from", "to", "last", "n", "by", "trend", "exact"],
    ),
    ("/status", "Where the pipeline stands", &[]),
    (
        "/accuracy",
        "How far the estimates were off, by day, and how many live spikes were confirmed",
        &["from", "to", "last"],
    ),
    (
        "/spikes",
        "Spikes, who caused them, and what the exact minutes say of them",
        &["from", "to", "last", "limit"],
    ),
    ("/heatmap", "Requests by hour and weekday", &["from", "to", "last"]),
    ("/sessions", "Sessions by day", &["from", "to", "last"]),
    ("/newcomers", "New and returning clients by day", &["from", "to", "last"]),
    (
        "/lines",
        "The raw lines behind a number",
        &[
            "from",
            "to",
            "last",
            "kind",
            "status",
            "client",
            "page",
            "host",
            "method",
            "referrer",
            "agent",
            "system",
            "path",
            "contains",
            "malformed",
            "after",
            "limit",
        ],
    ),
    (
        "/slice",
        "What a filter admits of a range: sums, course, top lists",
        &[
            "from", "to", "last", "kind", "status", "client", "page", "host", "method", "referrer",
            "agent", "system", "step", "n", "trend",
        ],
    ),
    ("/audit", "The last audit, or a new one", &["run"]),
    ("/views", "The declaration of views and measures", &[]),
    ("/events", "Server-sent events: `minutes` and `publication`", &[]),
    ("/openapi.json", "This document", &[]),
];

/// What a parameter is: where it stands, its type, what it says.
fn parameter(name: &str) -> Value {
    let (kind, about) = match name {
        "view" => ("string", "the view's name, as in /views"),
        "from" => ("string", "the first minute (UTC), such as 2026-11-23 or 2026-11-23T18:04Z"),
        "to" => ("string", "the first minute after the range"),
        "last" => ("string", "a span before the end of what is stored: 15m, 1h, 7d"),
        "step" => ("string", "the length of a point: 1m, 5m, 1h, 1d, or auto: at most 1500 points"),
        "n" | "top" => ("integer", "how long lists are"),
        "spread" => ("boolean", "with distinct clients and percentiles"),
        "split" => ("boolean", "with requests by class of status"),
        "columns" => ("boolean", "column by column, which is a tenth of the text"),
        "by" => ("string", "the measure that ranks, as in /views"),
        "trend" => ("boolean", "with the course of each row"),
        "exact" => ("boolean", "compute the exact value from the history where that is possible"),
        "status" => ("string", "only these codes and classes, such as 404,5xx"),
        "kind" => ("string", "only of human, bot or unknown agents"),
        "page" => ("string", "only this page, as the top lists name it"),
        "host" => ("string", "only this virtual host"),
        "method" => ("string", "only this method"),
        "referrer" => ("string", "only with a referrer of this host"),
        "agent" => ("string", "only this browser or bot"),
        "system" => ("string", "only this operating system"),
        "after" => ("string", "where the page begins: the `next` of the one before"),
        "run" => ("boolean", "audit now; that reads the whole archive"),
        "limit" => ("integer", "how many at most, up to 1000"),
        "malformed" => ("boolean", "only lines that no format matched"),
        "client" => ("string", "only this client"),
        "path" => ("string", "only this path, as the lines have it"),
        _ => ("string", "only lines with this text in them"),
    };
    let place = if name == "view" { "path" } else { "query" };
    json!({
        "name": name, "in": place, "required": name == "view", "description": about,
        "schema": { "type": kind },
    })
}

/// The document.
pub fn document() -> Value {
    let mut paths = serde_json::Map::new();
    for (path, summary, parameters) in ROUTES {
        let parameters: Vec<Value> = parameters.iter().map(|name| parameter(name)).collect();
        let answer = json!({ "description": "the answer, with generation and boundary" });
        let wrong = json!({ "description": "what was wrong, and what to do", "content": {
            "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } });
        paths.insert(
            format!("/api/v1{path}"),
            json!({ "get": {
            "summary": summary, "parameters": parameters,
            "responses": { "200": answer, "400": wrong },
        } }),
        );
    }
    let text = json!({ "type": "string" });
    json!({
        "openapi": "3.1.0",
        "info": { "title": "twofold", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "schemas": { "Error": { "type": "object", "properties": { "error": {
            "type": "object",
            "properties": { "code": text, "message": text, "parameter": text, "hint": text },
        } } } } },
    })
}
