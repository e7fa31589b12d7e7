//! Staging, publishing, abandoning.

use twofold_data::minute::{Grain, Minute};

use super::{document, pages, publication, read, requests, traffic};
use crate::index::{Index, IndexError, Layer, Publication};

pub(super) fn check<Open: Fn() -> Box<dyn Index>>(fresh: &impl Fn() -> Open) {
    staging_is_invisible(&*fresh()());
    a_generation_replaces_what_it_names(&*fresh()());
    a_run_that_lost_starts_over(&*fresh()());
    every_step_can_be_repeated(&*fresh()());
    an_abandoned_run_is_gone(&*fresh()());
    documents_follow_their_generation(&*fresh()());
    a_publication_survives(&fresh());
    old_rows_go(&*fresh()());
}

/// Stages and publishes minutes 0 to 2 that all count `requests`.
fn publish(index: &dyn Index, generation: u64, requests: u64) {
    let sets = [0, 1, 2].map(|start| pages(Grain::Minute, start, None, requests));
    let run = format!("run {generation}");
    index.stage(&run, &sets, &[]).unwrap();
    index.publish(&run, &publication(generation, 3)).unwrap();
}

fn exact(index: &dyn Index) -> Vec<u64> {
    requests(&read(index, 0, 3, Grain::Minute).exact)
}

fn staging_is_invisible(index: &dyn Index) {
    assert_eq!(index.published().unwrap(), None);
    assert_eq!(index.staged("run 1").unwrap(), 0);
    index.stage("run 1", &[pages(Grain::Minute, 0, None, 1)], &[document("d", 0, 1)]).unwrap();
    assert_eq!(index.staged("run 1").unwrap(), 2);
    assert_eq!(read(index, 0, 3, Grain::Minute), Default::default());
    assert_eq!(index.documents("sessions", Minute(0), Minute(3)).unwrap(), []);
    publish(index, 1, 5);
    index.stage("run 3", &[pages(Grain::Minute, 1, None, 9)], &[]).unwrap();
    assert_eq!(exact(index), [5, 5, 5], "another run's staged rows stay hidden");
}

fn a_generation_replaces_what_it_names(index: &dyn Index) {
    publish(index, 1, 5);
    let sets = [pages(Grain::Minute, 1, None, 6), traffic(Grain::Minute, 2, None, 7)];
    index.stage("second", &sets, &[]).unwrap();
    index.publish("second", &publication(2, 3)).unwrap();
    assert_eq!(exact(index), [5, 6, 5], "the other rows stay");
    assert_eq!(read(index, 0, 3, Grain::Minute).publication, Some(publication(2, 3)));
    index.stage("third", &[], &[]).unwrap();
    index.publish("third", &publication(3, 2)).expect_err("the boundary never moves back");
    index.publish("third", &publication(3, 4)).unwrap();
    assert_eq!(exact(index), [5, 6, 5], "a run may publish nothing but a boundary");
    assert_eq!(index.published().unwrap(), Some(publication(3, 4)));
}

fn a_run_that_lost_starts_over(index: &dyn Index) {
    publish(index, 1, 5);
    index.stage("late", &[pages(Grain::Minute, 0, None, 9)], &[]).unwrap();
    for generation in [0, 1, 3] {
        let lost = index.publish("late", &publication(generation, 3)).unwrap_err();
        assert!(matches!(lost, IndexError::Lost { current: 1 }), "{generation}: {lost}");
    }
    assert_eq!(exact(index), [5, 5, 5]);
    index.publish("late", &publication(2, 3)).unwrap();
    assert_eq!(exact(index), [9, 5, 5]);
}

fn every_step_can_be_repeated(index: &dyn Index) {
    for _ in 0..2 {
        index.stage("run 1", &[pages(Grain::Minute, 0, None, 1)], &[document("d", 0, 1)]).unwrap();
    }
    assert_eq!(index.staged("run 1").unwrap(), 2, "staged twice, there once");
    for _ in 0..2 {
        index.publish("run 1", &publication(1, 3)).unwrap();
    }
    assert_eq!(exact(index), [1]);
    assert!(index.stage("run 1", &[pages(Grain::Minute, 0, None, 2)], &[]).is_err());
    index.abandon("run 1").unwrap();
    assert_eq!(exact(index), [1], "what is published can't be changed or abandoned");
}

fn an_abandoned_run_is_gone(index: &dyn Index) {
    publish(index, 1, 5);
    let many: Vec<_> = (0..1200).map(|start| pages(Grain::Minute, start, None, 9)).collect();
    index.stage("dead", &many, &[document("d", 0, 1)]).unwrap();
    index.stage("alive", &many[..2], &[]).unwrap();
    index.abandon("dead").unwrap();
    index.abandon("never seen").unwrap();
    assert_eq!((index.staged("dead").unwrap(), index.staged("alive").unwrap()), (0, 2));
    assert!(index.publish("dead", &publication(2, 3)).is_err(), "nothing is left to publish");
    index.publish("alive", &publication(2, 3)).unwrap();
    assert_eq!(exact(index), [9, 9, 5]);
    index.stage("dead", &many[2..3], &[]).unwrap();
    assert_eq!(index.staged("dead").unwrap(), 1, "its name may be used again");
}

fn documents_follow_their_generation(index: &dyn Index) {
    let first = [document("b", 5, 1), document("a'\0", 5, 1), document("c", 1, 1)];
    index.stage("one", &[], &first).unwrap();
    index.publish("one", &publication(1, 3)).unwrap();
    let all = |from, to| index.documents("sessions", Minute(from), Minute(to)).unwrap();
    assert_eq!(all(0, 10), [first[2].clone(), first[1].clone(), first[0].clone()]);
    assert_eq!(all(2, 5), []);
    assert_eq!(index.documents("accuracy", Minute(0), Minute(10)).unwrap(), []);
    index.stage("two", &[], &[document("c", 7, 2)]).unwrap();
    assert_eq!(all(7, 8), []);
    index.publish("two", &publication(2, 3)).unwrap();
    assert_eq!(all(0, 5), [], "the older one of the same name is gone, wherever it started");
    assert_eq!(all(7, 8), [document("c", 7, 2)]);
}

fn a_publication_survives<Open: Fn() -> Box<dyn Index>>(open: &Open) {
    publish(&*open(), 1, 5);
    let second = Publication { end_of_input: true, ..publication(2, 1 << 30) };
    let (one, other) = (open(), open());
    one.stage("two", &[pages(Grain::Minute, 1, None, 6)], &[]).unwrap();
    assert_eq!(other.staged("two").unwrap(), 1, "two handles are one index");
    other.publish("two", &second).unwrap();
    assert_eq!(one.published().unwrap(), Some(second));
    drop((one, other));
    assert_eq!(exact(&*open()), [5, 6, 5]);
}

fn old_rows_go(index: &dyn Index) {
    let speed: Vec<_> = (0..1200).map(|start| pages(Grain::Minute, start, Some(0), 1)).collect();
    index.put(&speed).unwrap();
    index.put(&[pages(Grain::Hour, 0, Some(0), 1)]).unwrap();
    publish(index, 1, 5);
    assert_eq!(index.delete_before(Layer::Speed, Grain::Minute, Minute(1190)).unwrap(), 1190);
    assert_eq!(index.delete_before(Layer::Speed, Grain::Minute, Minute(1190)).unwrap(), 0);
    assert_eq!(read(index, 3, 1200, Grain::Minute).speed.len(), 10);
    assert_eq!(exact(index), [5, 5, 5]);
    assert_eq!(index.delete_before(Layer::Batch, Grain::Minute, Minute(2)).unwrap(), 2);
    assert_eq!(exact(index), [5]);
    assert_eq!(index.delete_before(Layer::Batch, Grain::Hour, Minute(2)).unwrap(), 0);
    assert_eq!(index.delete_before(Layer::Speed, Grain::Hour, Minute(60)).unwrap(), 1);
}
