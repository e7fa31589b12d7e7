//! How files of the archive are retired: recorded, then deleted.

use std::collections::{BTreeMap, BTreeSet};

use twofold_data::archive::{Retired, SCHEMA_VERSION, file_of};
use twofold_data::minute::Grain;
use twofold_data::partition::{Partition, partition_seed, record_hash};

use crate::BatchError;
use crate::archive::{Archive, File};
use crate::manifest::Manifest;
use crate::run::now;

/// Records the retirement of the first files of a partition's chain, then deletes them.
pub fn retire(
    archive: &Archive,
    manifest: &Manifest,
    partition: &Partition,
    files: &[File],
    reason: &str,
) -> Result<(), BatchError> {
    let (Some(first), Some(last)) = (files.first(), files.last()) else { return Ok(()) };
    let mut retired = Retired {
        schema: SCHEMA_VERSION,
        partition: partition.clone(),
        first_offset: first.meta.first_offset,
        next_offset: last.meta.next_offset,
        files: files.iter().map(|file| file.path.clone()).collect(),
        records: files.iter().map(|file| file.meta.records).sum(),
        minutes: BTreeMap::new(),
        largest_event_time: last.meta.largest_event_time,
        retired_at: now(),
        reason: reason.to_owned(),
    };
    let none = BTreeSet::new();
    for file in files {
        let refused = manifest.refused.get(&file.path).unwrap_or(&none);
        tally(archive, file, refused, &mut retired)?;
    }
    // Somebody else retires from the same offset: what that leaves is for the next prune.
    if archive.retire(&retired)? {
        files.iter().try_for_each(|file| archive.delete(&file.path))?;
    }
    Ok(())
}

/// Deletes what was corrected of retired files, also what a killed replay left of them: nobody reads it
/// any more, but the lines stand in it.
pub fn forget_corrected(archive: &Archive) -> Result<(), BatchError> {
    let rows = archive.corrected_rows()?;
    if rows.is_empty() {
        return Ok(());
    }
    let runs = archive.retired()?;
    let retired: BTreeSet<&String> = runs.values().flatten().flat_map(|run| &run.files).collect();
    let gone = |rows: &&String| file_of(rows).is_some_and(|file| retired.contains(&file));
    rows.iter().filter(gone).try_for_each(|rows| archive.delete(rows))
}

/// Adds the rows of a file that a view counts to their minutes.
fn tally(
    archive: &Archive,
    file: &File,
    refused: &BTreeSet<i64>,
    retired: &mut Retired,
) -> Result<(), BatchError> {
    let seed = partition_seed(&file.meta.partition);
    archive.rows(file, |row| {
        if !refused.contains(&Grain::Hour.start(row.minute).0) {
            let tally = row.tally(record_hash(seed, row.offset));
            *retired.minutes.entry(row.minute.0).or_default() += &tally;
        }
    })?;
    Ok(())
}
