//! Where the boundary may stand.

use std::collections::BTreeMap;

use twofold_data::archive::End;
use twofold_data::minute::{MINUTE_MS, Minute};

/// The boundary after a run: the minimum over the partitions that have not ended of (the
/// largest event time put, or the instant at which everything there was had been put), less
/// `settle` (ms), floored to the minute. Where every partition has ended, the minute after the
/// last request. It never moves back from `before`, where it also stays as long as a partition of
/// a topic is not known at all. Old records that are archived beside a live source don't count.
///
/// The flag says whether no record will follow.
pub fn boundary<'a>(
    ends: impl Iterator<Item = &'a End> + Clone,
    settle: i64,
    before: Minute,
) -> (Minute, bool) {
    let live = ends.clone().filter(|end| !end.backfill);
    // Without any live source what is archived is the source.
    let only_old = live.clone().next().is_none();
    let counts = move |end: &&End| only_old || !end.backfill;
    let going_on = ends.clone().filter(counts).filter(|end| !end.ended);
    if !is_complete(live) {
        return (before, false);
    }
    let sure = going_on.map(|end| end.largest_event_time.max(end.caught_up_at));
    let boundary = match sure.reduce(|least, one| least.min(one)) {
        Some(least) => least.map(|sure| Minute::of(sure.saturating_sub(settle))),
        None => {
            let last = ends.clone().map(|end| end.largest_event_time).max();
            // Records before any request count for the epoch's first minute.
            last.map(|last| Minute(last.unwrap_or(0).div_euclid(MINUTE_MS) + 1))
        }
    };
    let over = ends.clone().next().is_some() && ends.clone().all(|end| end.ended);
    (boundary.map_or(before, |boundary| boundary.max(before)), over)
}

/// Whether every partition that a topic is known to have is among them.
fn is_complete<'a>(ends: impl Iterator<Item = &'a End>) -> bool {
    let mut topics: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for end in ends {
        let (present, expected) = topics.entry(&end.partition.topic).or_default();
        *present += 1;
        *expected = end.partitions.max(*expected);
    }
    topics.values().all(|(present, expected)| present >= expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use twofold_data::partition::Partition;

    fn end(largest: Option<i64>, caught_up: Option<i64>, ended: bool) -> End {
        End {
            schema: 1,
            partition: Partition::new("access", 0),
            partitions: 1,
            next_offset: 0,
            last_file: None,
            largest_event_time: largest.map(|minute| minute * MINUTE_MS + 30_000),
            caught_up_at: caught_up.map(|minute| minute * MINUTE_MS),
            ended,
            backfill: false,
        }
    }

    #[track_caller]
    fn check(ends: &[End], before: i64, expected: (i64, bool)) {
        let settle = 15 * MINUTE_MS;
        let (boundary, over) = boundary(ends.iter(), settle, Minute(before));
        assert_eq!((boundary.0, over), expected);
    }

    #[test]
    fn the_slowest_partition_decides_unless_it_is_idle_or_over() {
        check(&[end(Some(100), None, false), end(Some(200), None, false)], 0, (85, false));
        check(&[end(Some(100), Some(190), false), end(Some(200), None, false)], 0, (175, false));
        check(&[end(Some(100), None, true), end(Some(200), None, false)], 0, (185, false));
    }

    #[test]
    fn a_partition_that_nobody_has_archived_yet_holds_it_back() {
        let of = |number, end: End| End {
            partition: Partition::new("access", number),
            partitions: 3,
            ..end
        };
        let late = end(Some(200), None, false);
        let two = [of(0, late.clone()), of(1, late.clone())];
        check(&two, 7, (7, false));
        check(&[two.to_vec(), vec![of(2, end(None, Some(190), false))]].concat(), 7, (175, false));
    }

    #[test]
    fn old_records_beside_a_live_source_do_not_hold_it_back() {
        let old = |ended| End { backfill: true, ..end(Some(3), None, ended) };
        check(&[old(false), end(Some(200), None, false)], 150, (185, false));
        check(&[old(true), end(Some(200), None, false)], 150, (185, false));
        check(&[old(true)], 0, (4, true));
    }

    #[test]
    fn it_never_moves_back_and_ends_after_the_last_request() {
        check(&[end(Some(100), None, false)], 90, (90, false));
        check(&[end(Some(100), None, true), end(Some(200), None, true)], 0, (201, true));
        check(&[end(None, None, false), end(Some(200), None, false)], 7, (7, false));
        check(&[], 7, (7, false));
        check(&[end(None, None, true)], 0, (1, true));
    }
}
