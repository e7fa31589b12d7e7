//! An old log in a topic: its records arrive today, and the malformed ones have no other time.

use twofold_data::format::Format;
use twofold_data::minute::Minute;
use twofold_serving::index::Index;
use twofold_speed::resume::restore;
use twofold_speed::source::Record;
use twofold_speed::window::{Bounds, Decoder, Fold};

use crate::kit::*;

/// A year after the log, in milliseconds.
const TODAY: i64 = (START + 365 * 24 * 60) * 60_000;

/// A request each minute from `from` on, each with a malformed line before it.
fn hour(from: i64) -> Vec<String> {
    let pair = |minute: i64| ["no format reads this".to_owned(), lines(&[minute * 60]).remove(0)];
    (from..from + 60).flat_map(pair).collect()
}

/// Folds what lies behind the state of the index, one record arriving each minute from today on.
fn fold(index: &dyn Index, lines: &[String]) -> Fold {
    let restored = restore(index, &partition(), "topic", 0).unwrap();
    let mut fold = Fold::new(restored, Bounds::default());
    let mut decoder = Decoder::new(&Format::named("combined").unwrap());
    for (offset, line) in (0..).zip(lines) {
        let arrival = Some(TODAY + offset as i64 * 60_000);
        let (next_offset, bytes) = (offset + 1, line.as_bytes());
        fold.record(&mut decoder, &Record { offset, next_offset, bytes, arrival });
    }
    fold.end(&mut decoder);
    fold
}

#[test]
fn malformed_lines_of_an_old_log_close_no_window_and_make_nothing_late() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    let mut log = hour(0);
    let first = fold(&*index, &log);
    let state = first.state().unwrap();
    assert_eq!((first.closed_early(), state.late), (0, 0));
    assert_eq!(state.closed_through, Some(Minute(START + 59)));
    assert_eq!(first.open_windows(), 1, "that of the first record, of which nothing is known");
    index.put_state(&state).unwrap();

    log.extend(hour(60));
    let second = fold(&*index, &log);
    let state = second.state().unwrap();
    assert_eq!((state.late, second.closed_early()), (0, 0));
    assert_eq!((state.records, state.malformed[0]), (240, 120));
    assert_eq!(state.closed_through, Some(Minute(START + 119)));
}
