//! What happens at the same time.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use twofold_data::minute::Grain;
use twofold_data::view::RowSet;

use super::{Races, document, pages, publication, read, requests};
use crate::index::{Index, IndexError};

pub(super) fn check<Open: Fn() -> Box<dyn Index> + Sync>(races: Races, fresh: &impl Fn() -> Open) {
    of_four_publishers_one_wins(races.rounds, &fresh());
    readers_never_see_a_mixture(races.generations, &fresh());
    the_newest_version_stays(&fresh());
}

fn of_four_publishers_one_wins<Open: Fn() -> Box<dyn Index> + Sync>(rounds: u64, open: &Open) {
    let start = Barrier::new(4);
    let wins: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let racers = [0, 1, 2, 3].map(|racer| {
            let start = &start;
            scope.spawn(move || race(&*open(), racer, rounds, start))
        });
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    let mut won: Vec<u64> = wins.concat();
    won.sort_unstable();
    assert_eq!(won, (1..=rounds).collect::<Vec<_>>(), "each generation is published once");
}

/// The generations that this racer won.
fn race(index: &dyn Index, racer: u64, rounds: u64, start: &Barrier) -> Vec<u64> {
    let mut won = Vec::new();
    for generation in 1..=rounds {
        let run = format!("racer {racer}, round {generation}");
        index.stage(&run, &[pages(Grain::Minute, 0, None, racer)], &[]).unwrap();
        start.wait();
        match index.publish(&run, &publication(generation, 1)) {
            Ok(()) => won.push(generation),
            Err(IndexError::Lost { current }) => assert_eq!(current, generation),
            Err(other) => panic!("{other}"),
        }
        start.wait();
        if won.last() == Some(&generation) {
            assert_eq!(requests(&read(index, 0, 1, Grain::Minute).exact), [racer]);
        }
        start.wait();
    }
    won
}

fn readers_never_see_a_mixture<Open: Fn() -> Box<dyn Index> + Sync>(generations: u64, open: &Open) {
    let writer = open();
    writer.put(&(0..200).map(speed_minute).collect::<Vec<_>>()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = [0, 1, 2].map(|_| scope.spawn(|| watch(&*open(), &done)));
        for generation in 1..=generations {
            publish_number(&*writer, generation);
        }
        done.store(true, Ordering::Relaxed);
        let answers: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert!(answers > 0, "the readers read something");
    });
}

/// The speed layer counts 1,000,000 a minute, which no generation does.
fn speed_minute(start: i64) -> RowSet {
    pages(Grain::Minute, start, Some(0), 1_000_000)
}

/// A generation that writes its number into each of its rows, for all minutes before its boundary.
fn publish_number(index: &dyn Index, generation: u64) {
    let (run, boundary) = (format!("run {generation}"), 100 + generation as i64);
    let sets: Vec<_> =
        (0..boundary).map(|start| pages(Grain::Minute, start, None, generation)).collect();
    for half in sets.chunks(64) {
        index.stage(&run, half, &[document("number", 0, generation)]).unwrap();
    }
    index.publish(&run, &publication(generation, boundary)).unwrap();
}

/// Reads until `done` and checks each answer; returns how many there were.
fn watch(index: &dyn Index, done: &AtomicBool) -> u64 {
    let (mut answers, mut newest) = (0, 0);
    while !done.load(Ordering::Relaxed) || answers == 0 {
        let answer = read(index, 0, 200, Grain::Minute);
        let (exact, speed) = (requests(&answer.exact), requests(&answer.speed));
        let generation = answer.publication.as_ref().map_or(0, |current| current.generation);
        assert!(exact.iter().all(|number| *number == generation), "{generation}: {exact:?}");
        assert!(speed.iter().all(|number| *number == 1_000_000), "{generation}: {speed:?}");
        assert_eq!(exact.len() + speed.len(), 200, "every minute once");
        assert!(generation >= newest, "time goes forward");
        (answers, newest) = (answers + 1, generation);
    }
    answers
}

fn the_newest_version_stays<Open: Fn() -> Box<dyn Index> + Sync>(open: &Open) {
    let versions: [[u64; 4]; 3] = [[1, 5, 9, 12], [2, 4, 10, 11], [3, 6, 7, 8]];
    std::thread::scope(|scope| {
        for writer in versions {
            scope.spawn(move || {
                let index = open();
                for version in writer {
                    let sets = (0..50).map(|start| RowSet {
                        version,
                        ..pages(Grain::Minute, start, Some(0), version)
                    });
                    index.put(&sets.collect::<Vec<_>>()).unwrap();
                }
            });
        }
    });
    assert_eq!(requests(&read(&*open(), 0, 50, Grain::Minute).speed), [12; 50]);
}
