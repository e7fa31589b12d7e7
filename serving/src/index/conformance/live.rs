//! Documents outside of generations.

use serde_json::json;
use twofold_data::minute::Minute;

use super::{document, publication};
use crate::index::{Document, Index, LiveDocument, Put};

pub(super) fn check<Open: Fn() -> Box<dyn Index> + Sync>(fresh: &impl Fn() -> Open) {
    a_larger_version_replaces_a_smaller_one(&*fresh()());
    generations_and_live_documents_are_apart(&*fresh()());
    they_come_in_order_and_survive(&fresh());
    old_ones_go(&*fresh()());
    of_many_that_put_the_same_one_wins(&fresh());
}

fn live(kind: &str, id: &str, start: i64, version: u64) -> LiveDocument {
    let (kind, id, start) = (kind.to_owned(), id.to_owned(), Minute(start));
    let body = json!({ "text": "\u{202e}<b>\0", "n": version, "empty": null, "list": [1.5, -2] });
    LiveDocument { document: Document { kind, id, start, body }, version }
}

fn all(index: &dyn Index, kind: &str) -> Vec<LiveDocument> {
    index.live_documents(kind, Minute(-1_000_000_000), Minute(4_000_000_000)).unwrap()
}

fn a_larger_version_replaces_a_smaller_one(index: &dyn Index) {
    let steps = [
        (5, Put::Stored),
        (5, Put::Stale),
        (4, Put::Stale),
        (6, Put::Stored),
        (1 << 62, Put::Stored),
        (7, Put::Stale),
    ];
    let mut last = 0;
    for (version, expected) in steps {
        let put = index.put_documents(&[live("spike", "a", 7, version)]).unwrap();
        assert_eq!(put, [expected], "version {version} after {last}");
        last = if expected == Put::Stored { version } else { last };
        assert_eq!(all(index, "spike"), [live("spike", "a", 7, last)]);
    }
    assert_eq!(index.put_documents(&[]).unwrap(), []);
}

fn generations_and_live_documents_are_apart(index: &dyn Index) {
    index.put_documents(&[live("sessions", "d", 0, 1)]).unwrap();
    assert_eq!(index.documents("sessions", Minute(0), Minute(9)).unwrap(), []);
    index.stage("run", &[], &[document("d", 0, 2)]).unwrap();
    index.publish("run", &publication(1, 3)).unwrap();
    assert_eq!(index.documents("sessions", Minute(0), Minute(9)).unwrap(), [document("d", 0, 2)]);
    assert_eq!(all(index, "sessions"), [live("sessions", "d", 0, 1)]);
}

fn they_come_in_order_and_survive<Open: Fn() -> Box<dyn Index>>(open: &Open) {
    let put = [("b", 5), ("a'\"\0/\u{1f980}", 5), ("c", -1), ("d", 9)]
        .map(|(id, start)| live("spike", id, start, 1));
    assert_eq!(open().put_documents(&put).unwrap(), [Put::Stored; 4]);
    open().put_documents(&[live("alert", "b", 5, 1)]).unwrap();
    let [b, a, c, d] = put;
    let index = open();
    let range = |from, to| index.live_documents("spike", Minute(from), Minute(to)).unwrap();
    assert_eq!(range(-5, 10), [c.clone(), a.clone(), b.clone(), d]);
    assert_eq!(range(-1, 9), [c, a, b], "the end is excluded");
    assert_eq!(range(9, 5), []);
}

fn old_ones_go(index: &dyn Index) {
    let many: Vec<_> = (0..1200).map(|start| live("spike", &start.to_string(), start, 1)).collect();
    assert_eq!(index.put_documents(&many).unwrap().len(), 1200);
    index.put_documents(&[live("alert", "x", 0, 1)]).unwrap();
    assert_eq!(index.delete_documents_before("spike", Minute(1190)).unwrap(), 1190);
    assert_eq!(index.delete_documents_before("spike", Minute(1190)).unwrap(), 0);
    assert_eq!((all(index, "spike").len(), all(index, "alert").len()), (10, 1));
}

fn of_many_that_put_the_same_one_wins<Open: Fn() -> Box<dyn Index> + Sync>(open: &Open) {
    drop(open());
    let stored: usize = std::thread::scope(|scope| {
        let put = || open().put_documents(&[live("alert", "key", 3, 1)]).unwrap()[0];
        let racers: Vec<_> = (0..6).map(|_| scope.spawn(put)).collect();
        let puts = racers.into_iter().map(|racer| racer.join().unwrap());
        puts.filter(|put| *put == Put::Stored).count()
    });
    assert_eq!(stored, 1, "version 1 is stored once");
}
