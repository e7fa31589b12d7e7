//! Slices and lines of a filter, held against a plain fold of the log.

mod site;

use std::collections::BTreeMap;

use site::Site;
use twofold_batch::archive::Archive;
use twofold_batch::lines::lines;
use twofold_batch::slice::slice;
use twofold_data::class::{Classifier, PageRules};
use twofold_data::format::{Format, Parser};
use twofold_data::generate::Profile;
use twofold_data::minute::Minute;
use twofold_data::request::Line;
use twofold_data::view::{Counts, Filter};
use twofold_serving::api::LineFilter;
use twofold_serving::index::SqliteIndex;
use twofold_serving::query::{Range, SliceQuery, Sliced, Slices, Slicing, slice as ask};
use twofold_serving::query::{Stores, totals};

struct Archived(Archive, u64);

impl Slices for Archived {
    fn slice(&self, question: &Slicing) -> Result<Sliced, String> {
        slice(&self.0, question, PageRules::default(), self.1).map_err(|error| error.to_string())
    }
}

fn filter(conditions: &[(&str, &str)]) -> Filter {
    let mut filter = Filter::default();
    conditions.iter().for_each(|(name, value)| filter.add(name, value).unwrap());
    filter
}

fn site() -> (Site, SqliteIndex) {
    let site = Site::new();
    site.generate(Profile::demo(), 20_000, 5);
    site.archive();
    let index = site.index();
    site.batch(&index);
    (site, index)
}

/// What the filter admits of the log: measures by hour, and requests by page.
fn plain(site: &Site, only: &Filter) -> (BTreeMap<i64, Counts>, BTreeMap<String, u64>) {
    let log = std::fs::read(site.log()).unwrap();
    let mut parser = Parser::new(&Format::named("combined").unwrap());
    let mut classifier = Classifier::new();
    let (mut hours, mut pages) = (BTreeMap::new(), BTreeMap::new());
    for record in log.split(|byte| *byte == b'\n') {
        let Line::Request(request) = parser.parse(record) else { continue };
        let facts = classifier.classify(&request);
        if only.admits(&facts) {
            let hour = Minute::of(facts.time).0.div_euclid(60);
            *hours.entry(hour).or_insert_with(Counts::default) += &Counts::of(&facts);
            if let Some(page) = facts.page {
                *pages.entry(page.to_owned()).or_insert(0) += 1;
            }
        }
    }
    (hours, pages)
}

#[test]
fn any_combination_comes_out_as_a_fold_of_the_log_says() {
    let (site, index) = site();
    let archive = Archived(Archive::open(site.store("archive")).unwrap(), u64::MAX);
    for conditions in [
        &[("status", "404"), ("kind", "bot")][..],
        &[("page", "/"), ("method", "GET")],
        &[("page", "/"), ("agent", "Googlebot")],
        &[("system", "Windows"), ("status", "3xx,5xx")],
        &[("referrer", "www.google.com"), ("kind", "human")],
        &[("client", "203.0.113.250")],
    ] {
        let only = filter(conditions);
        let (hours, pages) = plain(&site, &only);
        let query = SliceQuery { only: &only, range: Range::ALL, step: 60, n: 100, trend: true };
        let found = ask(&Stores::new(&index), Some(&archive), &query).unwrap();
        let mut sum = Counts::default();
        hours.values().for_each(|counts| sum += counts);
        assert_eq!(found.source, "archive");
        assert!(found.totals.exact && found.not_kept.is_none() && found.covered.is_none());
        assert_eq!(found.totals.measures["requests"], sum.requests(), "{conditions:?}");
        assert_eq!(found.totals.measures["bytes"], sum.get("bytes").unwrap(), "{conditions:?}");
        let list = &found.lists["pages"];
        assert!(list.exact, "{conditions:?}");
        let listed = list.rows.iter().map(|row| (row.key.clone(), row.measures.0.requests()));
        let listed: BTreeMap<_, _> = listed.collect();
        for (page, count) in &listed {
            assert_eq!(pages[page], *count, "{page}");
        }
        assert_eq!(listed.len(), pages.len().min(100), "{conditions:?}");
        for row in &list.rows {
            // Where the course is known of every step, it adds up.
            let course: Option<Vec<u64>> = row.trend.iter().flatten().copied().collect();
            let sum = course.map(|course| course.iter().sum::<u64>());
            let requests = row.measures.0.requests();
            assert!(row.trend.is_some() && sum.is_none_or(|sum| sum == requests), "{row:?}");
        }
        let columns = serde_json::to_value(&found.series).unwrap();
        let at = columns["columns"]["at"].as_array().unwrap();
        for (at, requests) in at.iter().zip(columns["columns"]["requests"].as_array().unwrap()) {
            let expected = hours.get(&(at.as_i64().unwrap() / 3600)).map_or(0, Counts::requests);
            assert_eq!(requests.as_u64(), Some(expected), "{conditions:?}");
        }
    }
}

/// What rows can tell needs no archive, and is the same.
#[test]
fn what_is_kept_is_what_the_archive_says() {
    let (site, index) = site();
    for conditions in [
        [("status", "404")],
        [("status", "5xx")],
        [("status", "4xx")],
        [("kind", "bot")],
        [("kind", "human")],
    ] {
        let only = filter(&conditions);
        let query = SliceQuery { only: &only, range: Range::ALL, step: 60, n: 100, trend: true };
        let found = ask(&Stores::new(&index), None, &query).unwrap();
        let (hours, pages) = plain(&site, &only);
        let requests: u64 = hours.values().map(Counts::requests).sum();
        assert_eq!(found.source, "index");
        assert_eq!(found.totals.measures["requests"], requests, "{conditions:?}");
        for row in &found.lists["pages"].rows {
            let (low, missed) = (row.measures.0.requests(), row.missed);
            let truth = pages.get(&row.key).copied().unwrap_or(0);
            assert!((low..=low + missed).contains(&truth), "{conditions:?} {row:?} {truth}");
            // Where the course is known of every step, it adds up.
            let course: Option<Vec<u64>> = row.trend.iter().flatten().copied().collect();
            let sum = course.map(|course| course.iter().sum::<u64>());
            assert!(row.trend.is_some() && sum.is_none_or(|sum| sum == low), "{row:?}");
        }
    }
}

#[test]
fn an_archive_too_large_is_searched_from_its_end() {
    let (site, index) = site();
    let archive = Archived(Archive::open(site.store("archive")).unwrap(), 5_000);
    let only = filter(&[("status", "200"), ("kind", "human")]);
    let query = SliceQuery { only: &only, range: Range::ALL, step: 60, n: 10, trend: false };
    let found = ask(&Stores::new(&index), Some(&archive), &query).unwrap();
    let covered = found.covered.expect("not all of it was searched");
    let (hours, _) = plain(&site, &only);
    let of_covered = hours.range(covered.from.0.0 / 60..);
    let expected: u64 = of_covered.map(|(_, counts)| counts.requests()).sum();
    assert!(expected > 0);
    assert_eq!(found.totals.measures["requests"], expected);
}

#[test]
fn without_an_archive_a_combination_is_not_guessed() {
    let (_site, index) = site();
    let only = filter(&[("status", "200"), ("kind", "human")]);
    let query = SliceQuery { only: &only, range: Range::ALL, step: 60, n: 10, trend: false };
    let found = ask(&Stores::new(&index), None, &query).unwrap();
    assert_eq!(found.totals.measures["requests"], 0);
    let stored = totals(&Stores::new(&index), Range::ALL).unwrap().range.unwrap();
    assert_eq!(found.not_kept, Some(stored));
}

#[test]
fn pages_of_lines_join_without_seam() {
    let (site, _) = site();
    let archive = Archive::open(site.store("archive")).unwrap();
    let page = |after, limit| {
        let only = filter(&[("status", "404,5xx"), ("kind", "bot")]);
        let filter = LineFilter { only, after, limit, ..LineFilter::default() };
        lines(&archive, &filter, PageRules::default()).unwrap().0
    };
    let whole = page(None, usize::MAX);
    assert!(whole.len() > 20);
    let mut joined = page(None, 7);
    loop {
        let last = joined.last().unwrap();
        let (topic, number) = last.partition.rsplit_once('-').unwrap();
        let partition = twofold_data::partition::Partition::new(topic, number.parse().unwrap());
        let next = page(Some((partition, last.offset)), 7);
        if next.is_empty() {
            break;
        }
        joined.extend(next);
    }
    assert_eq!(joined, whole);
}
