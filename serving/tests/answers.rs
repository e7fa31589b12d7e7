//! Answers that are kept say what a new one would say.

mod site;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use site::{Site, sets, sources};
use twofold_data::view::State;
use twofold_serving::api::answer;
use twofold_serving::index::Index;

/// Questions of every kind that is kept.
const QUESTIONS: [&str; 7] = [
    "/api/v1/totals?last=1h",
    "/api/v1/report",
    "/api/v1/series?last=1h",
    "/api/v1/series?step=5m&split=true&columns=true",
    "/api/v1/top/pages?n=3&trend=true",
    "/api/v1/slice?page=/a&step=auto",
    "/api/v1/heatmap",
];

/// The tests share the process's counter of kept answers, and run one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kept(site: &Site) -> u64 {
    let (_, text) = site.get("/metrics");
    let line = text.as_str().unwrap().lines();
    let mut found = line.filter_map(|line| line.strip_prefix("twofold_api_answers_kept_total "));
    found.next().map_or(0, |count| count.parse().unwrap())
}

/// How far an answer may be behind.
const BEHIND: Duration = Duration::from_millis(500);

fn requests(site: &Site) -> (Value, Value) {
    let (_, totals) = site.get("/api/v1/totals?last=1h");
    (totals["measures"]["requests"].clone(), totals["generation"].clone())
}

#[test]
fn a_publication_is_seen_at_once() {
    let _alone = alone();
    let site = Site::new();
    for generation in 1..=20 {
        site.publish(generation, 0..1, generation * 7);
        assert_eq!(requests(&site), (json!(generation * 7), json!(generation)));
    }
}

#[test]
fn new_rows_are_seen_within_half_a_second() {
    let _alone = alone();
    let site = Site::new();
    site.put(0, "/", 1);
    assert_eq!(requests(&site), (json!(1), json!(0)));
    for round in 2..=6 {
        site.put(0, "/", round);
        let written = Instant::now();
        loop {
            let (seen, _) = requests(&site);
            if seen == json!(round) {
                break;
            }
            assert_eq!(seen, json!(round - 1), "no answer is older than the last one");
            assert!(written.elapsed() < BEHIND + Duration::from_millis(300), "round {round}");
        }
    }
    // Nobody has asked for a while: the answer is new. So it is where another process writes.
    std::thread::sleep(BEHIND);
    let other = twofold_serving::index::SqliteIndex::open(&site.path()).unwrap();
    other.put(&sets(1, "/", 1_000, State::Closed)).unwrap();
    other.put_state(&site::state(1)).unwrap();
    assert_eq!(requests(&site), (json!(1_006), json!(0)));
}

#[test]
fn equal_questions_are_answered_once() {
    let _alone = alone();
    let site = Site::new();
    (0..200).for_each(|minute| site.put(minute, "/", 7));
    let before = kept(&site);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let ask = || site.get("/api/v1/report").1;
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    assert_eq!(kept(&site) - before, 19, "one of twenty is computed");
    site.get("/api/v1/totals?from=yesterday");
    site.get("/api/v1/totals?from=yesterday");
    assert_eq!(kept(&site) - before, 19, "what is refused is not kept");
}

/// What can happen to an index.
#[derive(Debug, Clone)]
enum Event {
    Put(i64, &'static str, u64),
    Publish(i64, u64),
    Ask(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let key = prop::sample::select(vec!["/a", "/b", "/c"]);
    prop_oneof![
        2 => (0i64..90, key, 1u64..50).prop_map(|(minute, key, count)| Event::Put(minute, key, count)),
        1 => (1i64..80, 1u64..50).prop_map(|(more, count)| Event::Publish(more, count)),
        3 => (0..QUESTIONS.len()).prop_map(Event::Ask),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_kept_answer_is_what_a_new_one_would_be(events in prop::collection::vec(event(), 1..40)) {
        let _alone = alone();
        let site = Site::new();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (mut generation, mut boundary, mut version) = (0, 0, 1);
        for event in events {
            match event {
                Event::Put(minute, key, count) => {
                    version += 1;
                    let mut sets = sets(minute, key, count, State::Closed);
                    sets.iter_mut().for_each(|set| set.version = version);
                    site.index.put(&sets).unwrap();
                    site.index.put_state(&site::state(minute)).unwrap();
                }
                Event::Publish(more, count) => {
                    (generation, boundary) = (generation + 1, boundary + more);
                    site.publish(generation, 0..boundary, count);
                }
                Event::Ask(number) => {
                    let question = QUESTIONS[number];
                    let new = runtime.block_on(answer(sources(&site.index), question));
                    let (status, body) = new.unwrap().unwrap();
                    let new: Value = serde_json::from_slice(&body).unwrap();
                    let asked = Instant::now();
                    while site.get(question) != (status, new.clone()) {
                        prop_assert!(asked.elapsed() < 3 * BEHIND, "{}: {}", question, new);
                    }
                    prop_assert_eq!(site.get(question), (status, new), "once new, it stays");
                }
            }
        }
    }
}
