//! Aggregation-based visualizations, in the format of Kibana 7.10.

use serde_json::{Value, json};

use super::object::{self, Dashboard, saved, to_data_view};
use super::time_series::time_series;
use super::{Chart, Metric, Operation, Panel, Split, panels};

/// The lowest versions whose formats are used: newer servers migrate them.
const VISUALIZATION: &str = "7.10.0";
const DASHBOARD: &str = "7.9.3";
const DATA_VIEW: &str = "7.6.0";

const PREFIX: &str = "twofold-";

pub(super) fn objects(alias: &str) -> Vec<Value> {
    let of = Dashboard {
        id: "twofold-dashboard",
        title: "twofold: web traffic",
        version: DASHBOARD,
        data_view: DATA_VIEW,
        kind: "visualization",
        prefix: PREFIX,
    };
    object::objects(&of, alias, &panels(), |panel| visualization(panel, alias))
}

fn visualization(panel: &Panel, alias: &str) -> Value {
    // Only the time series builder can divide, and mark what happened.
    let divides =
        panel.metrics.iter().any(|metric| matches!(metric.operation, Operation::Ratio(..)));
    let (state, search, references) = if divides || panel.marked {
        let search = json!({ "query": { "query": "", "language": "kuery" }, "filter": [] });
        (time_series(panel, alias), search, json!([]))
    } else {
        let name = "kibanaSavedObjectMeta.searchSourceJSON.index";
        let search = json!({
            "query": { "query": panel.query, "language": "lucene" },
            "filter": [],
            "indexRefName": name,
        });
        (aggregated(panel), search, json!([to_data_view(name)]))
    };
    let attributes = json!({
        "title": panel.title,
        "description": panel.description,
        "version": 1,
        "visState": state.to_string(),
        "uiStateJSON": "{}",
        "kibanaSavedObjectMeta": { "searchSourceJSON": search.to_string() },
    });
    saved("visualization", &format!("{PREFIX}{}", panel.id), VISUALIZATION, attributes, references)
}

fn aggregated(panel: &Panel) -> Value {
    let mut aggs: Vec<Value> = panel
        .metrics
        .iter()
        .enumerate()
        .map(|(number, metric)| metric_agg(number + 1, metric))
        .collect();
    let first = aggs.len() + 1;
    for (number, split) in panel.splits.iter().enumerate() {
        let role = role(panel.chart, split, number);
        aggs.push(split_agg(first + number, split, role));
    }
    json!({
        "title": panel.title,
        "type": kind(panel.chart),
        "aggs": aggs,
        "params": params(panel),
    })
}

fn kind(chart: Chart) -> &'static str {
    match chart {
        Chart::Bars => "histogram",
        Chart::Lines => "line",
        Chart::Areas => "area",
        Chart::Ring => "pie",
        Chart::Table => "table",
        Chart::Heatmap => "heatmap",
        Chart::Numbers => "metric",
    }
}

fn metric_agg(id: usize, metric: &Metric) -> Value {
    let (kind, field) = match &metric.operation {
        Operation::Sum(field) => ("sum", field),
        Operation::Max(field) => ("max", field),
        Operation::Mean(field) => ("avg", field),
        Operation::Ratio(field, _) => ("sum", field),
    };
    json!({
        "id": id.to_string(),
        "enabled": true,
        "type": kind,
        "schema": "metric",
        "params": { "field": field, "customLabel": metric.label },
    })
}

/// Where a split goes: along the axis, or into series.
fn role(chart: Chart, split: &Split, number: usize) -> &'static str {
    match (chart, split) {
        (Chart::Table, _) => "bucket",
        (Chart::Ring, _) => "segment",
        (Chart::Heatmap, _) if number > 0 => "group",
        (_, Split::Queries(_)) => "group",
        _ => "segment",
    }
}

fn split_agg(id: usize, split: &Split, role: &str) -> Value {
    let (kind, params) = match split {
        Split::Time => ("date_histogram", histogram("m")),
        Split::Days => ("date_histogram", histogram("d")),
        Split::Top(field, size) => ("terms", terms(field, *size, "1", "desc")),
        Split::Values(field, size) => ("terms", terms(field, *size, "_key", "asc")),
        Split::Queries(queries) => {
            let filters: Vec<Value> = queries
                .iter()
                .map(|(label, query)| {
                    json!({ "label": label, "input": { "query": query, "language": "lucene" } })
                })
                .collect();
            ("filters", json!({ "filters": filters }))
        }
    };
    json!({
        "id": id.to_string(),
        "enabled": true,
        "type": kind,
        "schema": role,
        "params": params,
    })
}

fn histogram(interval: &str) -> Value {
    json!({
        "field": "@timestamp",
        "useNormalizedEsInterval": true,
        "scaleMetricValues": false,
        "interval": interval,
        "drop_partials": false,
        "min_doc_count": 1,
        "extended_bounds": {},
    })
}

fn terms(field: &str, size: u32, order_by: &str, order: &str) -> Value {
    json!({
        "field": field,
        "orderBy": order_by,
        "order": order,
        "size": size,
        "otherBucket": false,
        "otherBucketLabel": "Other",
        "missingBucket": false,
        "missingBucketLabel": "Missing",
    })
}

fn params(panel: &Panel) -> Value {
    match panel.chart {
        Chart::Bars | Chart::Lines | Chart::Areas => over_time(panel),
        Chart::Ring => json!({
            "type": "pie",
            "addTooltip": true,
            "addLegend": true,
            "legendPosition": "right",
            "isDonut": true,
            "labels": { "show": false, "values": true, "last_level": true, "truncate": 100 },
        }),
        Chart::Table => json!({
            "perPage": 10,
            "showPartialRows": false,
            "showMetricsAtAllLevels": false,
            "showTotal": false,
            "totalFunc": "sum",
            "percentageCol": "",
            "sort": { "columnIndex": null, "direction": null },
        }),
        Chart::Heatmap => json!({
            "type": "heatmap",
            "addTooltip": true,
            "addLegend": true,
            "enableHover": false,
            "legendPosition": "right",
            "times": [],
            "colorsNumber": 8,
            "colorSchema": "Blues",
            "setColorRange": false,
            "colorsRange": [],
            "invertColors": false,
            "percentageMode": false,
            "valueAxes": [{
                "show": false,
                "id": "ValueAxis-1",
                "type": "value",
                "scale": { "type": "linear", "defaultYExtents": false },
                "labels": { "show": false, "rotate": 0, "overwriteColor": false, "color": "black" },
            }],
        }),
        Chart::Numbers => json!({
            "addTooltip": true,
            "addLegend": false,
            "type": "metric",
            "metric": {
                "percentageMode": false,
                "useRanges": false,
                "colorSchema": "Green to Red",
                "metricColorMode": "None",
                "colorsRange": [{ "from": 0, "to": 10_000 }],
                "labels": { "show": true },
                "invertColors": false,
                "style": {
                    "bgFill": "#000",
                    "bgColor": false,
                    "labelColor": false,
                    "subText": "",
                    "fontSize": 32,
                },
            },
        }),
    }
}

fn over_time(panel: &Panel) -> Value {
    let (kind, mode) = match panel.chart {
        Chart::Bars => ("histogram", "stacked"),
        Chart::Areas => ("area", "stacked"),
        _ => ("line", "normal"),
    };
    let series: Vec<Value> = panel
        .metrics
        .iter()
        .enumerate()
        .map(|(number, metric)| {
            json!({
                "show": true,
                "type": kind,
                "mode": mode,
                "data": { "label": metric.label, "id": (number + 1).to_string() },
                "valueAxis": "ValueAxis-1",
                "drawLinesBetweenPoints": true,
                "showCircles": true,
                "interpolate": "linear",
                "lineWidth": 2,
            })
        })
        .collect();
    json!({
        "type": kind,
        "grid": { "categoryLines": false },
        "categoryAxes": [{
            "id": "CategoryAxis-1",
            "type": "category",
            "position": "bottom",
            "show": true,
            "style": {},
            "scale": { "type": "linear" },
            "labels": { "show": true, "filter": true, "truncate": 100 },
            "title": {},
        }],
        "valueAxes": [{
            "id": "ValueAxis-1",
            "name": "LeftAxis-1",
            "type": "value",
            "position": "left",
            "show": true,
            "style": {},
            "scale": { "type": "linear", "mode": "normal" },
            "labels": { "show": true, "rotate": 0, "filter": false, "truncate": 100 },
            "title": { "text": panel.metrics.first().map(|metric| &metric.label) },
        }],
        "seriesParams": series,
        "addTooltip": true,
        "addLegend": true,
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": false,
        "thresholdLine": { "show": false, "value": 10, "width": 1, "style": "full", "color": "#E7664C" },
        "labels": {},
    })
}
