//! Questions, asked of a real index that holds a known log.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Counts, Distincts, Row, RowSet, State, Summary, Tally, VIEWS};
use twofold_data::window::sketch::key_hash;
use twofold_serving::index::{Index, Publication, SqliteIndex};
use twofold_serving::query::{
    History, MAX_POINTS, QueryError, Range, SeriesQuery, Stores, Style, TopQuery, render, report,
    series, top, totals,
};

/// One request: its minute, its client, its page.
type Hit = (i64, u8, u8);

/// How many rows a set of a keyed view holds here, so that floors matter.
const CAP: usize = 4;

/// The set of a view over some requests, cut as a window would cut it.
fn set(view: &str, grain: Grain, start: i64, hits: &[Hit]) -> RowSet {
    let span = start..start + grain.minutes();
    let hits: Vec<Hit> = hits.iter().copied().filter(|hit| span.contains(&hit.0)).collect();
    let mut rows = rows(&hits, view);
    let cut = rows.split_off(CAP.min(rows.len()));
    RowSet {
        view: view.to_owned(),
        grain,
        start: Minute(start),
        partition: None,
        version: 1,
        state: State::Exact,
        keys: Some((rows.len() + cut.len()) as u64),
        floor: cut.first().map_or(0, |row| row.counts.requests()),
        rows,
        summary: (view == "traffic").then(|| Box::new(summary(&hits))),
    }
}

fn rows(hits: &[Hit], view: &str) -> Vec<Row> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (_, client, page) in hits {
        let key = match view {
            "traffic" => String::new(),
            "clients" => format!("192.0.2.{client}"),
            "pages" => format!("/{page}"),
            _ => continue,
        };
        *counts.entry(key).or_default() += 1;
    }
    let row = |(key, requests)| {
        let mut counts = Counts::default();
        counts.0[0] = requests;
        Row { key, counts, missed: 0 }
    };
    let mut rows: Vec<Row> = counts.into_iter().map(row).collect();
    rows.sort_by(|a, b| (b.counts.requests(), &a.key).cmp(&(a.counts.requests(), &b.key)));
    rows
}

fn summary(hits: &[Hit]) -> Summary {
    let mut summary = Summary::default();
    let clients: BTreeSet<u8> = hits.iter().map(|hit| hit.1).collect();
    for (_, client, _) in hits {
        summary.clients.update(key_hash(&client.to_string()));
        summary.sizes.update(u64::from(*client));
    }
    let records = hits.len() as u64;
    summary.tally = Tally { records: records + 1, malformed: 1, blank: 0, hash: records };
    let clients = clients.len() as u64;
    summary.exact = Some(Distincts { clients, ..Distincts::default() });
    summary
}

/// All sets of one grain over some requests; spans without any have none.
fn sets(grain: Grain, hits: &[Hit]) -> Vec<RowSet> {
    let starts: BTreeSet<i64> = hits.iter().map(|hit| grain.start(Minute(hit.0)).0).collect();
    let of_span = |start| VIEWS.iter().map(move |view| set(view.name, grain, start, hits));
    starts.into_iter().flat_map(of_span).collect()
}

/// An index in which both layers hold the whole log, published up to `boundary`.
fn index(hits: &[Hit], boundary: Option<i64>, end_of_input: bool) -> SqliteIndex {
    let index = SqliteIndex::temporary().unwrap();
    for parity in [0, 1] {
        let mine: Vec<Hit> = hits.iter().copied().filter(|hit| hit.1 % 2 == parity).collect();
        for grain in Grain::ALL {
            let mut sets = sets(grain, &mine);
            for set in &mut sets {
                set.partition = Some(Partition::new("access", parity.into()));
                set.state = State::Closed;
            }
            index.put(&sets).unwrap();
        }
    }
    if let Some(boundary) = boundary {
        for grain in Grain::ALL {
            let mut sets = sets(grain, hits);
            sets.retain(|set| grain.end(set.start).0 <= boundary);
            index.stage("run", &sets, &[]).unwrap();
        }
        let publication = Publication {
            generation: 1,
            boundary: Minute(boundary),
            end_of_input,
            published_at: 0,
            info: json!(null),
        };
        index.publish("run", &publication).unwrap();
    }
    index
}

/// The exact tables, as the batch layer would have them.
struct Whole(Vec<Hit>);

impl History for Whole {
    fn exact_set(
        &self,
        publication: &Publication,
        view: &str,
        range: Range,
        top: usize,
    ) -> Result<Option<RowSet>, String> {
        assert!(range.to.0 <= publication.boundary && !range.is_empty());
        let span = range.from.0.0..range.to.0.0;
        let hits: Vec<Hit> = self.0.iter().copied().filter(|hit| span.contains(&hit.0)).collect();
        let mut set = set(view, Grain::Minute, 0, &[]);
        set.rows = rows(&hits, view);
        set.floor = set.rows.get(top).filter(|_| top > 0).map_or(0, |row| row.counts.requests());
        set.rows.truncate(if top > 0 { top } else { usize::MAX });
        set.summary = (view == "traffic").then(|| Box::new(summary(&hits)));
        Ok(Some(set))
    }
}

#[test]
fn a_list_that_was_cut_to_fewer_rows_than_are_asked_for_is_not_exact() {
    let hits = [0, 1, 4, 5, 2].map(|page| (0, 0, page));
    let index = index(&hits, Some(217), false);
    let list = |n| {
        let query = TopQuery { view: "pages", range: range(-95, 1), n, by: 0, trend: false };
        top(&Stores::new(&index), &query).unwrap()
    };
    let (long, short) = (list(5), list(4));
    assert!(long.rows.len() == 4 && !long.exact && short.exact, "{long:?}");
}

fn range(from: i64, to: i64) -> Range {
    Range::new(Minute(from), Minute(to))
}

fn hits() -> impl Strategy<Value = Vec<Hit>> {
    let minute = prop_oneof![0i64..30, 0i64..4000];
    prop::collection::vec((minute, 0u8..12, (0u8..40).prop_map(|page| page / 3)), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_question_agrees_with_the_log(
        hits in hits(), boundary in -50i64..4500, from in -100i64..4100, length in 0i64..4100,
        step in prop_oneof![Just(1i64), Just(7), Just(60), Just(1440), Just(120)],
    ) {
        let index = index(&hits, Some(boundary), false);
        let stores = Stores::new(&index);
        let asked = range(from, from + length);
        let inside: Vec<Hit> =
            hits.iter().copied().filter(|hit| (from..from + length).contains(&hit.0)).collect();
        let n = inside.len() as u64;

        let whole = totals(&stores, asked).unwrap();
        prop_assert_eq!(whole.measures.0.requests(), n);
        prop_assert_eq!(whole.exact, from + length <= boundary);
        let clients = inside.iter().map(|hit| hit.1).collect::<BTreeSet<_>>().len() as u64;
        let estimate = whole.spread.distinct_clients;
        prop_assert_eq!(estimate.value, clients, "a sketch of so few is right");
        prop_assert!(!estimate.exact || from + length <= boundary);

        if length / step < MAX_POINTS {
            let query = SeriesQuery { range: asked, step, spread: true, split: false };
            let points = series(&stores, &query).unwrap().points;
            let sum: u64 = points.iter().map(|point| point.measures.0.requests()).sum();
            prop_assert_eq!(sum, n);
            for point in &points {
                let start = point.start.0.0;
                let span = start..start + point.minutes;
                let mine = inside.iter().filter(|hit| span.contains(&hit.0)).count() as u64;
                prop_assert_eq!(point.measures.0.requests(), mine);
                prop_assert_eq!(point.exact, span.end <= boundary);
            }
        }
    }

    #[test]
    fn a_list_is_never_called_exact_if_it_is_not(
        hits in hits(), boundary in -50i64..4500, from in -100i64..4100, length in 0i64..4100, n in 1usize..8,
    ) {
        let index = index(&hits, Some(boundary), false);
        let asked = range(from, from + length);
        let inside: Vec<Hit> =
            hits.iter().copied().filter(|hit| (from..from + length).contains(&hit.0)).collect();
        let truth = rows(&inside, "pages");
        let best: Vec<_> = truth.iter().take(n).map(|row| (&row.key, row.counts)).collect();
        let query = TopQuery { view: "pages", range: asked, n, by: 0, trend: false };

        let list = top(&Stores::new(&index), &query).unwrap();
        let found: Vec<_> = list.rows.iter().map(|row| (&row.key, row.measures.0)).collect();
        if list.exact {
            prop_assert_eq!(&found, &best);
            prop_assert!(from + length <= boundary);
        }
        for row in &truth {
            let requests = row.counts.requests();
            match list.rows.iter().find(|listed| listed.key == row.key) {
                Some(listed) => {
                    let low = listed.measures.0.requests();
                    prop_assert!((low..=low + listed.missed).contains(&requests));
                    prop_assert!(!listed.exact || low == requests);
                }
                None => prop_assert!(requests <= list.bound),
            }
        }

        let whole = Whole(hits.clone());
        let stores = Stores { index: &index, history: Some(&whole) };
        let list = top(&stores, &query).unwrap();
        prop_assert_eq!(list.exact, from + length <= boundary, "the history proves what it can");
        if list.exact {
            let found: Vec<_> = list.rows.iter().map(|row| (&row.key, row.measures.0)).collect();
            prop_assert_eq!(&found, &best);
        }
    }
}

/// Ten days of requests: client and page vary, minute 100 of each day is the busiest.
fn ten_days() -> Vec<Hit> {
    let day = |day: i64| {
        (0..200).map(move |i| {
            let minute = if i < 20 { 100 } else { i * 7 };
            (day * 1440 + minute, ((i * i + day) % 97) as u8, (i % 13) as u8)
        })
    };
    (0..10).flat_map(day).collect()
}

#[test]
fn one_exact_row_has_exact_distinct_clients() {
    let hits = ten_days();
    let index = index(&hits, Some(14_400), false);
    let stores = Stores::new(&index);
    for (from, to, exact) in
        [(0, 1440, true), (1440, 2880, true), (0, 2880, false), (60, 120, true)]
    {
        let whole = totals(&stores, range(from, to)).unwrap();
        assert!(whole.exact, "{from}..{to}");
        assert_eq!(whole.spread.distinct_clients.exact, exact, "{from}..{to}");
    }
    let history = Whole(hits);
    let stores = Stores { index: &index, history: Some(&history) };
    assert!(totals(&stores, range(0, 2880)).unwrap().spread.distinct_clients.exact);
    assert!(!totals(&stores, range(0, 14_401)).unwrap().spread.distinct_clients.exact);
}

#[test]
fn after_the_end_of_input_everything_is_exact() {
    let hits = ten_days();
    let last = hits.iter().map(|hit| hit.0).max().unwrap();
    let history = Whole(hits.clone());
    for (end_of_input, expected) in [(true, true), (false, false)] {
        let index = index(&hits, Some(last + 1), end_of_input);
        let stores = Stores { index: &index, history: Some(&history) };
        assert_eq!(report(&stores, Range::ALL, 10).unwrap().exact, expected);
    }
}

#[test]
fn a_report_has_the_fields_that_scripts_read() {
    let hits = ten_days();
    let index = index(&hits, Some(14_400), true);
    let history = Whole(hits.clone());
    let stores = Stores { index: &index, history: Some(&history) };
    let report = serde_json::to_value(report(&stores, Range::ALL, 3).unwrap()).unwrap();
    let clients = hits.iter().map(|hit| hit.1).collect::<BTreeSet<_>>().len();
    let malformed = sets(Grain::Minute, &hits).iter().filter(|set| set.view == "traffic").count();
    for (field, expected) in [
        ("requests", json!(2000)),
        ("blank", json!(0)),
        ("bytes", json!(0)),
        ("distinct_clients", json!(clients)),
        ("status", json!({})),
        ("methods", json!({})),
        ("first_minute", json!("1970-01-01T01:40Z")),
        ("last_minute", json!("1970-01-10T23:13Z")),
        ("exact", json!(true)),
        ("estimated", json!([])),
        ("boundary", json!("1970-01-11T00:00Z")),
        ("generation", json!(1)),
        ("top_errors", json!([])),
        ("top_referrers", json!([])),
        ("top_agents", json!([])),
        ("top_hosts", json!([])),
    ] {
        assert_eq!(report[field], expected, "{field}");
    }
    assert_eq!(
        report["busiest_minutes"],
        json!([["1970-01-01T01:40Z", 20], ["1970-01-02T01:40Z", 20], ["1970-01-03T01:40Z", 20]])
    );
    let best = rows(&hits, "pages");
    let pairs: Vec<_> =
        best.iter().take(3).map(|row| json!([row.key, row.counts.requests()])).collect();
    assert_eq!(report["top_pages"], json!(pairs));
    assert!(report["malformed"].as_u64().unwrap() <= malformed as u64);
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let index = index(&ten_days(), None, false);
    let stores = Stores::new(&index);
    let refused = |result: Result<(), QueryError>| {
        assert!(matches!(result.unwrap_err(), QueryError::Question(_)));
    };
    let ask_series = |step| {
        let query = SeriesQuery { range: Range::ALL, step, spread: false, split: false };
        series(&stores, &query).map(drop)
    };
    refused(ask_series(0));
    refused(ask_series(-5));
    ask_series(i64::MAX).unwrap();
    ask_series(1).unwrap();
    let ask_top = |view, n| {
        top(&stores, &TopQuery { view, range: Range::ALL, n, by: 0, trend: false }).map(drop)
    };
    refused(ask_top("pages'; --", 5));
    refused(ask_top("pages", 0));
    refused(ask_top("pages", 1_000_000));
    refused(report(&stores, Range::ALL, 0).map(drop));
}

#[test]
fn an_empty_index_answers_too() {
    let index = SqliteIndex::temporary().unwrap();
    let stores = Stores::new(&index);
    let whole = totals(&stores, Range::ALL).unwrap();
    assert_eq!((whole.measures.0.requests(), whole.exact, whole.range), (0, false, None));
    let query = SeriesQuery { range: range(0, 10), step: 1, spread: true, split: false };
    assert_eq!(series(&stores, &query).unwrap().points, []);
    let empty = report(&stores, Range::ALL, 10).unwrap();
    assert_eq!((empty.requests, empty.first_minute, empty.stamp.boundary), (0, None, None));
    assert_eq!(report(&stores, range(10, 5), 10).unwrap().requests, 0);
}

#[test]
fn a_report_is_readable_text() {
    let mut hits = ten_days();
    hits.push((14_399, 7, 3));
    let index = index(&hits, Some(14_390), false);
    let report = report(&Stores::new(&index), Range::ALL, 3).unwrap();
    let text = render(&report, &Style { width: 80, colour: false });
    println!("{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80 && line == line.trim_end(), "{line:?}");
    }
    for part in
        ["≈          2,001", "Requests per 4 hours", "≈ Top pages", "  8.0 %", "generation 1"]
    {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_report_obeys_no_log() {
    let index = index(&ten_days(), Some(14_400), true);
    let mut report = report(&Stores::new(&index), Range::ALL, 3).unwrap();
    let hostile = "/\x1b[2J\u{202e}\r\n\u{9b}".to_owned();
    report.top.top_pages = vec![(hostile.clone(), u64::MAX), ("/é".repeat(300), 0)];
    report.methods = [(hostile, 5)].into();
    let text = render(&report, &Style::default());
    assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'));
    assert!(
        text.contains("/\\u{1b}[2J\\u{202e}\\u{d}\\u{a}\\u{9b}") && text.contains("/é/é…"),
        "{text}"
    );
}
