//! The page: static files, built into the binary. The chart library is uPlot (MIT,
//! `vendor/LICENSE`), from npm. `js/` holds one module for each thing that the page knows.

mod bundle;
mod file;

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

use bundle::{Module, bundle};

pub use file::file;

macro_rules! modules {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("js/", $name, ".js")))),*]
    };
}

/// The page's modules, in any order.
const MODULES: &[Module] = modules![
    "accuracy",
    "ask",
    "boundary",
    "chart",
    "days",
    "dom",
    "filters",
    "headline",
    "heatmap",
    "keys",
    "lines",
    "list",
    "lists",
    "live",
    "main",
    "numbers",
    "percentiles",
    "picker",
    "pipeline",
    "spikes",
    "sure",
    "text",
    "time",
    "tip",
    "traffic",
    "trend",
    "view",
];

/// The script of all modules. That they fit together is known when this is built, by its test.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    bundle(MODULES, "main").unwrap_or_else(|error| format!("throw new Error({error:?});"))
});

static STYLE: LazyLock<String> = LazyLock::new(|| {
    [
        include_str!("vendor/uPlot.min.css"),
        include_str!("css/tokens.css"),
        include_str!("css/base.css"),
        include_str!("css/cards.css"),
        include_str!("css/spikes.css"),
    ]
    .join("\n")
});

const HTML: &str = include_str!("index.html");
const THEME: &str = include_str!("theme.js");
const UPLOT: &str = include_str!("vendor/uPlot.iife.min.js");
const ICON: &str = include_str!("icon.svg");

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The routes of the page's files.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let files: [(&str, &str, &'static str); 6] = [
        ("/", "text/html; charset=utf-8", HTML),
        ("/page.js", JAVASCRIPT, &SCRIPT),
        ("/theme.js", JAVASCRIPT, THEME),
        ("/uplot.js", JAVASCRIPT, UPLOT),
        ("/page.css", "text/css; charset=utf-8", &STYLE),
        ("/icon.svg", "image/svg+xml", ICON),
    ];
    files.into_iter().fold(Router::new(), |router, (path, kind, content)| {
        let answer = async move || ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], content);
        router.route(path, get(answer))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_fit_together() {
        let script = bundle(MODULES, "main").unwrap();
        for (name, _) in MODULES {
            assert!(script.contains(&format!("const module_{name} =")), "nobody needs {name}");
        }
    }
}
