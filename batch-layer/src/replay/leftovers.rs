//! Rows of replays that were killed, or that another one was quicker than.

use std::collections::BTreeSet;

use twofold_data::archive::correction_of;

use crate::BatchError;
use crate::archive::{Archive, Corrections};

/// The number of the newest correction; 0 where there is none.
pub(super) fn newest(corrections: &Corrections) -> u64 {
    let number = |path: &String| path.rsplit('/').next()?.strip_suffix(".json")?.parse().ok();
    corrections.keys().next_back().and_then(number).unwrap_or(0)
}

/// Deletes rows that no correction names and none will: the number that theirs wants is taken, so
/// whoever wrote them was killed, or is about to hear that it came too late. Those of a
/// replay that still goes on want the next number.
pub(super) fn sweep(archive: &Archive) -> Result<(), BatchError> {
    let corrections = archive.corrections()?;
    let files = corrections.values().flat_map(|correction| correction.files.values());
    let named: BTreeSet<&str> = files.map(|file| file.rows.as_str()).collect();
    let newest = newest(&corrections);
    let taken = |rows: &str| correction_of(rows).is_some_and(|number| number <= newest);
    let all = archive.corrected_rows()?;
    let mut over = all.iter().filter(|rows| taken(rows) && !named.contains(rows.as_str()));
    over.try_for_each(|rows| archive.delete(rows))
}
