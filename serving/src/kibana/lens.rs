//! The same panels with Lens, in the format of Kibana 7.17.

use serde_json::{Map, Value, json};

use super::object::{self, Dashboard, saved, to_data_view};
use super::{Chart, Metric, Operation, Panel, Split, panels};

/// The lowest versions whose formats are used: newer servers migrate them.
const LENS: &str = "7.16.0";
const DASHBOARD: &str = "7.17.3";
const DATA_VIEW: &str = "7.11.0";

const PREFIX: &str = "twofold-lens-";
const LAYER: &str = "layer";

pub(super) fn objects(alias: &str) -> Vec<Value> {
    // Lens of this version has one number on a panel.
    let panels: Vec<Panel> = panels().into_iter().flat_map(one_number_each).collect();
    let of = Dashboard {
        id: "twofold-lens-dashboard",
        title: "twofold: web traffic (Lens)",
        version: DASHBOARD,
        data_view: DATA_VIEW,
        kind: "lens",
        prefix: PREFIX,
    };
    object::objects(&of, alias, &panels, visualization)
}

fn one_number_each(panel: Panel) -> Vec<Panel> {
    if panel.chart != Chart::Numbers {
        return vec![panel];
    }
    let [x, y, width, height] = panel.place;
    let each = width / panel.metrics.len().max(1) as u32;
    let one = |(number, metric): (usize, &Metric)| Panel {
        id: format!("{}-{number}", panel.id),
        title: metric.label.clone(),
        metrics: vec![metric.clone()],
        place: [x + number as u32 * each, y, each, height],
        ..panel.clone()
    };
    panel.metrics.iter().enumerate().map(one).collect()
}

/// Ids of columns: `m0` … for metrics, `s0` … for splits.
fn metric_id(number: usize) -> String {
    format!("m{number}")
}

fn split_id(number: usize) -> String {
    format!("s{number}")
}

fn visualization(panel: &Panel) -> Value {
    let (columns, order) = columns(panel);
    let name = format!("indexpattern-datasource-layer-{LAYER}");
    let state = json!({
        "datasourceStates": {
            "indexpattern": {
                "layers": {
                    LAYER: { "columns": columns, "columnOrder": order, "incompleteColumns": {} }
                }
            }
        },
        "visualization": drawn(panel),
        "query": { "query": panel.query, "language": "lucene" },
        "filters": [],
    });
    let attributes = json!({
        "title": panel.title,
        "description": panel.description,
        "visualizationType": kind(panel.chart),
        "state": state,
    });
    let references =
        json!([to_data_view("indexpattern-datasource-current-indexpattern"), to_data_view(&name),]);
    saved("lens", &format!("{PREFIX}{}", panel.id), LENS, attributes, references)
}

fn kind(chart: Chart) -> &'static str {
    match chart {
        Chart::Bars | Chart::Lines | Chart::Areas => "lnsXY",
        Chart::Ring => "lnsPie",
        Chart::Table => "lnsDatatable",
        Chart::Heatmap => "lnsHeatmap",
        Chart::Numbers => "lnsMetric",
    }
}

/// The columns, and their order: splits, then metrics, then what these are made of.
fn columns(panel: &Panel) -> (Map<String, Value>, Vec<String>) {
    let (mut columns, mut order, mut parts) = (Map::new(), Vec::new(), Vec::new());
    for (number, split) in panel.splits.iter().enumerate() {
        order.push(split_id(number));
        columns.insert(split_id(number), split_column(split));
    }
    for (number, metric) in panel.metrics.iter().enumerate() {
        let id = metric_id(number);
        order.push(id.clone());
        match &metric.operation {
            Operation::Ratio(part, whole) => {
                for (id, column) in ratio_columns(&id, metric, part, whole) {
                    parts.push(id.clone());
                    columns.insert(id, column);
                }
                parts.retain(|part| *part != id);
            }
            operation => {
                columns.insert(id, metric_column(metric, operation));
            }
        }
    }
    order.extend(parts);
    (columns, order)
}

fn split_column(split: &Split) -> Value {
    match split {
        Split::Time | Split::Days => json!({
            "label": "@timestamp",
            "dataType": "date",
            "operationType": "date_histogram",
            "sourceField": "@timestamp",
            "isBucketed": true,
            "scale": "interval",
            "params": { "interval": if *split == Split::Days { "1d" } else { "1m" } },
        }),
        Split::Top(field, size) => {
            let order = json!({ "type": "column", "columnId": metric_id(0) });
            terms(field, *size, &order, "desc")
        }
        Split::Values(field, size) => {
            terms(field, *size, &json!({ "type": "alphabetical" }), "asc")
        }
        Split::Queries(queries) => {
            let filters: Vec<Value> = queries
                .iter()
                .map(|(label, query)| {
                    json!({ "label": label, "input": { "query": query, "language": "lucene" } })
                })
                .collect();
            json!({
                "label": "Filters",
                "dataType": "string",
                "operationType": "filters",
                "isBucketed": true,
                "scale": "ordinal",
                "params": { "filters": filters },
            })
        }
    }
}

fn terms(field: &str, size: u32, order: &Value, direction: &str) -> Value {
    let number = ["twofold.hour_of_day", "http.response.status_code"].contains(&field);
    json!({
        "label": field,
        "dataType": if number { "number" } else { "string" },
        "operationType": "terms",
        "sourceField": field,
        "isBucketed": true,
        "scale": "ordinal",
        "params": {
            "size": size,
            "orderBy": order,
            "orderDirection": direction,
            "otherBucket": false,
            "missingBucket": false,
        },
    })
}

fn format(metric: &Metric) -> Value {
    let decimals = if metric.format == "percent" { 2 } else { 0 };
    json!({ "id": metric.format, "params": { "decimals": decimals } })
}

fn metric_column(metric: &Metric, operation: &Operation) -> Value {
    let (kind, field) = match operation {
        Operation::Sum(field) | Operation::Ratio(field, _) => ("sum", field),
        Operation::Max(field) => ("max", field),
        Operation::Mean(field) => ("average", field),
    };
    json!({
        "label": metric.label,
        "customLabel": true,
        "dataType": "number",
        "operationType": kind,
        "sourceField": field,
        "isBucketed": false,
        "scale": "ratio",
        "params": { "format": format(metric) },
    })
}

/// A formula, with the columns that Lens takes it apart into.
fn ratio_columns(id: &str, metric: &Metric, part: &str, whole: &str) -> [(String, Value); 4] {
    let text = format!("sum({part}) / sum({whole})");
    let (first, second, divided) = (format!("{id}X0"), format!("{id}X1"), format!("{id}X2"));
    let sum = |field: &str| {
        json!({
            "label": format!("Part of {}", metric.label),
            "customLabel": true,
            "dataType": "number",
            "operationType": "sum",
            "sourceField": field,
            "isBucketed": false,
            "scale": "ratio",
        })
    };
    let math = json!({
        "label": format!("Part of {}", metric.label),
        "customLabel": true,
        "dataType": "number",
        "operationType": "math",
        "isBucketed": false,
        "scale": "ratio",
        "params": { "tinymathAst": {
            "type": "function",
            "name": "divide",
            "args": [first, second],
            "location": { "min": 0, "max": text.len() },
            "text": text,
        } },
        "references": [first, second],
    });
    let formula = json!({
        "label": metric.label,
        "customLabel": true,
        "dataType": "number",
        "operationType": "formula",
        "isBucketed": false,
        "scale": "ratio",
        "params": { "formula": text, "isFormulaBroken": false, "format": format(metric) },
        "references": [divided],
    });
    [(id.to_owned(), formula), (first, sum(part)), (second, sum(whole)), (divided, math)]
}

fn drawn(panel: &Panel) -> Value {
    let metrics: Vec<String> = (0..panel.metrics.len()).map(metric_id).collect();
    match panel.chart {
        Chart::Bars => xy(panel, "bar_stacked", &metrics),
        Chart::Areas => xy(panel, "area_stacked", &metrics),
        Chart::Lines => xy(panel, "line", &metrics),
        Chart::Ring => json!({
            "shape": "donut",
            "layers": [{
                "layerId": LAYER,
                "layerType": "data",
                "groups": [split_id(0)],
                "metric": metric_id(0),
                "numberDisplay": "percent",
                "categoryDisplay": "default",
                "legendDisplay": "default",
                "nestedLegend": false,
            }],
        }),
        Chart::Table => {
            let splits = (0..panel.splits.len()).map(split_id);
            let columns: Vec<Value> = splits
                .chain(metrics)
                .map(|column| json!({ "columnId": column, "isTransposed": false }))
                .collect();
            json!({ "layerId": LAYER, "layerType": "data", "columns": columns })
        }
        Chart::Heatmap => json!({
            "shape": "heatmap",
            "layerId": LAYER,
            "layerType": "data",
            "legend": { "isVisible": true, "position": "right", "type": "heatmap_legend" },
            "gridConfig": {
                "type": "heatmap_grid",
                "isCellLabelVisible": false,
                "isYAxisLabelVisible": true,
                "isXAxisLabelVisible": true,
            },
            "xAccessor": split_id(0),
            "yAccessor": split_id(1),
            "valueAccessor": metric_id(0),
        }),
        Chart::Numbers => {
            json!({ "layerId": LAYER, "layerType": "data", "accessor": metric_id(0) })
        }
    }
}

fn xy(panel: &Panel, kind: &str, metrics: &[String]) -> Value {
    let at = |wanted: bool| {
        let position = panel.splits.iter().position(|split| (*split == Split::Time) == wanted);
        position.map(split_id)
    };
    let mut layer = json!({
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": kind,
        "accessors": metrics,
        "xAccessor": at(true),
        "position": "top",
        "showGridlines": false,
    });
    if let Some(series) = at(false) {
        layer["splitAccessor"] = json!(series);
    }
    json!({
        "preferredSeriesType": kind,
        "legend": { "isVisible": true, "position": "right" },
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": { "x": false, "yLeft": false, "yRight": false },
        "tickLabelsVisibilitySettings": { "x": true, "yLeft": true, "yRight": true },
        "gridlinesVisibilitySettings": { "x": true, "yLeft": true, "yRight": true },
        "layers": [layer],
    })
}
