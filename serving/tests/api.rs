//! The HTTP API over a real index, asked as a client would.

mod site;

use std::io::{BufRead, BufReader};

use serde_json::json;
use site::Site;

#[test]
fn the_boundary_divides_exact_from_estimated() {
    let site = Site::new();
    (0..4).for_each(|minute| site.put(minute, "/", 7));
    site.publish(1, 0..2, 5);
    let (status, series) = site.get("/api/v1/series?last=4m");
    assert_eq!((status, &series["generation"]), (200, &json!(1)), "{series}");
    let points = series["points"].as_array().unwrap();
    let seen: Vec<_> = points
        .iter()
        .map(|point| (point["exact"].clone(), point["measures"]["requests"].clone()))
        .collect();
    let expected = [(true, 5), (true, 5), (false, 7), (false, 7)];
    assert_eq!(seen, expected.map(|(exact, count)| (json!(exact), json!(count))));
    let (_, report) = site.get("/api/v1/report");
    assert_eq!((&report["requests"], &report["exact"]), (&json!(24), &json!(false)));
}

#[test]
fn hostile_keys_travel_as_text() {
    let site = Site::new();
    let key = "/<script>alert(1)</script>\u{202e}\"\0\u{1b}[31m";
    site.put(0, key, 3);
    let (_, top) = site.get("/api/v1/top/pages");
    assert_eq!(top["rows"][0]["key"], key, "{top}");
}

#[test]
fn errors_say_which_parameter_and_what_to_do() {
    let site = Site::new();
    site.put(0, "/", 1);
    for (path, status, parameter) in [
        ("/api/v1/series?stp=1m", 400, "stp"),
        ("/api/v1/series?step=soon", 400, "step"),
        ("/api/v1/report?from=yesterday", 400, "from"),
        ("/api/v1/report?from=2026-01-02&to=2026-01-01", 400, "to"),
        ("/api/v1/report?last=1h&from=2026-01-01", 400, "last"),
        ("/api/v1/lines?limit=100000", 400, "limit"),
    ] {
        let (got, body) = site.get(path);
        assert_eq!(
            (got, body["error"]["parameter"].as_str()),
            (status, Some(parameter)),
            "{path}: {body}"
        );
        assert!(body["error"]["hint"].is_string(), "{path}: {body}");
    }
    assert_eq!(site.get("/api/v1/top/nonsense").0, 404);
    assert_eq!(site.get("/api/v1/nonsense").0, 404);
    assert_eq!(site.get("/api/v1/top/pages?n=1000000").0, 400);
    assert_eq!(site.get("/api/v1/lines").0, 501);
}

#[test]
fn the_document_lists_what_answers() {
    let site = Site::new();
    let (_, document) = site.get("/api/v1/openapi.json");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 10);
    for path in paths.keys().filter(|path| !path.ends_with("/events")) {
        let filtered = if path.ends_with("/slice") { "?status=404" } else { "" };
        let (status, body) = site.get(&(path.replace("{view}", "pages") + filtered));
        assert!(matches!(status, 200 | 501), "{path}: {status} {body}");
    }
    for path in [
        "/",
        "/page.js",
        "/page.css",
        "/theme.js",
        "/uplot.js",
        "/icon.svg",
        "/health",
        "/ready",
        "/metrics",
    ] {
        assert_eq!(site.get(path).0, 200, "{path}");
    }
}

#[test]
fn answers_are_guarded() {
    let site = Site::new();
    let answer = ureq::get(&site.address).call().unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    for host in ["evil.example", "127.evil.example", "127.0.0.1.evil.example"] {
        let rebound = ureq::get(&site.address).header("host", host).call();
        assert!(matches!(rebound, Err(ureq::Error::StatusCode(421))), "{host}: {rebound:?}");
    }
}

#[test]
fn events_tell_of_minutes_and_publications() {
    let site = Site::new();
    site.put(0, "/", 1);
    let answer = ureq::get(format!("{}/api/v1/events", site.address)).call().unwrap();
    let mut lines = BufReader::new(answer.into_body().into_reader()).lines();
    let mut next = |wanted: &str| {
        for line in lines.by_ref().take(60) {
            let line = line.unwrap();
            if line.contains(wanted) {
                return;
            }
        }
        panic!("no line with {wanted}");
    };
    next("event: minutes");
    site.publish(1, 0..1, 1);
    next("event: publication");
    next("\"generation\":1");
    site.put(1, "/", 9);
    next("\"requests\":[1,9]");
}
