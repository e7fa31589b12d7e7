//! A panel of a saved object, asked as Kibana asks: its queries and aggregations, sent to the engine.

use std::path::Path;

use serde_json::{Map, Value, json};

/// What a panel asks for.
pub struct Panel {
    /// Its id, without what the format puts before it.
    pub id: String,
    query: String,
    /// Each metric's name and its aggregation.
    metrics: Vec<(String, Value)>,
    /// From the outer to the inner one.
    splits: Vec<Value>,
    /// What its marks ask for: each an index pattern with a body.
    pub marks: Vec<(String, Value)>,
}

/// One line of an answer: the keys of the splits, and the metrics in their order.
pub type Line = (Vec<String>, Vec<f64>);

/// The panels of a file in `kibana/`.
pub fn panels(file: &str) -> Vec<Panel> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("kibana").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let objects = text.lines().map(|line| serde_json::from_str(line).unwrap());
    objects.filter_map(|object: Value| Panel::of(&object)).collect()
}

impl Panel {
    fn of(object: &Value) -> Option<Self> {
        let attributes = &object["attributes"];
        let id = object["id"].as_str()?;
        match object["type"].as_str()? {
            "lens" => Some(Self::of_lens(id.strip_prefix("twofold-lens-")?, &attributes["state"])),
            "visualization" => {
                let state = parsed(&attributes["visState"]);
                let id = id.strip_prefix("twofold-")?;
                if state["type"] == "metrics" {
                    return Some(Self::of_time_series(id, &state["params"]));
                }
                let search = parsed(&attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]);
                Some(Self::of_aggregations(id, &search["query"]["query"], &state["aggs"]))
            }
            _ => None,
        }
    }

    fn new(id: &str, query: &Value) -> Self {
        let query = query.as_str().unwrap().to_owned();
        Self {
            id: id.to_owned(),
            query,
            metrics: Vec::new(),
            splits: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// Metrics and buckets, one list in the order of nesting.
    fn of_aggregations(id: &str, query: &Value, aggs: &Value) -> Self {
        let mut panel = Self::new(id, query);
        for agg in aggs.as_array().unwrap() {
            let (kind, params) = (agg["type"].as_str().unwrap(), &agg["params"]);
            match kind {
                "date_histogram" => panel.splits.push(over_time(&params["interval"])),
                "filters" => panel.splits.push(by_queries(params)),
                "terms" => {
                    panel.splits.push(by_terms(params, &params["orderBy"], &params["order"]));
                }
                _ => panel.metric(&agg["id"], kind, &params["field"]),
            }
        }
        panel
    }

    /// The time series builder: each series' sums, by minute.
    fn of_time_series(id: &str, params: &Value) -> Self {
        let mut panel = Self::new(id, &params["filter"]["query"]);
        panel.splits.push(over_time(&json!("m")));
        panel.marks = params["annotations"].as_array().into_iter().flatten().map(mark).collect();
        let series = params["series"].as_array().unwrap().iter();
        for metric in series.flat_map(|series| series["metrics"].as_array().unwrap()) {
            if metric["type"] != "math" {
                panel.metric(&metric["id"], metric["type"].as_str().unwrap(), &metric["field"]);
            }
        }
        panel
    }

    /// One layer of columns.
    fn of_lens(id: &str, state: &Value) -> Self {
        let layer = &state["datasourceStates"]["indexpattern"]["layers"]["layer"];
        let mut panel = Self::new(id, &state["query"]["query"]);
        for name in layer["columnOrder"].as_array().unwrap() {
            let column = &layer["columns"][name.as_str().unwrap()];
            let params = &column["params"];
            match column["operationType"].as_str().unwrap() {
                "date_histogram" => panel.splits.push(over_time(&params["interval"])),
                "filters" => panel.splits.push(by_queries(params)),
                "terms" => {
                    let by = &params["orderBy"];
                    let by = if by["type"] == "column" { &by["columnId"] } else { &json!("_key") };
                    let mut params = params.clone();
                    params["field"] = column["sourceField"].clone();
                    panel.splits.push(by_terms(&params, by, &params["orderDirection"]));
                }
                "formula" | "math" => {}
                kind => panel.metric(name, kind, &column["sourceField"]),
            }
        }
        panel
    }

    fn metric(&mut self, name: &Value, kind: &str, field: &Value) {
        let kind = if kind == "average" { "avg" } else { kind };
        let name = name.as_str().unwrap().to_owned();
        self.metrics.push((name, json!({ kind: { "field": field } })));
    }

    /// The body of its search.
    pub fn body(&self) -> Value {
        let metrics: Map<String, Value> = self.metrics.iter().cloned().collect();
        let aggs = self.splits.iter().rev().fold(metrics.clone(), |inner, split| {
            let mut split = split.clone();
            split["aggs"] = Value::Object(inner);
            let mut outer = metrics.clone();
            outer.insert("split".into(), split);
            outer
        });
        let query = json!({ "query_string": { "query": self.query, "analyze_wildcard": true } });
        json!({ "size": 0, "query": query, "aggs": aggs })
    }

    /// The lines of an answer.
    pub fn lines(&self, answer: &Value) -> Vec<Line> {
        let mut lines = Vec::new();
        self.gather(&answer["aggregations"], &mut Vec::new(), &mut lines);
        lines
    }

    fn gather(&self, level: &Value, keys: &mut Vec<String>, lines: &mut Vec<Line>) {
        let Some(split) = level.get("split") else {
            let value = |(name, _): &(String, Value)| level[name]["value"].as_f64().unwrap_or(0.0);
            return lines.push((keys.clone(), self.metrics.iter().map(value).collect()));
        };
        let named: Vec<(String, &Value)> = match &split["buckets"] {
            Value::Array(buckets) => buckets.iter().map(|bucket| (key(bucket), bucket)).collect(),
            Value::Object(map) => map.iter().map(|(name, bucket)| (name.clone(), bucket)).collect(),
            other => panic!("{}: no buckets but {other}", self.id),
        };
        for (name, bucket) in named {
            keys.push(name);
            self.gather(bucket, keys, lines);
            keys.pop();
        }
    }
}

fn key(bucket: &Value) -> String {
    let text = bucket["key_as_string"].as_str().or(bucket["key"].as_str());
    text.map_or_else(|| bucket["key"].to_string(), str::to_owned)
}

/// The documents that an annotation of the time series builder marks, with the fields that it shows.
fn mark(annotation: &Value) -> (String, Value) {
    let fields: Vec<&str> = annotation["fields"].as_str().unwrap().split(',').collect();
    let query = &annotation["query_string"]["query"];
    let body = json!({
        "size": 1000, "_source": fields, "query": { "query_string": { "query": query } },
        "sort": [{ (annotation["time_field"].as_str().unwrap()): "asc" }],
    });
    (annotation["index_pattern"].as_str().unwrap().to_owned(), body)
}

fn parsed(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

fn over_time(interval: &Value) -> Value {
    let interval = interval.as_str().unwrap().trim_start_matches('1');
    json!({ "date_histogram": {
        "field": "@timestamp", "fixed_interval": format!("1{interval}"), "min_doc_count": 1,
        "format": "yyyy-MM-dd'T'HH:mm'Z'",
    } })
}

fn by_queries(params: &Value) -> Value {
    let filters = params["filters"].as_array().unwrap().iter().map(|filter| {
        let query = json!({ "query_string": { "query": filter["input"]["query"] } });
        (filter["label"].as_str().unwrap().to_owned(), query)
    });
    json!({ "filters": { "filters": filters.collect::<Map<_, _>>() } })
}

fn by_terms(params: &Value, by: &Value, order: &Value) -> Value {
    let order = json!({ by.as_str().unwrap(): order });
    json!({ "terms": { "field": params["field"], "size": params["size"], "order": order } })
}
