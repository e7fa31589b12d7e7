//! Spikes in the rows of an index: found early, once, and the same after a restart.

use std::sync::Arc;

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::spike::{Direction, Quantity, Series, Severity};
use twofold_data::view::{Counts, Row, RowSet, State, Summary, Tally, measure_index};
use twofold_serving::index::{Index, PartitionState, SqliteIndex};
use twofold_serving::spikes::alerts::{Event, Rules, claim};
use twofold_serving::spikes::{Heartbeat, Judge, Listed, SpikeRow, list};

/// Some Monday, in minutes.
const START: i64 = 29_500_000;

/// Minutes of traffic before a spike.
const CALM: i64 = 2 * 1440;

/// A repeatable number around 0, between -3 and 3, mostly near 0.
fn noise(minute: i64) -> f64 {
    let mut bits = (minute as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..4)
        .map(|_| {
            bits ^= bits >> 29;
            bits = bits.wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (bits >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        })
        .sum::<f64>()
        * 1.7
}

fn requests(minute: i64) -> u64 {
    (200.0 + 14.0 * noise(minute)).max(0.0) as u64
}

fn row(key: &str, requests: u64) -> Row {
    let mut counts = Counts::default();
    counts.0[measure_index("requests").unwrap()] = requests;
    Row { key: key.to_owned(), counts, missed: 0 }
}

/// The rows of one minute of a partition, `usual` requests of many clients and `more` of one.
fn minute(number: u32, minute: i64, usual: u64, more: u64, state: State) -> Vec<RowSet> {
    let set = |view: &str, rows: Vec<Row>| RowSet {
        view: view.to_owned(),
        grain: Grain::Minute,
        start: Minute(minute),
        partition: Some(Partition::new("access", number)),
        version: 1,
        state,
        rows,
        floor: 0,
        keys: None,
        summary: None,
    };
    let tally = Tally { records: usual + more, ..Tally::default() };
    let summary = Some(Box::new(Summary { tally, ..Summary::default() }));
    let clients = vec![row("192.0.2.66", more), row("192.0.2.1", usual)];
    vec![RowSet { summary, ..set("traffic", vec![row("", usual + more)]) }, set("clients", clients)]
}

/// Says how far a partition has come: windows up to `closed`, and requests of the time `largest` (ms).
fn state(index: &dyn Index, number: u32, closed: i64, largest: i64) {
    let state = PartitionState {
        partition: Partition::new("access", number),
        identity: String::new(),
        resume_offset: 0,
        resume_event_time: None,
        resume_request_time: None,
        resume_arrival: None,
        processed_through: largest as u64,
        closed_through: Some(Minute(closed)),
        largest_event_time: Some(largest),
        records: 1,
        late: 0,
        ahead: 0,
        malformed: Vec::new(),
        blank: 0,
        ended: false,
    };
    index.put_state(&state).unwrap();
}

fn put(index: &dyn Index, from: i64, to: i64, more: impl Fn(i64) -> u64) {
    for at in from..to {
        index.put(&minute(0, at, requests(at), more(at), State::Closed)).unwrap();
    }
    state(index, 0, to - 1, Minute(to + 2).start_ms());
}

fn stored(index: &dyn Index) -> Vec<SpikeRow> {
    let listed: Vec<Listed> = list(index, Minute(0), Minute(START * 2)).unwrap();
    listed.into_iter().map(|listed| listed.row).collect()
}

/// The minutes of a spike.
fn spike(at: i64) -> u64 {
    if (START + CALM..START + CALM + 8).contains(&at) { 700 } else { 0 }
}

/// Long after all of it: nothing is live.
fn later() -> i64 {
    Minute(START + 100_000).start_ms()
}

#[test]
fn a_spike_is_one_row_with_who_made_it() {
    let index: Arc<dyn Index> = Arc::new(SqliteIndex::temporary().unwrap());
    put(&*index, START, START + CALM + 60, spike);
    Judge::open(Arc::clone(&index)).unwrap().step(later()).unwrap();
    let rows = stored(&*index);
    let [row] = &rows[..] else { panic!("{rows:#?}") };
    assert_eq!((row.series.quantity, row.direction), (Quantity::Requests, Direction::Up));
    assert_eq!((row.start, row.minutes, row.closed), (Minute(START + CALM), 8, true));
    assert!((row.observed - 900.0).abs() < 30.0 && (row.expected - 200.0).abs() < 30.0, "{row:?}");
    let cause = &row.causes.clients[0];
    assert_eq!((&*cause.key, cause.observed), ("192.0.2.66", 5600));
    assert_eq!(row.causes.networks[0].key, "192.0.2.0/24");
}

#[test]
fn what_a_log_begins_with_is_no_spike() {
    let index: Arc<dyn Index> = Arc::new(SqliteIndex::temporary().unwrap());
    for at in START..START + 200 {
        let mut sets = minute(0, at, requests(at), 0, State::Closed);
        let mut pages = RowSet { view: "pages".into(), ..sets[1].clone() };
        pages.rows = vec![row("/", requests(at) / 2), row("/about", requests(at) / 4)];
        sets.push(pages);
        index.put(&sets).unwrap();
    }
    state(&*index, 0, START + 199, Minute(START + 202).start_ms());
    Judge::open(Arc::clone(&index)).unwrap().step(later()).unwrap();
    assert_eq!(stored(&*index), []);
}

#[test]
fn killed_at_any_minute_it_finds_the_same() {
    let undisturbed: Arc<dyn Index> = Arc::new(SqliteIndex::temporary().unwrap());
    let killed: Arc<dyn Index> = Arc::new(SqliteIndex::temporary().unwrap());
    let mut judge = Judge::open(Arc::clone(&undisturbed)).unwrap();
    let mut from = START;
    for to in (START + CALM - 3..START + CALM + 20).chain([START + CALM + 60]) {
        for index in [&undisturbed, &killed] {
            put(&**index, from, to, spike);
        }
        judge.step(later()).unwrap();
        // A new one each time: all that the last one knew is gone.
        Judge::open(Arc::clone(&killed)).unwrap().step(later()).unwrap();
        assert_eq!(stored(&*killed), stored(&*undisturbed), "at minute {}", to - START);
        from = to;
    }
    assert_eq!(stored(&*killed).len(), 1);
}

#[test]
fn a_spike_is_found_before_its_first_minute_is_closed() {
    let index: Arc<dyn Index> = Arc::new(SqliteIndex::temporary().unwrap());
    let at = START + CALM;
    for before in START..at {
        index.put(&minute(0, before, requests(before), 0, State::Closed)).unwrap();
    }
    let seen = Minute(at).start_ms() + 40_000;
    state(&*index, 0, at - 1, seen - 35_000);
    let mut judge = Judge::open(Arc::clone(&index)).unwrap();
    judge.step(seen - 35_000).unwrap();
    index.put(&minute(0, at, 130, 500, State::Open)).unwrap();
    state(&*index, 0, at - 1, seen);
    let changed = judge.step(seen + 1000).unwrap();
    let [row] = &changed[..] else { panic!("{changed:#?}") };
    assert!((row.expected - 133.0).abs() < 15.0, "two thirds of a minute are expected: {row:?}");
    // Once the minute is closed it is the same row, with all that it had.
    index.put(&minute(0, at, 200, 700, State::Closed)).unwrap();
    state(&*index, 0, at, Minute(at + 3).start_ms());
    judge.step(Minute(at + 3).start_ms() + 1000).unwrap();
    let rows = stored(&*index);
    assert_eq!((rows.len(), rows[0].start, rows[0].observed), (1, Minute(at), 900.0), "{rows:#?}");
}

#[test]
fn a_lagging_partition_is_no_silence_and_an_outage_is_one() {
    let index: Arc<dyn Index> = Arc::new(SqliteIndex::temporary().unwrap());
    let at = START + CALM;
    let beat = |number: u32, caught_up: bool, now: i64| {
        let partition = Partition::new("access", number);
        let beat = Heartbeat { partition, at: now, caught_up };
        index.put_documents(&[beat.document()]).unwrap();
    };
    for minute_at in START..at {
        for number in [0, 1] {
            let half = requests(minute_at * 2 + i64::from(number)) / 2;
            index.put(&minute(number, minute_at, half, 0, State::Closed)).unwrap();
        }
    }
    // The second partition stops here, and the first goes on for ten minutes.
    for minute_at in at..at + 10 {
        index.put(&minute(0, minute_at, 100, 0, State::Closed)).unwrap();
    }
    state(&*index, 0, at + 9, Minute(at + 12).start_ms());
    state(&*index, 1, at - 1, Minute(at + 1).start_ms());
    let now = Minute(at + 12).start_ms();
    beat(0, true, now);
    beat(1, false, now);
    let mut judge = Judge::open(Arc::clone(&index)).unwrap();
    judge.step(now).unwrap();
    assert_eq!(stored(&*index), [], "the lagging one is waited for");
    for minute_at in at..at + 10 {
        index.put(&minute(1, minute_at, 100, 0, State::Closed)).unwrap();
    }
    state(&*index, 1, at + 9, Minute(at + 12).start_ms());
    judge.step(now).unwrap();
    assert_eq!(stored(&*index), []);
    let later = Minute(at + 25).start_ms();
    beat(0, true, later);
    beat(1, true, later);
    judge.step(later).unwrap();
    let rows = stored(&*index);
    let silence = rows.iter().find(|row| row.series.quantity == Quantity::Requests).unwrap();
    assert_eq!((silence.direction, silence.start), (Direction::Down, Minute(at + 10)));
    assert_eq!((silence.observed, silence.severity), (0.0, Severity::Critical));
}

#[test]
fn nobody_is_told_twice() {
    let index: Arc<dyn Index> = Arc::new(SqliteIndex::temporary().unwrap());
    put(&*index, START, START + CALM + 60, spike);
    let changed = Judge::open(Arc::clone(&index)).unwrap().step(later()).unwrap();
    let rules = Rules {
        min_minutes: 3,
        severity: Severity::Warning,
        quiet: 30,
        resolve: true,
        keys: false,
    };
    let now = Minute(START + CALM + 12).start_ms();
    let tell = |changed: &[SpikeRow], rules: &Rules, now| {
        let alerts = claim(&*index, rules, changed, now).unwrap();
        alerts.into_iter().map(|alert| (alert.event, alert.text)).collect::<Vec<_>>()
    };
    let open = SpikeRow { closed: false, ..changed[0].clone() };
    let short = SpikeRow { minutes: 2, ..open.clone() };
    assert_eq!(tell(&[short], &rules, now), [], "too short yet");
    let old = Minute(START + CALM + 600).start_ms();
    assert_eq!(tell(std::slice::from_ref(&open), &rules, old), [], "nobody is told of old ones");
    let told = tell(std::slice::from_ref(&open), &rules, now);
    assert_eq!((told.len(), told[0].0), (1, Event::Spike));
    assert!(told[0].1.contains("192.0.2.66"), "{told:?}");
    assert_eq!(tell(&[open], &rules, now), [], "told once");
    assert_eq!(tell(&changed[..1], &rules, now)[0].0, Event::Resolved);
    assert_eq!(tell(&changed, &rules, now), []);
    let start = Minute(changed[0].start.0 + 20);
    let next = SpikeRow { id: "another".into(), start, ..changed[0].clone() };
    assert_eq!(tell(&[next], &rules, now), [], "quiet for half an hour");
    let series = Series::whole(Quantity::Bytes);
    let bytes = SpikeRow { id: "bytes".into(), series: series.clone(), ..changed[0].clone() };
    assert_eq!(tell(&[bytes], &rules, now), [], "the same event in another series");
    let later = SpikeRow { id: "later".into(), series, start, ..changed[0].clone() };
    assert_eq!(tell(&[later], &rules, now).len(), 2, "another event, told and resolved");
}
