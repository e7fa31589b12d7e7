//! Upserts of the speed layer: what replaces what.

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State};

use super::{keyed, pages, row, traffic};
use crate::index::{Index, PartitionState, Put, Select};

pub(super) fn check<Open: Fn() -> Box<dyn Index>>(fresh: &impl Fn() -> Open) {
    a_newer_version_replaces_an_older_one(&*fresh()());
    a_shorter_list_leaves_nothing_behind(&*fresh()());
    keys_of_rows_are_told_apart(&*fresh()());
    any_text_is_a_key(&*fresh()());
    what_is_stored_survives(&fresh());
    states_never_go_back(&*fresh()());
    rows_without_a_partition_are_refused(&*fresh()());
}

fn stored(index: &dyn Index) -> Vec<RowSet> {
    let (from, to) = (Minute(-100), Minute(10_000));
    let select = Select { view: None, grain: Grain::Minute, from, to, partition: None };
    index.speed_rows(&select).unwrap()
}

fn a_newer_version_replaces_an_older_one(index: &dyn Index) {
    use State::{Closed, Open, Partial};
    let steps = [
        (5, Open, Put::Stored),
        (4, Closed, Put::Stale),
        (5, Open, Put::Stored),
        (5, Partial, Put::Stored),
        (5, Open, Put::Stale),
        (5, Closed, Put::Stored),
        (5, Partial, Put::Stale),
        (5, Open, Put::Stale),
        (5, Closed, Put::Stored),
        (6, Open, Put::Stored),
        (6, Closed, Put::Stored),
    ];
    let mut last = None;
    for (step, (version, state, expected)) in steps.into_iter().enumerate() {
        let set = RowSet { version, state, ..pages(Grain::Minute, 7, Some(0), step as u64) };
        assert_eq!(index.put(std::slice::from_ref(&set)).unwrap(), [expected], "step {step}");
        last = if expected == Put::Stored { Some(set) } else { last };
        assert_eq!(stored(index), Vec::from_iter(last.clone()), "after step {step}");
    }
}

fn a_shorter_list_leaves_nothing_behind(index: &dyn Index) {
    let long = (0..100).map(|rank| row(&format!("/{rank:03}"), 100)).collect();
    index.put(&[keyed("pages", Grain::Minute, 7, Some(0), long)]).unwrap();
    let short = RowSet { version: 2, ..pages(Grain::Minute, 7, Some(0), 3) };
    index.put(std::slice::from_ref(&short)).unwrap();
    assert_eq!(stored(index), [short], "no stale rank stays");
    let empty = RowSet { version: 3, ..keyed("pages", Grain::Minute, 7, Some(0), Vec::new()) };
    index.put(std::slice::from_ref(&empty)).unwrap();
    assert_eq!(stored(index), [empty]);
}

fn keys_of_rows_are_told_apart(index: &dyn Index) {
    let sets = [
        traffic(Grain::Minute, -1, Some(0), 1),
        traffic(Grain::Minute, 0, Some(0), 2),
        pages(Grain::Minute, 0, Some(0), 3),
        traffic(Grain::Minute, 0, Some(1), 4),
        traffic(Grain::Hour, 0, Some(0), 5),
    ];
    assert_eq!(index.put(&sets).unwrap(), [Put::Stored; 5]);
    let select = |view, grain, from, to, partition| {
        let (from, to) = (Minute(from), Minute(to));
        let sets = index.speed_rows(&Select { view, grain, from, to, partition }).unwrap();
        sets.iter().map(|set| set.rows[0].counts.requests()).collect::<Vec<_>>()
    };
    let second = Partition::new("access", 1);
    assert_eq!(select(Some("traffic"), Grain::Minute, -1, 1, None), [1, 2, 4]);
    assert_eq!(select(Some("traffic"), Grain::Minute, 0, 1, None), [2, 4]);
    assert_eq!(select(Some("traffic"), Grain::Minute, -1, 0, None), [1], "the end is excluded");
    assert_eq!(select(Some("traffic"), Grain::Hour, 0, 60, None), [5]);
    assert_eq!(select(None, Grain::Minute, -1, 1, Some(&second)), [4]);
    assert!(select(Some("hosts"), Grain::Minute, -1, 1, None).is_empty());
    assert_eq!(select(None, Grain::Minute, 0, 1, None).len(), 3);
}

fn any_text_is_a_key(index: &dyn Index) {
    let long = "é".repeat(128);
    let hostile =
        ["", "'; DROP TABLE rows; --", "\"\\", "a\0b", "\u{202e}moc", &long, "\u{fffd}\n"];
    let rows = hostile.iter().map(|key| row(key, 1)).collect();
    let sets: Vec<RowSet> = hostile
        .iter()
        .map(|topic| RowSet {
            partition: Some(Partition::new(topic, u32::MAX)),
            ..keyed("pages", Grain::Minute, 7, Some(0), Vec::clone(&rows))
        })
        .collect();
    index.put(&sets).unwrap();
    let mut expected = sets;
    expected.sort_by(|a, b| a.partition.cmp(&b.partition));
    assert_eq!(stored(index), expected);
}

fn what_is_stored_survives<Open: Fn() -> Box<dyn Index>>(open: &Open) {
    let set = RowSet {
        floor: 17,
        keys: Some(u64::from(u32::MAX)),
        version: (1 << 60) - 1,
        state: State::Partial,
        ..traffic(Grain::Minute, 9, Some(3), 500)
    };
    open().put(std::slice::from_ref(&set)).unwrap();
    assert_eq!(stored(&*open()), [set]);
    let state = state(0, 77);
    open().put_state(&state).unwrap();
    assert_eq!(open().state(&state.partition).unwrap(), Some(state));
}

fn state(number: u32, processed_through: u64) -> PartitionState {
    PartitionState {
        partition: Partition::new("access", number),
        identity: "inode 5, 'a\0b'".to_owned(),
        resume_offset: 3,
        resume_event_time: Some(-1),
        resume_request_time: None,
        resume_arrival: None,
        processed_through,
        closed_through: Some(Minute(9)),
        largest_event_time: Some(i64::MAX),
        records: processed_through,
        late: 1,
        ahead: 2,
        malformed: vec![0, 1, 2],
        blank: 4,
        ended: false,
    }
}

fn states_never_go_back(index: &dyn Index) {
    assert_eq!(index.state(&Partition::new("access", 0)).unwrap(), None);
    assert_eq!(index.put_state(&state(1, 10)).unwrap(), Put::Stored);
    assert_eq!(index.put_state(&state(0, 10)).unwrap(), Put::Stored);
    assert_eq!(index.put_state(&state(0, 9)).unwrap(), Put::Stale);
    let ended = PartitionState { ended: true, ..state(0, 10) };
    assert_eq!(index.put_state(&ended).unwrap(), Put::Stored, "as much processed: said again");
    assert_eq!(index.states().unwrap(), [ended, state(1, 10)]);
}

fn rows_without_a_partition_are_refused(index: &dyn Index) {
    assert!(index.put(&[pages(Grain::Minute, 7, None, 1)]).is_err());
    assert_eq!(stored(index), []);
}
