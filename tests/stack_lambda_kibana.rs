//! Every panel of `kibana/` asks the real engine, and says what twofold itself says of the same traffic.

mod common;
mod kibana;

use std::collections::BTreeMap;

use common::Traffic;
use common::kafka::{Topic, log};
use common::lambda::Lambda;
use common::running::Running;
use kibana::{Line, Panel, panels};
use serde_json::Value;
use twofold_test_kit::servers::variable;

/// The day of the traffic. (Malformed records count for today.)
const RANGE: &str = "from=2026-03-10&to=2026-03-11";

/// What twofold's own API says.
struct Ours {
    _running: Running,
    url: String,
    answers: Value,
}

impl Ours {
    fn start(lambda: &Lambda) -> Self {
        let (running, url) =
            Running::serving(&mut lambda.twofold(&["serve", "--listen", "127.0.0.1:0"]));
        Self { _running: running, url, answers: lambda.traffic.answers.clone() }
    }

    fn ask(&self, path: &str) -> Value {
        let mut answer = ureq::get(format!("{}/api/v1/{path}", self.url)).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    fn total(&self, measure: &str) -> f64 {
        let totals = self.ask(&format!("totals?{RANGE}"));
        totals["measures"][measure].as_f64().unwrap_or_else(|| panic!("{measure}: {totals}"))
    }

    /// What each minute counts, by its start, out of the points of a series.
    fn minutes(&self, pointer: &str) -> BTreeMap<String, f64> {
        let series = self.ask(&format!("series?{RANGE}&step=1m&spread=true"));
        let points = series["points"].as_array().unwrap().iter();
        let of = |point: &Value| {
            let value = point.pointer(pointer)?.as_f64()?;
            Some((point["start"].as_str()?.to_owned(), value))
        };
        points.filter_map(of).filter(|(_, value)| *value > 0.0).collect()
    }
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn every_panel_says_what_twofold_says() {
    let engine = variable("TWOFOLD_TEST_ELASTICSEARCH");
    let traffic = Traffic::new("demo", 12_000, 58);
    let lambda = Lambda::new(traffic, Topic::new("panels"), &engine, &engine);
    lambda.ok(&["ship", log(&lambda.traffic), "--create", "2"]);
    lambda.ok(&["speed", "--to-end"]);
    lambda.ok(&["archive", "--to-end"]);
    lambda.ok(&["batch"]);
    let ours = Ours::start(&lambda);
    let pattern = format!("{0},{0}_live", lambda.prefix);
    let mut marked = 0;
    for file in ["twofold.ndjson", "twofold-lens.ndjson"] {
        let panels = panels(file);
        assert!(panels.len() > 15, "{file}");
        for panel in panels {
            let lines = panel.lines(&search(&engine, &pattern, &panel.body()));
            check(&ours, &panel, &lines);
            for (of, body) in &panel.marks {
                let live = of.replacen("twofold", &lambda.prefix, 1);
                marks(&ours, &search(&engine, &live, body));
                marked += 1;
            }
        }
    }
    assert_eq!(marked, 1, "the chart of the traffic");
}

/// Marks stand at the spikes of the whole traffic, and say what they were.
fn marks(ours: &Ours, answer: &Value) {
    let told = ours.ask(&format!("spikes?{RANGE}&limit=1000"));
    let whole = told["spikes"].as_array().unwrap().iter().filter(|spike| spike["scope"] == "all");
    let mut expected: Vec<String> =
        whole.map(|spike| format!("{} {}", spike["quantity"], spike["observed"])).collect();
    let hits = answer["hits"]["hits"].as_array().unwrap().iter();
    let spikes = hits.map(|hit| &hit["_source"]["twofold"]["spike"]);
    let mut shown: Vec<String> =
        spikes.map(|spike| format!("{} {}", spike["quantity"], spike["observed"])).collect();
    expected.sort();
    shown.sort();
    assert!(!shown.is_empty() && shown == expected, "{shown:?} {expected:?}");
}

fn search(engine: &str, pattern: &str, body: &Value) -> Value {
    let request = ureq::post(format!("{engine}/{pattern}/_search"));
    let sent = request.header("content-type", "application/json").send(body.to_string());
    let mut answer = sent.unwrap_or_else(|error| panic!("{error}: {body}"));
    serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
}

fn check(ours: &Ours, panel: &Panel, lines: &[Line]) {
    let totals = ["requests", "bytes", "not_found", "server_errors"];
    let sums = |measures: &[&str]| measures.iter().map(|name| ours.total(name)).collect::<Vec<_>>();
    match panel.id.as_str() {
        "totals" => assert_eq!(summed(lines), sums(&totals), "totals"),
        "layers" => {
            assert_eq!(summed(lines), sums(&["requests"]), "layers");
            let exact = lines.iter().find(|(keys, _)| keys[0] == "batch");
            assert_eq!(exact.map(|(_, values)| values.clone()), Some(sums(&["requests"])));
        }
        "traffic" => {
            let per_minute = ours.answers["per_minute"].as_object().unwrap().iter();
            let expected =
                per_minute.map(|(minute, count)| (minute.clone(), count.as_f64().unwrap()));
            assert_eq!(by_key(lines), expected.collect(), "the generator's minutes");
        }
        "errors-over-time" => {
            for code in ["404", "500"] {
                let of_code: Vec<Line> =
                    lines.iter().filter(|(keys, _)| keys[0] == code).cloned().collect();
                assert_eq!(summed(&of_code)[0], ours.answers["status"][code].as_f64().unwrap());
            }
        }
        "error-rate" => {
            let parts =
                ["not_found", "requests", "client_errors", "requests", "server_errors", "requests"];
            assert_eq!(summed(lines), sums(&parts), "error rates");
        }
        "kinds" => assert_eq!(summed(lines), sums(&["human", "bot", "unknown"]), "kinds"),
        "bandwidth" => assert_eq!(by_key(lines), ours.minutes("/measures/bytes"), "bandwidth"),
        "distinct-clients" => {
            assert_eq!(by_key(lines), ours.minutes("/distinct_clients/value"), "clients");
        }
        "sizes" => assert_eq!(by_key(lines), ours.minutes("/sizes/p50"), "sizes"),
        "heatmap" => heatmap(ours, lines),
        "accuracy" => accuracy(ours, lines),
        "spikes" => spikes(ours, lines),
        id => match id.strip_prefix("totals-") {
            Some(number) => {
                let measure = totals[number.parse::<usize>().unwrap()];
                assert_eq!(summed(lines), sums(&[measure]), "{measure}");
            }
            None => list(ours, id, lines),
        },
    }
}

/// The metrics of all lines added up.
fn summed(lines: &[Line]) -> Vec<f64> {
    let width = lines.first().map_or(0, |(_, values)| values.len());
    (0..width).map(|at| lines.iter().map(|(_, values)| values[at]).sum()).collect()
}

/// The first metric by the first key, where it is something.
fn by_key(lines: &[Line]) -> BTreeMap<String, f64> {
    let pairs = lines.iter().map(|(keys, values)| (keys[0].clone(), values[0]));
    pairs.filter(|(_, value)| *value > 0.0).collect()
}

fn heatmap(ours: &Ours, lines: &[Line]) {
    let report = ours.ask(&format!("report?{RANGE}"));
    let hours = report["hours"].as_array().unwrap().iter().map(|hour| {
        let number: u32 = hour["start"].as_str().unwrap()[11..13].parse().unwrap();
        (number.to_string(), hour["requests"].as_f64().unwrap())
    });
    assert_eq!(by_key(lines), hours.filter(|(_, count)| *count > 0.0).collect(), "heatmap");
}

fn accuracy(ours: &Ours, lines: &[Line]) {
    let told = ours.ask("accuracy");
    let document = &told["days"][0];
    let fields = [
        "/distinct_clients/mean_error",
        "/size_percentiles/mean_error",
        "/top_clients/recall",
        "/top_pages/recall",
    ];
    let expected = fields.map(|field| {
        let value = document.pointer(&format!("/value{field}")).or(document.pointer(field));
        value.and_then(Value::as_f64).unwrap_or_else(|| panic!("{field}: {told}"))
    });
    let (_, shown) = lines.first().expect("a day's accuracy");
    let close = shown.iter().zip(expected).all(|(shown, ours)| (shown - ours).abs() < 1e-5);
    assert!(close && shown.len() == 4, "{shown:?}, {expected:?}");
}

/// Lines of a time, a quantity and a severity: the highest score, the most minutes of its spikes.
fn spikes(ours: &Ours, lines: &[Line]) {
    let told = ours.ask(&format!("spikes?{RANGE}&limit=1000"));
    let mut expected: BTreeMap<[String; 2], [f64; 2]> = BTreeMap::new();
    for spike in told["spikes"].as_array().unwrap() {
        let text = |name: &str| spike[name].as_str().unwrap().to_owned();
        let most = expected.entry(["quantity", "severity"].map(text)).or_default();
        *most = [0, 1].map(|at| most[at].max(spike[["score", "minutes"][at]].as_f64().unwrap()));
    }
    let mut shown: BTreeMap<[String; 2], [f64; 2]> = BTreeMap::new();
    for (keys, values) in lines {
        let most = shown.entry([keys[1].clone(), keys[2].clone()]).or_default();
        *most = [0, 1].map(|at| most[at].max(values[at]));
    }
    assert!(!expected.is_empty(), "the day has no spike: {told}");
    assert_eq!(shown.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{told}");
    for (kind, most) in &shown {
        let close = (0..2).all(|at| (most[at] - expected[kind][at]).abs() < 1e-3);
        assert!(close, "{kind:?}: {most:?}, {:?}", expected[kind]);
    }
}

/// A list: keys with their measures; among equals at its end, any may stand there.
fn list(ours: &Ours, view: &str, lines: &[Line]) {
    let top = ours.ask(&format!("top/{view}?{RANGE}&n=1000"));
    let measures = ["requests", "bytes", "not_found", "server_errors"];
    let rows = top["rows"].as_array().unwrap();
    let expected: BTreeMap<&str, Vec<f64>> = rows
        .iter()
        .map(|row| {
            let values = measures.iter().map(|name| row[name].as_f64().unwrap()).collect();
            (row["key"].as_str().unwrap(), values)
        })
        .collect();
    assert_eq!(lines.len(), rows.len().min(20), "{view}: {lines:?}");
    for (keys, values) in lines {
        let known = expected.get(keys[0].as_str()).map(|all| &all[..values.len()]);
        assert_eq!(known, Some(&values[..]), "{view}: {}", keys[0]);
    }
    let least = lines.iter().map(|(_, values)| values[0]).fold(f64::INFINITY, f64::min);
    let shown = lines.len();
    let larger = expected.values().filter(|values| values[0] > least).count();
    assert!(larger < shown.max(1), "{view}: a larger one is missing");
}
