//! What the dashboard shows, whichever way it is drawn.

use twofold_data::minute::Grain;
use twofold_data::view::{Key, VIEWS, View};

use crate::index::elastic::key_field;

/// One panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The id that its saved object has.
    pub id: String,
    /// What stands above it.
    pub title: String,
    /// What it says, for who asks.
    pub description: String,
    /// How it is drawn.
    pub chart: Chart,
    /// The documents it reads, as a Lucene query.
    pub query: String,
    /// What it shows.
    pub metrics: Vec<Metric>,
    /// By what it is split, the outer one first.
    pub splits: Vec<Split>,
    /// Whether spikes of the whole traffic are marked in it, where the format has marks.
    pub marked: bool,
    /// Where it stands: x and y, width and height, on 48 columns.
    pub place: [u32; 4],
}

/// How a panel is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    /// Stacked bars over time.
    Bars,
    /// Lines over time.
    Lines,
    /// Stacked areas over time.
    Areas,
    /// A ring of shares.
    Ring,
    /// A table.
    Table,
    /// A square for each pair.
    Heatmap,
    /// Large numbers.
    Numbers,
}

/// A number that a panel shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// What it is called.
    pub label: String,
    /// How it is computed.
    pub operation: Operation,
    /// How it is written: `number`, `bytes` or `percent`.
    pub format: &'static str,
}

/// How a metric is computed of a field of the index.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// The sum.
    Sum(String),
    /// The largest value.
    Max(String),
    /// The mean.
    Mean(String),
    /// One sum divided by another.
    Ratio(String, String),
}

/// By what a panel is split.
#[derive(Debug, Clone, PartialEq)]
pub enum Split {
    /// Time, in steps of a good size, of a minute at least.
    Time,
    /// Days.
    Days,
    /// The values of a field, those with most of the first metric first.
    Top(String, u32),
    /// The values of a field, in their order.
    Values(String, u32),
    /// One series for each query, with its name.
    Queries(Vec<(String, String)>),
}

impl Metric {
    fn new(label: &str, operation: Operation, format: &'static str) -> Self {
        Self { label: label.to_owned(), operation, format }
    }

    fn sum(label: &str, measure: &str) -> Self {
        let format = if measure == "bytes" { "bytes" } else { "number" };
        Self::new(label, Operation::Sum(format!("twofold.{measure}")), format)
    }
}

/// Every panel, in the order of reading.
pub fn panels() -> Vec<Panel> {
    let mut panels = over_time();
    let mut y = panels.iter().map(|panel| panel.place[1] + panel.place[3]).max().unwrap_or(0);
    let lists: Vec<&View> = VIEWS.iter().filter(|view| view.key != Key::None).collect();
    for (number, view) in lists.into_iter().enumerate() {
        let column = number as u32 % 2;
        panels.push(list(view, [column * 24, y, 24, 15]));
        y += column * 15;
    }
    let bottom = panels.iter().map(|panel| panel.place[1] + panel.place[3]).max().unwrap_or(0);
    panels.push(spikes([0, bottom, 48, 12]));
    panels.push(accuracy([0, bottom + 12, 48, 12]));
    panels
}

/// Rows of the whole traffic: exact ones, and the union of all partitions where there is none.
fn traffic(grain: Grain) -> String {
    format!("twofold.view:traffic AND twofold.grain:{} AND twofold.whole:true", grain.name())
}

fn panel(id: &str, title: &str, chart: Chart, query: String, place: [u32; 4]) -> Panel {
    Panel {
        id: id.to_owned(),
        title: title.to_owned(),
        description: String::new(),
        chart,
        query,
        metrics: Vec::new(),
        splits: Vec::new(),
        marked: false,
        place,
    }
}

fn over_time() -> Vec<Panel> {
    let minutes = || traffic(Grain::Minute);
    let errors = || ["404", "500"].map(|code| (code.to_owned(), status(code)));
    vec![
        Panel {
            metrics: vec![
                Metric::sum("Requests", "requests"),
                Metric::sum("Bytes", "bytes"),
                Metric::sum("404", "not_found"),
                Metric::sum("5xx", "server_errors"),
            ],
            ..panel("totals", "In this range", Chart::Numbers, minutes(), [0, 0, 32, 8])
        },
        Panel {
            description: "Exact before the boundary, estimated from it on.".into(),
            metrics: vec![Metric::sum("Requests", "requests")],
            splits: vec![Split::Values("twofold.layer".into(), 2)],
            ..panel("layers", "Exact and estimated", Chart::Ring, minutes(), [32, 0, 16, 8])
        },
        Panel {
            metrics: vec![Metric::sum("Requests", "requests")],
            splits: vec![Split::Time],
            marked: true,
            ..panel("traffic", "Requests per minute", Chart::Bars, minutes(), [0, 8, 48, 12])
        },
        Panel {
            metrics: vec![Metric::sum("Requests", "requests")],
            splits: vec![Split::Queries(errors().into()), Split::Time],
            ..panel(
                "errors-over-time",
                "404 and 500 over time",
                Chart::Lines,
                rows("statuses"),
                [0, 20, 24, 12],
            )
        },
        Panel {
            metrics: vec![
                ratio("404", "not_found"),
                ratio("4xx", "client_errors"),
                ratio("5xx", "server_errors"),
            ],
            splits: vec![Split::Time],
            ..panel("error-rate", "Error rate", Chart::Lines, minutes(), [24, 20, 24, 12])
        },
        Panel {
            metrics: vec![
                Metric::sum("People", "human"),
                Metric::sum("Bots", "bot"),
                Metric::sum("Unknown", "unknown"),
            ],
            splits: vec![Split::Time],
            ..panel("kinds", "People and bots", Chart::Areas, minutes(), [0, 32, 24, 12])
        },
        Panel {
            metrics: vec![Metric::sum("Bytes", "bytes")],
            splits: vec![Split::Time],
            ..panel("bandwidth", "Bandwidth", Chart::Areas, minutes(), [24, 32, 24, 12])
        },
        Panel {
            description: "In one minute; where a step has several, the largest.".into(),
            metrics: vec![
                max("Clients", "clients.distinct", "number"),
                max("Of people", "clients.distinct_human", "number"),
            ],
            splits: vec![Split::Time],
            ..panel(
                "distinct-clients",
                "Distinct clients per minute",
                Chart::Lines,
                minutes(),
                [0, 44, 24, 12],
            )
        },
        Panel {
            description: "In one minute; where a step has several, the largest.".into(),
            metrics: vec![
                max("p50", "sizes.p50", "bytes"),
                max("p95", "sizes.p95", "bytes"),
                max("p99", "sizes.p99", "bytes"),
            ],
            splits: vec![Split::Time],
            ..panel("sizes", "Size of responses", Chart::Lines, minutes(), [24, 44, 24, 12])
        },
        Panel {
            description: "UTC. From hours that are over or have begun.".into(),
            metrics: vec![Metric::sum("Requests", "requests")],
            splits: vec![
                Split::Values("twofold.hour_of_day".into(), 24),
                Split::Values("twofold.weekday".into(), 7),
            ],
            ..panel(
                "heatmap",
                "Requests by hour and weekday",
                Chart::Heatmap,
                traffic(Grain::Hour),
                [0, 56, 48, 12],
            )
        },
    ]
}

fn status(code: &str) -> String {
    format!("{}:{code}", "http.response.status_code")
}

fn ratio(label: &str, measure: &str) -> Metric {
    let part = format!("twofold.{measure}");
    Metric::new(label, Operation::Ratio(part, "twofold.requests".into()), "percent")
}

fn max(label: &str, field: &str, format: &'static str) -> Metric {
    Metric::new(label, Operation::Max(format!("twofold.{field}")), format)
}

/// The rows of a list, one document for each rank.
fn rows(view: &str) -> String {
    format!("twofold.doc:row AND twofold.view:{view} AND twofold.grain:minute")
}

/// What a list is called; a view that is new goes by its name.
fn title(view: &View) -> String {
    match view.name {
        "statuses" => "Response codes".into(),
        "clients" => "Most active addresses".into(),
        "pages" => "Top visited pages".into(),
        "errors" => "Pages with errors".into(),
        name => {
            let mut letters = name.chars();
            let first = letters.next().map(|first| first.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        }
    }
}

fn list(view: &View, place: [u32; 4]) -> Panel {
    let field = key_field(view.key).unwrap_or("twofold.set").to_owned();
    let all = [
        Metric::sum("Requests", "requests"),
        Metric::sum("Bytes", "bytes"),
        Metric::sum("404", "not_found"),
        Metric::sum("5xx", "server_errors"),
    ];
    let few = view.top == 0;
    Panel {
        metrics: if few { all[..1].to_vec() } else { all.to_vec() },
        splits: vec![Split::Top(field, 20)],
        ..panel(
            view.name,
            &title(view),
            if few { Chart::Ring } else { Chart::Table },
            rows(view.name),
            place,
        )
    }
}

/// The documents that are spikes.
const SPIKES: &str = "twofold.doc:live AND twofold.document.kind:spike";

/// Those of the whole traffic, which charts of it mark.
pub fn marks() -> String {
    format!("{SPIKES} AND twofold.spike.scope:all")
}

/// Spikes stand in the index of live documents, which no alias of the rows has.
fn spikes(place: [u32; 4]) -> Panel {
    let most = |label: &str, field: &str| {
        Metric::new(label, Operation::Max(format!("twofold.spike.{field}")), "number")
    };
    let by = |field: &str| Split::Top(format!("twofold.spike.{field}"), 20);
    Panel {
        description: "What stood out, and by how much.".into(),
        metrics: vec![
            most("Score", "score"),
            most("Minutes", "minutes"),
            most("Observed a minute", "observed"),
            most("Expected a minute", "expected"),
        ],
        splits: vec![Split::Time, by("quantity"), by("severity")],
        ..panel("spikes", "Spikes", Chart::Table, SPIKES.into(), place)
    }
}

fn accuracy(place: [u32; 4]) -> Panel {
    let mean = |label: &str, field: &str| {
        Metric::new(label, Operation::Mean(format!("twofold.accuracy.{field}")), "percent")
    };
    Panel {
        description: "How far the estimates were off, by day.".into(),
        metrics: vec![
            mean("Distinct clients, mean error", "distinct_clients.mean_error"),
            mean("Size percentiles, mean error", "size_percentiles.mean_error"),
            mean("Top clients found", "top_clients.recall"),
            mean("Top pages found", "top_pages.recall"),
        ],
        splits: vec![Split::Days],
        ..panel(
            "accuracy",
            "Accuracy of the estimates",
            Chart::Table,
            "twofold.doc:document AND twofold.document.kind:accuracy".into(),
            place,
        )
    }
}
