//! Panels of the time series builder, in the format of Kibana 7.10: sums and their ratios over time, and
//! marks for what happened.

use serde_json::{Value, json};

use super::object::live;
use super::panels::marks;
use super::{Chart, Metric, Operation, Panel};

/// Colours of ratios, in their order; of sums the last.
const COLOURS: [&str; 4] = ["#54B399", "#D6BF57", "#E7664C", "#6092C0"];

/// The colour of marks.
const MARK: &str = "#BD271E";

/// The state of a panel.
pub(super) fn time_series(panel: &Panel, alias: &str) -> Value {
    let series = panel.metrics.iter().enumerate();
    let series: Vec<Value> = series.map(|(number, metric)| one(panel, number, metric)).collect();
    let percent = panel.metrics.iter().any(|metric| metric.format == "percent");
    json!({
        "title": panel.title,
        "type": "metrics",
        "aggs": [],
        "params": {
            "id": panel.id,
            "type": "timeseries",
            "series": series,
            "time_field": "@timestamp",
            "index_pattern": alias,
            "interval": ">=1m",
            "axis_position": "left",
            "axis_formatter": if percent { "percent" } else { "number" },
            "axis_scale": "normal",
            "axis_min": 0,
            "show_legend": 1,
            "show_grid": 1,
            "tooltip_mode": "show_all",
            "default_index_pattern": alias,
            "default_timefield": "@timestamp",
            "isModelInvalid": false,
            "filter": { "query": panel.query, "language": "lucene" },
            "annotations": if panel.marked { vec![spikes(&panel.id, alias)] } else { Vec::new() },
        },
    })
}

/// A mark at the beginning of each spike. The panel's own filter leaves spikes out, so it is
/// not applied to them.
fn spikes(panel: &str, alias: &str) -> Value {
    let field = |name: &str| format!("twofold.spike.{name}");
    let names = ["quantity", "direction", "observed", "expected", "severity"];
    let [quantity, direction, observed, expected, severity] = names.map(field);
    json!({
        "id": format!("{panel}-spikes"),
        "index_pattern": live(alias),
        "time_field": "@timestamp",
        "query_string": { "query": marks(), "language": "lucene" },
        "fields": names.map(field).join(","),
        "template": format!(
            "{{{{{quantity}}}}} {{{{{direction}}}}} ({{{{{severity}}}}}): {{{{{observed}}}}} a minute, {{{{{expected}}}}} expected"
        ),
        "icon": "fa-bolt",
        "color": MARK,
        "ignore_global_filters": 1,
        "ignore_panel_filters": 1,
    })
}

fn one(panel: &Panel, number: usize, metric: &Metric) -> Value {
    let (metrics, colour) = match &metric.operation {
        Operation::Ratio(part, whole) => (ratio(number, part, whole), COLOURS[number % 4]),
        Operation::Sum(field) => (single(number, "sum", field), COLOURS[3]),
        Operation::Max(field) => (single(number, "max", field), COLOURS[3]),
        Operation::Mean(field) => (single(number, "avg", field), COLOURS[3]),
    };
    let bars = panel.chart == Chart::Bars;
    json!({
        "id": format!("series-{number}"),
        "label": metric.label,
        "color": colour,
        "split_mode": "everything",
        "metrics": metrics,
        "separate_axis": 0,
        "axis_position": "right",
        "formatter": metric.format,
        "chart_type": if bars { "bar" } else { "line" },
        "line_width": if bars { 0 } else { 2 },
        "point_size": if bars { 0 } else { 1 },
        "fill": if bars { 1 } else { 0 },
        "stacked": "none",
    })
}

fn single(number: usize, kind: &str, field: &str) -> Value {
    json!([{ "id": format!("{kind}-{number}"), "type": kind, "field": field }])
}

fn sum(number: usize, name: &str, field: &str) -> Value {
    json!({ "id": format!("{name}-{number}"), "type": "sum", "field": field })
}

fn ratio(number: usize, part: &str, whole: &str) -> Value {
    let id = |name: &str| format!("{name}-{number}");
    json!([
        sum(number, "part", part),
        sum(number, "whole", whole),
        {
            "id": id("ratio"),
            "type": "math",
            "variables": [
                { "id": id("p"), "name": "part", "field": id("part") },
                { "id": id("w"), "name": "whole", "field": id("whole") },
            ],
            "script": "divide(params.part, params.whole)",
        },
    ])
}
