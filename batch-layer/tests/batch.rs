//! The batch layer on real archives, held against the generator's answers and the fold.

mod site;

use std::collections::BTreeMap;
use std::path::Path;

use site::Site;
use twofold_batch::history::History;
use twofold_data::class::Classifier;
use twofold_data::format::{Format, Parser};
use twofold_data::generate::Profile;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::{Partition, partition_seed, record_hash};
use twofold_data::request::Line;
use twofold_data::view::{RowSet, State, VIEWS};
use twofold_data::window::Aggregate;
use twofold_serving::index::{Index, Query};
use twofold_serving::query::{Range, Stores, report};

fn text(minutes: &[(twofold_serving::query::Instant, u64)]) -> Vec<(String, u64)> {
    minutes.iter().map(|(minute, count)| (minute.to_string(), *count)).collect()
}

#[test]
fn a_day_comes_out_as_the_generator_says() {
    let site = Site::new();
    let answers = site.generate(Profile::demo(), 40_000, 3);
    site.archive();
    let index = site.index();
    let outcome = site.batch(&index);
    assert!(outcome.published && outcome.end_of_input, "{outcome:?}");
    assert_eq!(outcome.new_records, answers.lines);
    let report = report(&Stores::new(&index), Range::ALL, 10).unwrap();
    assert_eq!(report.requests, answers.requests);
    assert_eq!((report.malformed, report.blank), (answers.malformed, answers.blank));
    assert_eq!(report.bytes, answers.bytes);
    assert_eq!(report.methods.values().sum::<u64>(), answers.requests);
    assert_eq!(report.status.values().sum::<u64>(), answers.requests);
    assert_eq!(text(&report.busiest_minutes), answers.busiest_minutes);
    let again = site.batch(&index);
    assert!(!again.published, "{again:?}");
    assert_eq!(again.generation, 1);
}

/// What the fold makes of the same records, as one partition.
fn folded(log: &Path) -> BTreeMap<(String, Minute), RowSet> {
    let partition = Partition::new("access", 0);
    let seed = partition_seed(&partition);
    let (mut parser, mut classifier) =
        (Parser::new(&Format::named("combined").unwrap()), Classifier::new());
    let mut windows: BTreeMap<Minute, Aggregate> = BTreeMap::new();
    let (mut offset, mut last) = (0, 0);
    let bytes = std::fs::read(log).unwrap();
    for line in bytes.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n') {
        let hash = record_hash(seed, offset);
        offset += line.len() as u64 + 1;
        match parser.parse(line) {
            Line::Request(request) => {
                last = request.time;
                let window =
                    windows.entry(Minute::of(last)).or_insert_with(|| Aggregate::with_cap(1 << 20));
                window.fold(&classifier.classify(&request), hash);
            }
            Line::Blank => windows.entry(Minute::of(last)).or_default().blank(hash),
            Line::Malformed(_) => windows.entry(Minute::of(last)).or_default().malformed(hash),
        }
    }
    let sets = windows.iter().flat_map(|(minute, window)| {
        window.row_sets(&partition, Grain::Minute, *minute, 1, State::Closed)
    });
    sets.map(|set| ((set.view.clone(), set.start), set)).collect()
}

#[test]
fn polars_counts_what_the_fold_counts() {
    let site = Site::new();
    site.generate(Profile::demo(), 20_000, 7);
    site.archive();
    let index = site.index();
    site.batch(&index);
    let views: Vec<&str> = VIEWS.iter().map(|view| view.name).collect();
    let query = Query {
        views: &views,
        from: Minute(0),
        to: Minute(1 << 40),
        coarsest: Grain::Minute,
        sketches: true,
    };
    let exact = index.read(&query).unwrap().exact;
    let mut fold = folded(&site.log());
    assert_eq!(exact.len(), fold.len());
    for set in exact {
        let other = fold.remove(&(set.view.clone(), set.start)).unwrap();
        let what = format!("{} {}", set.view, set.start);
        assert_eq!(set.rows, other.rows, "{what}");
        assert_eq!((set.floor, set.keys), (other.floor, other.keys), "{what}");
        if let (Some(ours), Some(theirs)) = (&set.summary, &other.summary) {
            assert_eq!(ours.tally, theirs.tally, "{what}");
            assert_eq!(ours.clients, theirs.clients, "{what}: the same sketch of the same keys");
            assert_eq!(ours.human_clients, theirs.human_clients, "{what}");
            assert_eq!(ours.sizes.count(), theirs.sizes.count(), "{what}");
        }
    }
}

#[test]
fn a_day_is_the_merge_of_its_hours() {
    let site = Site::new();
    let answers = site.generate(Profile::demo(), 20_000, 9);
    site.archive();
    let index = site.index();
    site.batch(&index);
    let day = Grain::Day.start(Minute::of(1_773_100_800_000));
    let query = Query {
        views: &["traffic", "clients", "pages"],
        from: day,
        to: Grain::Day.end(day),
        coarsest: Grain::Day,
        sketches: true,
    };
    let exact = index.read(&query).unwrap().exact;
    let of = |view: &str| exact.iter().find(|set| set.view == view && set.grain == Grain::Day);
    let top = |set: &RowSet| -> Vec<(String, u64)> {
        set.rows.iter().take(10).map(|row| (row.key.clone(), row.counts.requests())).collect()
    };
    assert_eq!(top(of("clients").unwrap()), answers.top_clients);
    assert_eq!(top(of("pages").unwrap()), answers.top_pages);
    let summary = of("traffic").unwrap().summary.as_ref().unwrap();
    assert_eq!(summary.exact.unwrap().clients, answers.distinct_clients);
}

/// A log that grows piece by piece, with a run after each: the history keeps two
/// generations, and the last one is whole.
#[test]
fn superseded_tables_go() {
    let site = Site::new();
    let answers = site.generate(Profile::demo(), 4_000, 12);
    let log = std::fs::read(site.log()).unwrap();
    let index = site.index();
    for part in 1..=6 {
        let to = log.len() * part / 6;
        let to = log[..to].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        std::fs::write(site.log(), &log[..to]).unwrap();
        site.archive();
        assert!(site.batch(&index).published);
    }
    let manifests = std::fs::read_dir(site.folder().join("history/generations")).unwrap().count();
    assert_eq!(manifests, 2);
    assert_eq!(index.published().unwrap().unwrap().generation, 6);
    let history = History::open(site.store("history")).unwrap();
    let stores = Stores { index: &index, history: Some(&history) };
    let report = report(&stores, Range::ALL, 10).unwrap();
    assert!(report.exact);
    assert_eq!((report.requests, report.bytes), (answers.requests, answers.bytes));
    assert_eq!(report.distinct_clients, answers.distinct_clients);
    assert_eq!(report.top.top_clients, answers.top_clients);
}
