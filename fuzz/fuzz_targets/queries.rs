//! Any path and query at the API: an answer or an error that says what is wrong, never a failure.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use twofold_serving::api::{Sources, answer};
use twofold_serving::index::SqliteIndex;

thread_local! {
    static SITE: (Runtime, Sources) = {
        let index = Arc::new(SqliteIndex::temporary().expect("a temporary index"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        (runtime.expect("a runtime"), Sources { index, history: None, archive: None })
    };
}

const PATHS: [&str; 8] =
    ["report", "totals", "series", "top/pages", "heatmap", "accuracy", "lines", "status"];

fuzz_target!(|input: &[u8]| {
    let Some((pick, rest)) = input.split_first() else { return };
    let Ok(rest) = std::str::from_utf8(rest) else { return };
    let path = PATHS[usize::from(*pick) % PATHS.len()];
    let target = format!("/api/v1/{path}?{rest}");
    SITE.with(|(runtime, sources)| {
        let Ok(Some((status, body))) = runtime.block_on(answer(sources.clone(), &target)) else {
            return;
        };
        let text = String::from_utf8(body).expect("text");
        assert!(matches!(status, 200 | 400 | 404 | 501), "{target}: {status} {text}");
    });
});
