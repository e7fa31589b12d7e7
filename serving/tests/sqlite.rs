//! The embedded index.

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Counts, Row, RowSet, State};
use twofold_serving::index::sqlite::SqliteIndex;
use twofold_serving::index::{Index, IndexError, Publication, Put, Query};

fn set(start: i64, version: u64, state: State, requests: u64) -> RowSet {
    let mut counts = Counts::default();
    counts.0[0] = requests;
    let exact = state == State::Exact;
    RowSet {
        view: "pages".into(),
        grain: Grain::Minute,
        start: Minute(start),
        partition: (!exact).then(|| Partition::new("access", 0)),
        version,
        state,
        rows: vec![Row { key: "/".into(), counts, missed: 0 }],
        floor: 0,
        keys: Some(1),
        summary: None,
    }
}

fn publication(generation: u64, boundary: i64) -> Publication {
    Publication {
        generation,
        boundary: Minute(boundary),
        end_of_input: false,
        published_at: 0,
        info: serde_json::Value::Null,
    }
}

#[test]
fn the_boundary_decides_between_the_layers() {
    let folder = tempfile::tempdir().unwrap();
    let index = SqliteIndex::open(&folder.path().join("index.db")).unwrap();
    let speed: Vec<_> = (0..4).map(|minute| set(minute, 1, State::Closed, 7)).collect();
    assert_eq!(index.put(&speed).unwrap(), vec![Put::Stored; 4]);
    assert_eq!(index.put(&[set(1, 0, State::Closed, 1)]).unwrap(), [Put::Stale]);
    index.stage("a", &[set(0, 1, State::Exact, 5), set(1, 1, State::Exact, 5)], &[]).unwrap();
    let query = Query { views: &["pages"], from: Minute(0), to: Minute(4), coarsest: Grain::Day };
    assert_eq!(index.read(&query).unwrap().speed.len(), 4);
    index.publish("a", &publication(1, 2)).unwrap();
    index.publish("a", &publication(1, 2)).unwrap();
    let answer = index.read(&query).unwrap();
    assert_eq!((answer.exact.len(), answer.speed.len()), (2, 2));
    assert_eq!(answer.publication.unwrap().generation, 1);
    index.stage("b", &[set(1, 2, State::Exact, 6)], &[]).unwrap();
    assert!(matches!(index.publish("b", &publication(1, 3)), Err(IndexError::Lost { current: 1 })));
    index.publish("b", &publication(2, 3)).unwrap();
    let counts: Vec<_> =
        index.read(&query).unwrap().exact.iter().map(|set| set.rows[0].counts.requests()).collect();
    assert_eq!(counts, [5, 6]);
}
