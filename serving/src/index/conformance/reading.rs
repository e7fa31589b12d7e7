//! Reads across the boundary.

use std::slice;
use std::sync::Arc;

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, State, Summary};

use super::{pages, publication, read, requests, traffic};
use crate::index::{Index, Query};

pub(super) fn check<Open: Fn() -> Box<dyn Index>>(fresh: &impl Fn() -> Open) {
    the_boundary_parts_the_layers(&*fresh()());
    coarse_rows_answer_where_they_fit(&*fresh()());
    an_open_hour_is_read_by_the_minute(&*fresh()());
    sketches_come_only_when_asked_for(&*fresh()());
    views_come_in_the_order_asked(&*fresh()());
}

fn publish(index: &dyn Index, boundary: i64, sets: &[RowSet]) {
    index.stage("run", sets, &[]).unwrap();
    index.publish("run", &publication(1, boundary)).unwrap();
}

fn shared(sets: &[RowSet]) -> Vec<Arc<RowSet>> {
    sets.iter().cloned().map(Arc::new).collect()
}

fn the_boundary_parts_the_layers(index: &dyn Index) {
    let speed: Vec<_> = (0..10).map(|start| pages(Grain::Minute, start, Some(0), 1)).collect();
    index.put(&speed).unwrap();
    assert_eq!(requests(&read(index, 0, 10, Grain::Minute).speed), [1; 10], "no boundary yet");
    let exact: Vec<_> = (0..10).map(|start| pages(Grain::Minute, start, None, 2)).collect();
    publish(index, 6, &exact);
    let answer = read(index, 2, 9, Grain::Minute);
    assert_eq!(answer.exact, shared(&exact[2..6]));
    assert_eq!(answer.speed, shared(&speed[6..9]));
    assert_eq!(answer.publication, Some(publication(1, 6)));
    assert_eq!(read(index, 0, 6, Grain::Minute).speed, []);
    assert_eq!(read(index, 6, 10, Grain::Minute).exact, []);
    assert_eq!(read(index, 9, 2, Grain::Minute).exact, []);
}

fn coarse_rows_answer_where_they_fit(index: &dyn Index) {
    // A day of 1 a minute, with its hours and itself; the speed layer has the next hours too.
    let mut exact: Vec<_> = (0..1440).map(|start| pages(Grain::Minute, start, None, 1)).collect();
    exact.extend((0..24).map(|hour| pages(Grain::Hour, hour * 60, None, 60)));
    exact.push(pages(Grain::Day, 0, None, 1440));
    let closed = |set: RowSet| RowSet { state: State::Closed, ..set };
    let speed: Vec<_> =
        (0..2880).map(|start| closed(pages(Grain::Minute, start, Some(0), 1))).collect();
    index.put(&speed).unwrap();
    for hour in 0..48 {
        index.put(&[closed(pages(Grain::Hour, hour * 60, Some(0), 60))]).unwrap();
    }
    publish(index, 1450, &exact);
    let shape = |from, to, coarsest| {
        let answer = read(index, from, to, coarsest);
        let (exact, speed) = (requests(&answer.exact), requests(&answer.speed));
        let total = exact.iter().chain(&speed).sum::<u64>();
        (exact.len(), speed.len(), total)
    };
    assert_eq!(shape(0, 1440, Grain::Day), (1, 0, 1440));
    assert_eq!(shape(0, 1440, Grain::Hour), (24, 0, 1440));
    assert_eq!(shape(0, 1440, Grain::Minute), (1440, 0, 1440));
    assert_eq!(shape(59, 1440, Grain::Day), (1 + 23, 0, 1381));
    // Minutes 1440 to 1449 have no exact rows; 50 minutes of the speed layer complete the
    // hour that the boundary cuts, 22 hours follow, and the 30 minutes of the last one.
    assert_eq!(shape(0, 2850, Grain::Day), (1, 50 + 22 + 30, 1440 + 50 + 1320 + 30));
}

fn an_open_hour_is_read_by_the_minute(index: &dyn Index) {
    for partition in [0, 1] {
        let minutes: Vec<_> =
            (0..120).map(|start| pages(Grain::Minute, start, Some(partition), 1)).collect();
        index.put(&minutes).unwrap();
    }
    let hour = |partition, state| RowSet { state, ..pages(Grain::Hour, 0, Some(partition), 40) };
    index.put(&[hour(0, State::Open), hour(1, State::Partial)]).unwrap();
    let sum = || requests(&read(index, 0, 120, Grain::Day).speed).iter().sum::<u64>();
    assert_eq!(sum(), 240, "an hour that lags behind doesn't count");
    index.put(&[hour(1, State::Closed)]).unwrap();
    assert_eq!(sum(), 120 + 40 + 60, "one partition's closed hour stands for its minutes alone");
    let hours = read(index, 0, 60, Grain::Day).speed;
    assert_eq!(
        (hours.len(), hours[1].grain),
        (61, Grain::Hour),
        "in order of start, then partition"
    );
    assert_eq!(read(index, 0, 120, Grain::Minute).speed.len(), 240);
    let day = RowSet { state: State::Closed, ..pages(Grain::Day, 0, Some(1), 500) };
    index.put(&[day]).unwrap();
    let all = requests(&read(index, 0, 1440, Grain::Day).speed).iter().sum::<u64>();
    assert_eq!(all, 120 + 500, "a closed day stands for its hours and minutes");
}

fn sketches_come_only_when_asked_for(index: &dyn Index) {
    let speed = traffic(Grain::Minute, 5, Some(0), 7);
    let exact = traffic(Grain::Minute, 4, None, 9);
    index.put(slice::from_ref(&speed)).unwrap();
    publish(index, 5, slice::from_ref(&exact));
    let ask = |sketches| {
        let (from, to, coarsest) = (Minute(0), Minute(9), Grain::Minute);
        index.read(&Query { views: &["traffic"], from, to, coarsest, sketches }).unwrap()
    };
    let answer = ask(true);
    assert_eq!((answer.exact, answer.speed), (shared(slice::from_ref(&exact)), shared(&[speed])));
    let light = ask(false).exact.remove(0).summary.clone().unwrap();
    let tally = exact.summary.unwrap().tally;
    assert_eq!(*light, Summary { tally, ..Summary::default() });
}

fn views_come_in_the_order_asked(index: &dyn Index) {
    let sets = [0, 1].map(|start| pages(Grain::Minute, start, Some(0), 1));
    index.put(&sets).unwrap();
    index.put(&[0, 1].map(|start| traffic(Grain::Minute, start, Some(0), 1))).unwrap();
    let views = ["traffic", "hosts", "pages"];
    let (from, to, coarsest) = (Minute(0), Minute(9), Grain::Minute);
    let answer = index.read(&Query { views: &views, from, to, coarsest, sketches: true }).unwrap();
    let order: Vec<_> = answer.speed.iter().map(|set| (&*set.view, set.start.0)).collect();
    assert_eq!(order, [("traffic", 0), ("traffic", 1), ("pages", 0), ("pages", 1)]);
}
