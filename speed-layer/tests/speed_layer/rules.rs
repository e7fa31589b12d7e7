//! The rules of DESIGN.md, "The speed layer". Each test first shows that the
//! naive way goes wrong, and then that ours does not.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, State};
use twofold_serving::index::{Index, PartitionState, Put};
use twofold_speed::emit::{Emission, Emitter, Rows};
use twofold_speed::speed::{Options, SpeedError};

use crate::kit::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn state(index: &dyn Index) -> PartitionState {
    index.state(&partition()).unwrap().unwrap()
}

/// Puts a state that remembers less than ours does.
fn forget(folder: &std::path::Path, forget: impl Fn(&mut PartitionState)) -> Arc<dyn Index> {
    let index = open(folder);
    let mut state = state(index.as_ref());
    forget(&mut state);
    assert_eq!(index.put_state(&state).unwrap(), Put::Stored);
    index
}

fn traffic(index: &dyn Index, minute: i64) -> RowSet {
    let sets = rows(index, Grain::Minute);
    let is_it = |set: &RowSet| set.view == "traffic" && set.start == Minute(START + minute);
    sets.into_iter().find(is_it).unwrap()
}

#[test]
fn rule_1_a_list_is_rewritten_with_all_its_ranks() {
    // First b leads, then a; rows keyed by rank alone would keep b at one of them twice.
    let folder = folder();
    let index = open(folder.path());
    let clients = ["b", "b", "a", "a", "a"];
    let lines: Vec<String> = clients.iter().map(|client| line(0, client, "/")).collect();
    for upto in [2, 5] {
        run_some(&index, &lines[..upto]);
    }
    let sets = rows(index.as_ref(), Grain::Minute);
    let clients: Vec<_> = sets.iter().filter(|set| set.view == "clients").collect();
    assert_eq!(clients.len(), 1);
    let keys: Vec<_> = clients[0].rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["a", "b"]);
}

#[test]
fn rule_2_an_older_state_does_not_overwrite_a_newer_one() {
    let (old, new) = (folder(), folder());
    let all = lines(&[0, 1, 2, 3]);
    let index = open(new.path());
    run_some(&index, &all);
    let before = rows(index.as_ref(), Grain::Minute);
    let behind = open(old.path());
    run_some(&behind, &all[..2]);
    // A process that has lost its partition writes what it still has.
    let stale = index.put(&rows(behind.as_ref(), Grain::Minute)).unwrap();
    assert!(stale.iter().all(|put| *put == Put::Stale));
    assert_eq!(index.put_state(&state(behind.as_ref())).unwrap(), Put::Stale);
    assert_eq!(rows(index.as_ref(), Grain::Minute), before);
}

#[test]
fn rule_3_the_commit_that_loses_a_record_of_a_younger_window() {
    // After two records at 18:00: one at 18:05, then two at 18:04. The oldest open
    // window starts with the fourth record; resuming there would lose the third.
    let all = lines(&[0, 1, 5 * 60, 4 * 60, 4 * 60 + 1, 5 * 60 + 1]);
    let (third, fourth) = (2 * (all[0].len() as u64 + 1), 3 * (all[0].len() as u64 + 1));

    let naive = folder();
    run_some(&open(naive.path()), &all[..5]);
    let index = forget(naive.path(), |state| state.resume_offset = fourth);
    run_all(&index, &all, 1).unwrap();
    assert_eq!(requests(index.as_ref(), Grain::Minute, 5), 1, "the naive way loses one");

    let ours = folder();
    let index = open(ours.path());
    run_some(&index, &all[..5]);
    assert_eq!(state(index.as_ref()).resume_offset, third);
    run_all(&index, &all, 1).unwrap();
    assert_eq!(requests(index.as_ref(), Grain::Minute, 5), 2);
    assert_eq!(requests(index.as_ref(), Grain::Minute, 4), 2);
}

#[test]
fn rule_4_the_late_record_that_overwrites_a_complete_minute() {
    // Minute 0 is complete with three records and closed by minute 10. After a restart
    // a late record for it comes; whoever forgot the watermark takes it in.
    let first = lines(&[0, 1, 2, 600, 601]);
    let all = [&first[..], &lines(&[3, 602])].concat();

    let naive = folder();
    run_some(&open(naive.path()), &first);
    let index = forget(naive.path(), |state| {
        state.resume_offset = state.processed_through;
        state.closed_through = None;
        state.resume_event_time = None;
    });
    run_all(&index, &all, 1).unwrap();
    assert_eq!(requests(index.as_ref(), Grain::Minute, 0), 1, "the naive way overwrites");

    let ours = folder();
    let index = open(ours.path());
    run_some(&index, &first);
    let progress = run_all(&index, &all, 1).unwrap();
    assert_eq!(requests(index.as_ref(), Grain::Minute, 0), 3);
    assert_eq!((progress.records, progress.late), (7, 1));
}

#[test]
fn rule_4_windows_whose_records_are_gone_are_left_as_partial() {
    let folder = folder();
    let index = open(folder.path());
    let all = lines(&[0, 1, 2, 3, 240, 241]);
    run_some(&index, &all[..3]);
    // Retention has taken the first two records away.
    let gone = all[0].len() as u64 * 2 + 2;
    let restored =
        twofold_speed::resume::restore(index.as_ref(), &partition(), "memory", gone).unwrap();
    assert_eq!(restored.state.closed_through, Some(Minute(START)));
    let row = traffic(index.as_ref(), 0);
    assert_eq!((row.state, row.rows[0].counts.requests()), (State::Partial, 3));
}

#[test]
fn rule_5_the_hour_row_overwritten_by_a_replay_of_three_minutes() {
    let seconds: Vec<i64> = (0..50).map(|minute| minute * 60).collect();
    let all = lines(&seconds);

    // The naive way: roll up what comes after the restart, and nothing else.
    let naive = folder();
    run_some(&open(naive.path()), &all[..47]);
    let index = open(naive.path());
    let emitter = Emitter::start(index.clone(), Duration::ZERO, Arc::new(AtomicBool::new(false)));
    let rest = folder();
    run_all(&open(rest.path()), &all, 1).unwrap();
    let state = state(open(rest.path()).as_ref());
    let sets = rows(open(rest.path()).as_ref(), Grain::Minute);
    let sets = sets.into_iter().filter(|set| set.start >= Minute(START + 47)).collect();
    emitter.send(Emission::TakenUp(partition(), None));
    let (partition, state) = (partition(), Some(Box::new(state)));
    emitter.send(Emission::Rows(Rows { partition, sets, state, last: true }));
    emitter.finish().unwrap();
    assert_eq!(requests(index.as_ref(), Grain::Hour, 0), 3, "the naive way overwrites");

    let ours = folder();
    let index = open(ours.path());
    run_some(&index, &all[..47]);
    assert_eq!(requests(index.as_ref(), Grain::Hour, 0), 47);
    run_all(&open(ours.path()), &all, 1).unwrap();
    assert_eq!(requests(index.as_ref(), Grain::Hour, 0), 50);
    assert_eq!(requests(index.as_ref(), Grain::Day, 0), 50);
}

#[test]
fn rule_5_an_hour_row_that_was_behind_at_a_crash_catches_up() {
    // Hours of open windows are written seldom. A crash in between leaves the hour
    // behind its minutes, and no later record may touch that hour again.
    let seldom = Options { rollup_interval: Duration::from_secs(3600), ..eager() };
    let seconds: Vec<i64> = (0..30).map(|minute| minute * 60).collect();
    let all = lines(&seconds);
    let folder = folder();
    let index = open(folder.path());
    let killed = Mortal::after(index.clone(), 200);
    assert!(run_with(&killed, &all, 1, true, seldom).is_err());
    assert_eq!(requests(index.as_ref(), Grain::Hour, 0), 0);
    let late = [&all[..], &lines(&[7200, 7201, 7202])].concat();
    run_all(&index, &late, 1).unwrap();
    assert_eq!(requests(index.as_ref(), Grain::Hour, 0), 30);
    assert_eq!(requests(index.as_ref(), Grain::Hour, 120), 3);
}

#[test]
fn rule_7_a_closing_window_is_emitted_once_more_as_closed() {
    let folder = folder();
    let index = open(folder.path());
    run_some(&index, &lines(&[0, 1, 60]));
    assert_eq!(traffic(index.as_ref(), 0).state, State::Open, "an idle partition closes nothing");
    run_some(&index, &lines(&[0, 1, 60, 180]));
    assert_eq!(traffic(index.as_ref(), 0).state, State::Closed);
    assert_eq!(traffic(index.as_ref(), 1).state, State::Open);
    run_all(&index, &lines(&[0, 1, 60, 180]), 1).unwrap();
    for grain in Grain::ALL {
        assert!(rows(index.as_ref(), grain).iter().all(|set| set.state == State::Closed));
    }
}

#[test]
fn malformed_and_blank_records_count_for_the_request_before_them() {
    let folder = folder();
    let index = open(folder.path());
    let mut all = lines(&[0, 1, 70]);
    all.insert(2, "\u{1}\u{2}".to_owned());
    all.insert(3, String::new());
    let progress = run_all(&index, &all, 2).unwrap();
    let tally = traffic(index.as_ref(), 0).summary.unwrap().tally;
    assert_eq!((tally.records, tally.malformed, tally.blank), (4, 1, 1));
    assert_eq!((progress.malformed, progress.blank, progress.requests()), (1, 1, 3));
}

#[test]
fn a_partition_that_was_created_again_is_refused() {
    let folder = folder();
    let index = open(folder.path());
    run_some(&index, &lines(&[0, 1]));
    let again = twofold_speed::resume::restore(index.as_ref(), &partition(), "another", 0);
    let error = SpeedError::from(again.unwrap_err()).to_string();
    assert!(error.contains("created again"), "{error}");
}

#[test]
fn too_many_open_windows_close_the_oldest_early() {
    let mut options = eager();
    options.bounds.windows = 4;
    options.bounds.limits.lateness = 3_600_000;
    let seconds: Vec<i64> = (0..10).map(|minute| minute * 60).collect();
    let folder = folder();
    let index = open(folder.path());
    let progress = run_with(&index, &lines(&seconds), 1, false, options).unwrap();
    assert_eq!((progress.open_windows, progress.closed_early), (4, 6));
    assert_eq!(state(index.as_ref()).closed_through, Some(Minute(START + 5)));
}
