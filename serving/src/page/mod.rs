//! The page at `/`: static files, built into the binary. The chart library is uPlot
//! (MIT, `vendor/LICENSE`), from npm.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

/// Path, type, content.
const FILES: [(&str, &str, &str); 5] = [
    ("/", "text/html; charset=utf-8", include_str!("index.html")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("app.js")),
    ("/style.css", "text/css; charset=utf-8", include_str!("style.css")),
    ("/uplot.js", "text/javascript; charset=utf-8", include_str!("vendor/uPlot.iife.min.js")),
    ("/uplot.css", "text/css; charset=utf-8", include_str!("vendor/uPlot.min.css")),
];

/// The routes of the page's files.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, content)| {
        let answer = async move || ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], content);
        router.route(path, get(answer))
    })
}
