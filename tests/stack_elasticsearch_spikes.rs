//! Spikes kept in Elasticsearch: the same as in the embedded index, judged and reviewed.

mod common;

use common::{Traffic, json, ok, text};
use serde_json::Value;
use twofold_test_kit::servers::variable;

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn the_same_spikes_are_found_in_either_index() {
    let traffic = Traffic::new("demo", 40_000, 43);
    let (embedded, engine) = (traffic.data("embedded"), traffic.data("engine"));
    let prefix = format!("index.prefix=spikes{}", std::process::id());
    let url = variable("TWOFOLD_TEST_ELASTICSEARCH");
    let elsewhere = ["--index", &url, "--set", &prefix];
    let run = ["run", "--to-end", "--no-serve", "--source", text(&traffic.log), "--data"];
    ok(&[&run[..], &[&embedded]].concat());
    ok(&[&run[..], &[&engine], &elsewhere].concat());
    let here = spikes(&["spikes", "--json", "--data", &embedded]);
    let there = spikes(&[&["spikes", "--json", "--data", &engine][..], &elsewhere].concat());
    assert_eq!(essence(&here), essence(&there));
    assert!(here.iter().any(|spike| spike["quantity"] == "requests"), "{here:#?}");
    assert!(there.iter().all(|spike| spike["review"]["standing"] == "confirmed"), "{there:#?}");
}

fn spikes(arguments: &[&str]) -> Vec<Value> {
    json(arguments)["spikes"].as_array().unwrap().clone()
}

/// What does not depend on sketches.
fn essence(spikes: &[Value]) -> Vec<Value> {
    let sure = spikes.iter().filter(|spike| spike["quantity"] != "clients");
    let fields = ["id", "start", "end", "minutes", "observed", "expected", "severity", "causes"];
    sure.map(|spike| fields.iter().map(|field| spike[*field].clone()).collect()).collect()
}
