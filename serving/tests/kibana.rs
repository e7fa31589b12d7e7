//! The saved objects: what is committed is what the tables make, and it holds together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use twofold_serving::index::elastic::fields;
use twofold_serving::kibana::{Format, saved_objects};

fn objects(format: Format) -> Vec<Value> {
    let text = saved_objects(format, "twofold");
    text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

#[test]
fn what_is_committed_is_what_the_tables_make() {
    for format in Format::ALL {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kibana").join(format.file());
        if std::env::var_os("TWOFOLD_BLESS").is_some() {
            std::fs::write(&file, saved_objects(format, "twofold")).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        let same = committed == saved_objects(format, "twofold");
        assert!(same, "kibana/{} is not what `cargo xtask kibana` writes", format.file());
    }
}

#[test]
fn ids_are_unique_and_every_object_names_its_version() {
    for format in Format::ALL {
        let mut ids = BTreeSet::new();
        for object in objects(format) {
            let (kind, id) = (object["type"].as_str().unwrap(), object["id"].as_str().unwrap());
            assert!(ids.insert((kind.to_owned(), id.to_owned())), "{kind} {id} stands twice");
            assert!(object["migrationVersion"][kind].is_string(), "{kind} {id} has no version");
        }
    }
}

#[test]
fn every_reference_resolves_and_none_is_unused() {
    for format in Format::ALL {
        let objects = objects(format);
        let ids: BTreeSet<_> =
            objects.iter().map(|object| (&object["type"], &object["id"])).map(text_pair).collect();
        let mut used = BTreeSet::new();
        for object in &objects {
            let attributes = object["attributes"].to_string();
            for reference in object["references"].as_array().unwrap() {
                let target = text_pair((&reference["type"], &reference["id"]));
                assert!(ids.contains(&target), "{}: {target:?} is not in the file", object["id"]);
                let name = reference["name"].as_str().unwrap();
                // Lens refers to layers by the names of its references themselves.
                let implied = name.starts_with("indexpattern-datasource-");
                assert!(implied || attributes.contains(name), "{}: {name} is unused", object["id"]);
                used.insert(target);
            }
        }
        for id in ids.iter().filter(|(kind, _)| kind != "dashboard") {
            assert!(used.contains(id), "{id:?} stands on no dashboard");
        }
    }
}

fn text_pair((kind, id): (&Value, &Value)) -> (String, String) {
    (kind.as_str().unwrap().to_owned(), id.as_str().unwrap().to_owned())
}

#[test]
fn attributes_that_hold_json_hold_json() {
    for object in Format::ALL.into_iter().flat_map(objects) {
        let attributes = object["attributes"].as_object().unwrap();
        let meta = attributes.get("kibanaSavedObjectMeta").and_then(Value::as_object);
        for (name, value) in attributes.iter().chain(meta.into_iter().flatten()) {
            if name.ends_with("JSON") || name == "visState" || name == "fieldFormatMap" {
                let text = value.as_str().unwrap_or_else(|| panic!("{name} is a string"));
                serde_json::from_str::<Value>(text).unwrap_or_else(|_| panic!("{name}: {text}"));
            }
        }
    }
}

#[test]
fn panels_stand_side_by_side() {
    for object in Format::ALL.into_iter().flat_map(objects) {
        let Some(panels) = object["attributes"]["panelsJSON"].as_str() else { continue };
        let panels: Vec<Value> = serde_json::from_str(panels).unwrap();
        let mut taken: BTreeMap<(u64, u64), String> = BTreeMap::new();
        for panel in panels {
            let of = |name: &str| panel["gridData"][name].as_u64().unwrap();
            assert!(of("x") + of("w") <= 48, "{panel}");
            let cells = (of("x")..of("x") + of("w"))
                .flat_map(|x| (of("y")..of("y") + of("h")).map(move |y| (x, y)));
            for cell in cells {
                let other = taken.insert(cell, panel["panelIndex"].to_string());
                assert_eq!(other, None, "{} overlaps", panel["panelIndex"]);
            }
        }
    }
}

/// Every field that an aggregation, a column or a query names, with what is done to it.
fn uses(object: &Value) -> Vec<(String, String)> {
    let attributes = &object["attributes"];
    let mut all = Vec::new();
    let parsed = |text: &Value| text.as_str().map(|text| serde_json::from_str(text).unwrap());
    for value in [
        parsed(&attributes["visState"]).unwrap_or_default(),
        parsed(&attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]).unwrap_or_default(),
        attributes["state"].clone(),
    ] {
        walk(&value, &mut all);
    }
    all
}

fn walk(value: &Value, all: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, all)),
        Value::Object(map) => {
            let text = |name: &str| map.get(name).and_then(Value::as_str);
            let field = map.get("params").and_then(|params| params["field"].as_str());
            if let (Some(kind), Some(field)) = (text("type"), field) {
                all.push((kind.to_owned(), field.to_owned()));
            }
            if let (Some(kind), Some(field)) = (text("operationType"), text("sourceField")) {
                all.push((kind.to_owned(), field.to_owned()));
            }
            // The time series builder: fields of sums, not the references between metrics.
            if let (Some("sum"), Some(field)) = (text("type"), text("field")) {
                all.push(("sum".to_owned(), field.to_owned()));
            }
            // What a mark says of a document.
            if let (Some(fields), Some(_)) = (text("fields"), text("template")) {
                all.extend(fields.split(',').map(|field| ("query".to_owned(), field.to_owned())));
            }
            if let (Some(query), Some("lucene")) = (text("query"), text("language")) {
                for part in query.split(" AND ") {
                    let (field, _) = part.split_once(':').unwrap();
                    all.push(("query".to_owned(), field.to_owned()));
                }
            }
            map.values().for_each(|value| walk(value, all));
        }
        _ => {}
    }
}

#[test]
fn the_chart_of_the_traffic_marks_spikes_and_says_what_they_are() {
    let objects = objects(Format::Classic);
    let traffic = objects.iter().find(|object| object["id"] == "twofold-traffic").unwrap();
    let state: Value =
        serde_json::from_str(traffic["attributes"]["visState"].as_str().unwrap()).unwrap();
    let mark = &state["params"]["annotations"][0];
    assert_eq!(mark["index_pattern"], "twofold_live", "no alias of the rows has them");
    assert_eq!(
        (&mark["ignore_panel_filters"], &mark["time_field"]),
        (&json!(1), &json!("@timestamp"))
    );
    let template = mark["template"].as_str().unwrap();
    for field in mark["fields"].as_str().unwrap().split(',') {
        assert!(template.contains(&format!("{{{{{field}}}}}")), "{field}: {template}");
    }
}

#[test]
fn every_field_is_in_the_mapping_with_a_fitting_type() {
    let known: BTreeMap<String, &str> = fields().into_iter().collect();
    let number = ["long", "integer", "short", "byte", "float"];
    for object in Format::ALL.into_iter().flat_map(objects) {
        let uses = uses(&object);
        let is_panel = ["visualization", "lens"].contains(&object["type"].as_str().unwrap());
        assert_eq!(!uses.is_empty(), is_panel, "{}", object["id"]);
        for (kind, field) in uses {
            let id = &object["id"];
            let found = known.get(&field).unwrap_or_else(|| panic!("{id}: no field {field}"));
            let fits = match kind.as_str() {
                "sum" | "max" | "avg" | "average" => number.contains(found),
                "terms" => number.contains(found) || ["keyword", "ip"].contains(found),
                "date_histogram" => *found == "date",
                "query" => *found != "object" && *found != "binary",
                other => panic!("{id}: {other} of {field}"),
            };
            assert!(fits, "{id}: {kind} of {field}, which is {found}");
        }
    }
}
