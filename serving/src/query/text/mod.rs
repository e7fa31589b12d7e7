//! A report as text for a terminal.

mod chart;
mod escape;
mod units;

pub use escape::escape_terminal;

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Hour, Percentiles, Report};
use twofold_data::minute::{Grain, Minute};
use twofold_data::zone::Zone;
use units::{bytes, duration, grouped, share};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// How many columns there are; at least 60 are used.
    pub width: usize,
    /// Whether to use colours (ANSI).
    pub colour: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, colour: false }
    }
}

/// Writes a report as text: aligned columns, bars, human units. Whatever comes from a log
/// is escaped, and keys stand last on their lines, so that they can't push anything out of place.
pub fn render(report: &Report, style: &Style) -> String {
    let zone = Zone::named(&report.timezone).unwrap_or_default();
    let mut page = Page { text: String::new(), style: *style, zone };
    page.head(report);
    page.totals(report);
    page.hours(&report.hours);
    for list in lists(report, &page.zone).iter().filter(|list| !list.rows.is_empty()) {
        page.list(list, report.estimated.contains(&list.field), report.requests);
    }
    page.foot(report);
    page.text
}

struct List {
    title: &'static str,
    /// The report's field that it shows.
    field: &'static str,
    rows: Vec<(String, u64)>,
}

/// The lists in the order of the page.
fn lists(report: &Report, zone: &Zone) -> Vec<List> {
    let counts = |counts: &BTreeMap<String, u64>| {
        counts.iter().map(|(key, count)| (key.clone(), *count)).collect()
    };
    let busiest = report.busiest_minutes.iter().map(|(at, count)| (zone.show(at.0), *count));
    let days = report.days.iter().map(|day| (day.day.clone(), day.requests));
    let several = (2..=MOST_DAYS).contains(&report.days.len());
    let top = &report.top;
    let lists = [
        ("Days", "days", days.filter(|_| several).collect()),
        ("Status codes", "status", counts(&report.status)),
        ("Methods", "methods", counts(&report.methods)),
        ("Busiest minutes", "busiest_minutes", busiest.collect()),
        ("Top clients", "top_clients", top.top_clients.clone()),
        ("Top pages", "top_pages", top.top_pages.clone()),
        ("Top errors (404 and 5xx)", "top_errors", top.top_errors.clone()),
        ("Top referrers", "top_referrers", top.top_referrers.clone()),
        ("Top agents", "top_agents", top.top_agents.clone()),
        ("Top systems", "top_systems", top.top_systems.clone()),
        ("Top hosts", "top_hosts", top.top_hosts.clone()),
    ];
    lists.into_iter().map(|(title, field, rows)| List { title, field, rows }).collect()
}

/// More days than these are better seen in the chart of the hours.
const MOST_DAYS: usize = 31;

/// How wide a list's bars are.
const BAR: usize = 20;

struct Page {
    text: String,
    style: Style,
    zone: Zone,
}

impl Page {
    /// Writes a line; writing to a string can't fail.
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{line}");
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.style.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn title(&mut self, title: &str) {
        let title = self.painted("1", title);
        self.line(format_args!("\n{title}"));
    }

    fn head(&mut self, report: &Report) {
        let range = match (report.first_minute, report.last_minute) {
            (Some(first), Some(last)) => {
                format!("{} – {}", self.zone.show(first.0), self.zone.show(last.0))
            }
            _ => "no requests".to_owned(),
        };
        let quality = match report.exact {
            true => self.painted("32", "every number is exact"),
            false => self.painted("33", "≈ marks estimates"),
        };
        self.line(format_args!("{}   {quality}", self.painted("1", &range)));
    }

    fn totals(&mut self, report: &Report) {
        let measure = |name| report.measures.0.get(name).unwrap_or(0);
        let mark = |field: &str| if report.estimated.contains(&field) { "≈" } else { " " };
        let plain = mark("requests");
        self.line(format_args!(""));
        let [low, high] = report.distinct_clients_bounds;
        let clients = match low == high {
            true => String::new(),
            false => format!("{} to {}", grouped(low), grouped(high)),
        };
        let whole = report.requests;
        let of_all = |count| share(count, whole);
        self.total("Requests", plain, grouped(whole), "");
        self.total("Clients", mark("distinct_clients"), grouped(report.distinct_clients), &clients);
        let human = grouped(report.distinct_human_clients);
        self.total("  with browsers", mark("distinct_human_clients"), human, "");
        for (label, name) in [
            ("People", "human"),
            ("Bots", "bot"),
            ("Unknown agents", "unknown"),
            ("Client errors", "client_errors"),
            ("Server errors", "server_errors"),
        ] {
            self.total(label, plain, grouped(measure(name)), &of_all(measure(name)));
        }
        self.total("Sent", plain, bytes(report.bytes), "");
        self.percentiles("Size", mark("sizes"), report.sizes, bytes);
        self.percentiles("Duration", mark("durations"), report.durations, duration);
        self.total("Malformed", plain, grouped(report.malformed), "");
        self.total("Blank", plain, grouped(report.blank), "");
    }

    fn total(&mut self, label: &str, mark: &str, value: String, note: &str) {
        let line = format!("  {label:<16} {mark}{value:>15}  {note}");
        self.line(format_args!("{}", line.trim_end()));
    }

    fn percentiles(
        &mut self,
        label: &str,
        mark: &str,
        percentiles: Option<Percentiles>,
        unit: fn(u64) -> String,
    ) {
        let Some(Percentiles { p50, p90, p95, p99, .. }) = percentiles else { return };
        let note = format!("median; p90 {}, p95 {}, p99 {}", unit(p90), unit(p95), unit(p99));
        self.total(label, mark, unit(p50), &note);
    }

    /// The course of the requests: one column per hour, or per several where there are many.
    fn hours(&mut self, hours: &[Hour]) {
        let (Some(first), Some(last)) = (hours.first(), hours.last()) else { return };
        let width = self.style.width.clamp(60, 170) - 4;
        let begin = first.start.0.0;
        let hour = |at: Minute| (at.0 - begin).div_euclid(Grain::Hour.minutes());
        let (start, end) = (hour(first.start.0), hour(last.start.0) + 1);
        let per_column = ((end - start) as usize).div_ceil(width).max(1);
        let mut columns = vec![(0, 0); ((end - start) as usize).div_ceil(per_column)];
        for of_hour in hours {
            let place = (hour(of_hour.start.0) - start) as usize / per_column;
            if let Some((requests, errors)) = columns.get_mut(place) {
                *requests += of_hour.requests;
                *errors += of_hour.errors;
            }
        }
        let (requests, errors): (Vec<u64>, Vec<u64>) = columns.into_iter().unzip();
        let unit = if per_column == 1 { "hour".to_owned() } else { format!("{per_column} hours") };
        let from = self.zone.show(first.start.0);
        self.spark(&format!("Requests per {unit} from {from}"), &requests, "36");
        if errors.iter().any(|errors| *errors > 0) {
            self.spark(&format!("Errors per {unit}"), &errors, "31");
        }
    }

    fn spark(&mut self, title: &str, values: &[u64], colour: &str) {
        let largest = values.iter().copied().max().unwrap_or(0);
        self.title(&format!("{title}, at most {}", grouped(largest)));
        let line = self.painted(colour, chart::sparkline(values).trim_end());
        self.line(format_args!("  {line}"));
    }

    fn list(&mut self, list: &List, estimated: bool, requests: u64) {
        let largest = list.rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let mark = if estimated { "≈ " } else { "" };
        self.title(&format!("{mark}{}", list.title));
        let count_width = grouped(largest).len();
        let room = self.style.width.max(60).saturating_sub(count_width + BAR + 15);
        for (key, count) in &list.rows {
            let bar = format!("{:<BAR$}", chart::bar(*count, largest, BAR));
            let bar = self.painted("36", &bar);
            let (number, share) = (grouped(*count), share(*count, requests));
            let key = shortened(&escape_terminal(key), room);
            self.line(format_args!("  {number:>count_width$}  {share:>7}  {bar}  {key}"));
        }
    }

    fn foot(&mut self, report: &Report) {
        let boundary = match report.stamp.boundary {
            Some(boundary) => {
                let boundary = self.zone.show(boundary.0);
                format!("Exact before {boundary} (generation {}).", report.stamp.generation)
            }
            None => "Estimated: no batch run has published yet.".to_owned(),
        };
        let boundary = self.painted("2", &boundary);
        self.line(format_args!("\n{boundary}"));
    }
}

/// The first `room` characters, the last of them an ellipsis if there were more.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}
