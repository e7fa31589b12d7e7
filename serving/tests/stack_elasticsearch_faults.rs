//! What goes wrong between twofold and the engine: it is away, too busy, or refuses a row.

#[path = "stack/rows.rs"]
mod rows;
mod stack;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rows::{START, list, traffic};
use serde_json::json;
use stack::{Store, endpoint};
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, State};
use twofold_serving::index::elastic::{ElasticIndex, Endpoint, Login};
use twofold_serving::index::{Index, IndexError, PartitionState, Put, Select};
use twofold_test_kit::proxy::{Answer, Proxy, Verdict};
use twofold_test_kit::servers::variable;
use twofold_test_kit::tls::Certificate;

fn engine() -> String {
    variable("TWOFOLD_TEST_ELASTICSEARCH")
}

fn stored(index: &dyn Index) -> Vec<RowSet> {
    let (from, to) = (START, Minute(START.0 + 1000));
    let select = Select { view: None, grain: Grain::Minute, from, to, partition: None };
    index.speed_rows(&select).unwrap()
}

fn state(number: u32) -> PartitionState {
    serde_json::from_value(json!({
        "partition": { "topic": "access", "number": number }, "identity": "x",
        "resume_offset": 0, "resume_event_time": null, "resume_request_time": null,
        "processed_through": 9, "closed_through": null, "largest_event_time": null,
        "records": 9, "late": 0, "ahead": 0, "malformed": [], "blank": 0, "ended": false,
    }))
    .unwrap()
}

/// The keys of lists of pages as Kibana sees them, in the order of ranks.
fn kibana_sees(store: &Store) -> Vec<String> {
    store.refresh();
    let body = json!({
        "size": 1000,
        "query": { "bool": { "filter": [
            { "term": { "twofold.doc": "row" } },
            { "term": { "twofold.view": "pages" } },
        ] } },
        "sort": ["twofold.rank"],
    });
    let found = store.ask(&format!("{}_speed.*/_search", store.prefix), &body);
    let hits = found["hits"]["hits"].as_array().unwrap();
    hits.iter().map(|hit| hit["_source"]["url.path"].as_str().unwrap().to_owned()).collect()
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn too_many_requests_and_failing_nodes_are_waited_for() {
    let url = engine();
    let store = Store::new(&url);
    let proxy = Proxy::start(&url, |call| match call.number % 4 {
        1 => Verdict::answer(503, r#"{"error":{"type":"x","reason":"starting"},"status":503}"#),
        2 => Verdict::answer(429, r#"{"error":{"type":"y","reason":"too many"},"status":429}"#),
        3 if call.target.contains("_bulk") => Verdict::BreakAfter,
        _ => Verdict::Pass,
    });
    let index = store.open_at(&endpoint(&proxy.url()));
    let sets: Vec<_> = (0..30).map(|minute| list("pages", minute, Some(0), &[("/", 5)])).collect();
    assert_eq!(index.put(&sets).unwrap(), [Put::Stored; 30]);
    index.stage("run", &[list("pages", 0, None, &[("/", 6)])], &[]).unwrap();
    assert_eq!(stored(&index), sets);
    assert_eq!(index.staged("run").unwrap(), 1);
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn an_engine_that_is_away_is_no_loss() {
    let url = engine();
    let store = Store::new(&url);
    let proxy = Proxy::start(&url, |_| Verdict::Pass);
    let impatient = Endpoint { patience: Duration::from_millis(300), ..endpoint(&proxy.url()) };
    let index = store.open_at(&impatient);
    let set = list("pages", 0, Some(0), &[("/", 5)]);
    index.put(std::slice::from_ref(&set)).unwrap();
    proxy.set(|_| Verdict::Break);
    let newer = RowSet { version: 2, ..list("pages", 0, Some(0), &[("/", 7), ("/a", 1)]) };
    let away = index.put(std::slice::from_ref(&newer)).unwrap_err();
    assert!(matches!(away, IndexError::Unavailable(_)), "{away}");
    assert!(matches!(index.published(), Err(IndexError::Unavailable(_))));
    proxy.set(|_| Verdict::Pass);
    assert_eq!(index.put(std::slice::from_ref(&newer)).unwrap(), [Put::Stored]);
    assert_eq!(stored(&index), [newer]);
}

/// Answers a bulk request with this error in its first item, though it was done.
fn first_item(answer: Answer, status: u16, kind: &str) -> Answer {
    let Some(mut body) = answer.json() else { return answer };
    let Some(item) = body.pointer_mut("/items/0/index") else { return answer };
    *item = json!({ "status": status, "error": { "type": kind, "reason": "on purpose" } });
    body["errors"] = json!(true);
    answer.with_json(&body)
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn items_that_are_too_many_are_sent_again_alone() {
    let url = engine();
    let store = Store::new(&url);
    let bulks = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&bulks);
    let proxy = Proxy::start(&url, move |call| {
        if !call.target.contains("_bulk") || !call.target.contains("_speed.") {
            return Verdict::Pass;
        }
        match count.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Verdict::change(|answer| first_item(answer, 429, "es_rejected")),
            _ => Verdict::Pass,
        }
    });
    let index = store.open_at(&endpoint(&proxy.url()));
    let sets = [0, 1].map(|minute| list("pages", minute, Some(0), &[("/", 5)]));
    assert_eq!(index.put(&sets).unwrap(), [Put::Stored; 2]);
    assert_eq!(stored(&index), sets);
    assert_eq!(bulks.load(Ordering::Relaxed), 4, "sets, one of them twice more, rows");
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn what_the_engine_refuses_is_kept_and_can_be_put_again() {
    let url = engine();
    let store = Store::new(&url);
    let index = store.open();
    // Somebody has made the day's index by hand, and wrongly: paths are no numbers.
    let name = format!("{}_speed.2026.11.25", store.prefix);
    let wrong = json!({
        "aliases": { format!("{name}.write"): {} },
        "mappings": { "properties": { "url": { "properties": { "path": { "type": "long" } } } } },
    });
    ureq::put(&format!("{url}/{name}"))
        .header("content-type", "application/json")
        .send(wrong.to_string())
        .unwrap();
    let pages = list("pages", 0, Some(3), &[("/a", 5), ("/b", 2)]);
    let clients = list("clients", 0, Some(3), &[("192.0.2.1", 7)]);
    let puts = index.put(&[pages.clone(), clients.clone()]).unwrap();
    assert_eq!(puts, [Put::Refused, Put::Stored], "so that a replay does not forget its letter");
    let letters = index.dead_letters().unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!((letters[0].status, &letters[0].set), (400, &pages));
    assert!(letters[0].reason.contains("url.path"), "{}", letters[0].reason);
    assert_eq!(stored(&index).len(), 2, "what twofold itself reads is there");
    ureq::delete(&format!("{url}/{name}")).call().unwrap();
    assert_eq!(index.put(&[pages.clone(), clients]).unwrap(), [Put::Stored; 2]);
    assert_eq!(kibana_sees(&store), ["/a", "/b"]);
    index.forget_dead_letter(&letters[0].id).unwrap();
    assert_eq!(index.dead_letters().unwrap(), []);
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_refused_row_of_the_batch_layer_fails_its_run() {
    let url = engine();
    let store = Store::new(&url);
    let proxy = Proxy::start(&url, |call| {
        if call.target.contains("_bulk") && call.target.contains("_batch.") {
            return Verdict::change(|answer| first_item(answer, 400, "mapper_parsing_exception"));
        }
        Verdict::Pass
    });
    let index = store.open_at(&endpoint(&proxy.url()));
    let error = index.stage("run", &[list("pages", 0, None, &[("/", 6)])], &[]).unwrap_err();
    assert!(error.to_string().contains("on purpose"), "{error}");
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn no_rank_of_an_older_or_longer_list_stays() {
    let store = Store::new(&engine());
    let (one, other) = (store.open(), store.open());
    let long: Vec<(String, u64)> =
        (0..40).map(|rank| (format!("/{rank:02}"), 100 - rank)).collect();
    let long: Vec<(&str, u64)> = long.iter().map(|(key, requests)| (&**key, *requests)).collect();
    let at = |version, rows: &[(&str, u64)]| RowSet { version, ..list("pages", 0, Some(0), rows) };
    one.put(&[at(1, &long)]).unwrap();
    assert_eq!(kibana_sees(&store).len(), 40);
    other.put(&[at(3, &[("/new", 9), ("/old", 3)])]).unwrap();
    assert_eq!(kibana_sees(&store), ["/new", "/old"]);
    // A process that was frozen wakes up, and writes what is old by now.
    assert_eq!(one.put(&[at(2, &long)]).unwrap(), [Put::Stale]);
    assert_eq!(kibana_sees(&store), ["/new", "/old"]);
    let closed = RowSet { state: State::Closed, ..at(3, &[("/new", 9)]) };
    assert_eq!(other.put(&[closed]).unwrap(), [Put::Stored]);
    assert_eq!(kibana_sees(&store), ["/new"]);
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn distinct_clients_of_all_partitions_stand_in_one_row() {
    let store = Store::new(&engine());
    let (one, other) = (store.open(), store.open());
    one.put(&[traffic(0, Some(0), 50, 0..50)]).unwrap();
    one.put_state(&state(0)).unwrap();
    other.put(&[traffic(0, Some(1), 60, 30..90)]).unwrap();
    other.put_state(&state(1)).unwrap();
    store.refresh();
    let body = json!({ "query": { "term": { "twofold.whole": true } } });
    let found = store.ask(&format!("{}/_search", store.prefix), &body);
    let hits = found["hits"]["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 1);
    let row = &hits[0]["_source"]["twofold"];
    assert_eq!((&row["requests"], &row["clients"]["distinct"]), (&json!(110), &json!(90)));
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn tls_and_logins() {
    let url = engine();
    let store = Store::new(&url);
    let certificate = Certificate::new();
    let proxy = Proxy::with_tls(&url, &certificate, |call| {
        let login = call.headers.get("authorization").and_then(|value| value.to_str().ok());
        match login {
            // base64 of `elastic:geheim`
            Some("Basic ZWxhc3RpYzpnZWhlaW0=" | "ApiKey c2VjcmV0LWtleQ==") => Verdict::Pass,
            _ => Verdict::answer(401, r#"{"error":{"type":"security_exception","reason":"no"}}"#),
        }
    });
    let at = |login: Login| Endpoint {
        ca: Some(certificate.certificate.clone()),
        login,
        ..endpoint(&proxy.url())
    };
    let set = list("pages", 0, Some(0), &[("/", 5)]);
    for login in
        [Login::Basic("elastic".into(), "geheim".into()), Login::ApiKey("c2VjcmV0LWtleQ==".into())]
    {
        let index = store.open_at(&at(login));
        assert_eq!(index.put(std::slice::from_ref(&set)).unwrap(), [Put::Stored]);
    }
    let fails = |endpoint: &Endpoint| {
        let text = ElasticIndex::open(endpoint, &store.prefix).unwrap_err().to_string();
        assert!(!text.contains("geheim") && !text.contains("wrong-word"), "{text}");
        text
    };
    let wrong = fails(&at(Login::Basic("elastic".into(), "wrong-word".into())));
    assert!(wrong.contains("401") && wrong.contains("index.api_key"), "{wrong}");
    let stranger = fails(&Endpoint { ca: None, ..at(Login::Nobody) });
    assert!(stranger.contains("index.ca"), "{stranger}");
    let in_url = proxy.url().replace("https://", "https://elastic:geheim@");
    let index = store.open_at(&Endpoint { url: in_url, ..at(Login::Nobody) });
    assert!(!format!("{index:?}").contains("geheim"));
}
