//! What both formats share: the shape of a saved object, the data view, the dashboard.

use serde_json::{Value, json};

use super::{DATA_VIEW, Panel};

/// One saved object: its type, id and lowest version that reads it.
pub(super) fn saved(
    kind: &str,
    id: &str,
    version: &str,
    attributes: Value,
    references: Value,
) -> Value {
    json!({
        "type": kind,
        "id": id,
        "attributes": attributes,
        "references": references,
        "migrationVersion": { kind: version },
    })
}

/// A reference to the data view.
pub(super) fn to_data_view(name: &str) -> Value {
    json!({ "type": "index-pattern", "id": DATA_VIEW, "name": name })
}

/// The index of live documents beside the rows of `alias`.
pub(super) fn live(alias: &str) -> String {
    format!("{alias}_live")
}

/// The data view. Fields are left out: the server asks the index for them.
fn data_view(alias: &str, version: &str) -> Value {
    let mut formats = serde_json::Map::new();
    for field in [
        "twofold.bytes",
        "twofold.sizes.p50",
        "twofold.sizes.p90",
        "twofold.sizes.p95",
        "twofold.sizes.p99",
    ] {
        formats.insert(field.to_owned(), json!({ "id": "bytes" }));
    }
    let percent = json!({ "id": "percent", "params": { "pattern": "0.[00]%" } });
    for field in [
        "distinct_clients.mean_error",
        "size_percentiles.mean_error",
        "top_clients.recall",
        "top_pages.recall",
    ] {
        formats.insert(format!("twofold.accuracy.{field}"), percent.clone());
    }
    let attributes = json!({
        "title": format!("{alias},{}", live(alias)),
        "timeFieldName": "@timestamp",
        "fieldFormatMap": Value::Object(formats).to_string(),
    });
    saved("index-pattern", DATA_VIEW, version, attributes, json!([]))
}

/// A dashboard's own description.
pub(super) struct Dashboard<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) version: &'a str,
    /// The version of the data view.
    pub(super) data_view: &'a str,
    /// The type of its panels' saved objects, and what each id begins with.
    pub(super) kind: &'a str,
    pub(super) prefix: &'a str,
}

/// A data view of what is under `alias`, each panel's object, and the dashboard with all of them.
pub(super) fn objects(
    of: &Dashboard<'_>,
    alias: &str,
    panels: &[Panel],
    visualization: impl Fn(&Panel) -> Value,
) -> Vec<Value> {
    let mut objects = vec![data_view(alias, of.data_view)];
    objects.extend(panels.iter().map(visualization));
    objects.push(dashboard(of, panels));
    objects
}

fn dashboard(of: &Dashboard<'_>, panels: &[Panel]) -> Value {
    let mut shown = Vec::new();
    let mut references = Vec::new();
    for panel in panels {
        let [x, y, w, h] = panel.place;
        let name = format!("panel_{}", panel.id);
        shown.push(json!({
            "version": of.version,
            "type": of.kind,
            "panelIndex": panel.id,
            "gridData": { "x": x, "y": y, "w": w, "h": h, "i": panel.id },
            "embeddableConfig": {},
            "title": panel.title,
            "panelRefName": name,
        }));
        references.push(json!({
            "type": of.kind,
            "id": format!("{}{}", of.prefix, panel.id),
            "name": name,
        }));
    }
    let search = json!({ "query": { "query": "", "language": "kuery" }, "filter": [] });
    let attributes = json!({
        "title": of.title,
        "description": "Web traffic by twofold: exact before the boundary, estimated from it on.",
        "hits": 0,
        "version": 1,
        "panelsJSON": Value::Array(shown).to_string(),
        "optionsJSON": json!({ "useMargins": true, "hidePanelTitles": false }).to_string(),
        "timeRestore": true,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "refreshInterval": { "pause": false, "value": 10_000 },
        "kibanaSavedObjectMeta": { "searchSourceJSON": search.to_string() },
    });
    saved("dashboard", of.id, of.version, attributes, Value::Array(references))
}
