//! Any query is answered, or refused with a reason: what `fuzz/fuzz_targets/queries.rs` does, for CI.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::Runtime;
use twofold_data::minute::Minute;
use twofold_serving::api::{Sources, answer};
use twofold_serving::index::{Index, Publication, SqliteIndex};

static SITE: LazyLock<(Runtime, Sources)> = LazyLock::new(|| {
    let index = Arc::new(SqliteIndex::temporary().unwrap());
    index.stage("run", &[], &[]).unwrap();
    let publication = Publication {
        generation: 1,
        boundary: Minute(29_000_160),
        end_of_input: false,
        published_at: 0,
        info: Value::Null,
    };
    index.publish("run", &publication).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    (runtime, Sources { index, history: None, archive: None })
});

fn ask(target: &str) -> Option<(u16, Value)> {
    let (runtime, sources) = &*SITE;
    let (status, body) = runtime.block_on(answer(sources.clone(), target)).unwrap()?;
    let text = String::from_utf8(body).unwrap();
    Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

fn path() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] =
        &["report", "totals", "series", "top/pages", "top/x", "status", "heatmap", "lines"];
    prop_oneof![prop::sample::select(KNOWN).prop_map(str::to_owned), "[a-z/%]{0,12}"]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,20}[mhd]?",
        "-?[0-9]{1,20}",
        "[0-9]{1,6}-[0-9]{1,3}-[0-9]{1,3}(T[0-9]{1,2}:[0-9]{2}Z?)?",
        "(true|false|)",
        "(%[0-9a-fA-F]{2}|[ -~&&[^#&]]){0,20}",
        Just("é\u{202e}".to_owned()),
    ]
}

fn parameter() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] =
        &["from", "to", "last", "step", "top", "n", "spread", "exact", "status", "limit", "x"];
    (prop::sample::select(KNOWN), value()).prop_map(|(name, value)| format!("{name}={value}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn any_query_is_answered_or_refused_with_a_reason(
        path in path(), parameters in prop::collection::vec(parameter(), 0..4),
    ) {
        let target = format!("/api/v1/{path}?{}", parameters.join("&"));
        prop_assume!(!path.contains("events"));
        let Some((status, body)) = ask(&target) else { return Ok(()) };
        match status {
            200 => prop_assert!(body.is_object() || body.is_array(), "{target}: {body}"),
            // Axum itself refuses what is not decodable.
            400 if body.is_string() => {}
            400 | 404 | 501 => prop_assert!(body["error"]["message"].is_string(), "{target}: {body}"),
            _ => prop_assert!(false, "{target}: {status} {body}"),
        }
    }
}

#[test]
fn the_far_ends_of_time_are_ranges_too() {
    for target in [
        "/api/v1/totals?from=0001-01-01&to=9999-12-31",
        "/api/v1/series?from=-009999-01-01&step=1d",
        "/api/v1/report?last=3660d",
        "/api/v1/heatmap?from=-009999-01-02T00:00Z",
    ] {
        let (status, body) = ask(target).unwrap();
        assert!(matches!(status, 200 | 400), "{target}: {status} {body}");
    }
}
