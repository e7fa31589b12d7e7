//! Where a partition's chain begins, and where it ends.

use twofold_data::archive::{
    End, FileMeta, Origin, Retired, SCHEMA_VERSION, end_path, origin_path,
};
use twofold_data::minute::Minute;
use twofold_data::partition::Partition;

use super::ArchiveError;
use super::store::{Store, json};
use crate::source::Position;

/// Where an archiver resumes a partition.
pub fn position(store: &Store, partition: &Partition) -> Result<Position, ArchiveError> {
    if let Some(end) = end(store, partition)? {
        return Ok(Position { offset: end.next_offset, ended: end.ended });
    }
    let origin: Option<Origin> = store.read(&origin_path(partition))?;
    Ok(Position { offset: origin.map_or(0, |origin| origin.first_offset), ended: false })
}

/// The end of what is put, by the hint, or where that is lost by the files.
pub fn end(store: &Store, partition: &Partition) -> Result<Option<End>, ArchiveError> {
    if let Some(end) = store.read::<End>(&end_path(partition))? {
        return Ok(Some(end));
    }
    if store.read::<Origin>(&origin_path(partition))?.is_none() {
        return Ok(None);
    }
    let Some(path) = store.last_file(partition)? else {
        return Ok(store.last_retired(partition)?.map(|retired| after(&retired)));
    };
    Ok(store.file_meta(&path)?.map(|meta| end_of(partition, path, &meta)))
}

fn end_of(partition: &Partition, path: String, meta: &FileMeta) -> End {
    End {
        next_offset: meta.next_offset,
        last_file: Some(path),
        largest_event_time: meta.largest_event_time,
        ..start(partition, meta.first_offset)
    }
}

/// All of an ended partition is retired.
fn after(retired: &Retired) -> End {
    End {
        largest_event_time: retired.largest_event_time,
        ended: true,
        ..start(&retired.partition, retired.next_offset)
    }
}

/// The end of a chain that has no file yet.
pub fn start(partition: &Partition, offset: u64) -> End {
    End {
        schema: SCHEMA_VERSION,
        partition: partition.clone(),
        partitions: 0,
        next_offset: offset,
        last_file: None,
        largest_event_time: None,
        caught_up_at: None,
        ended: false,
        backfill: false,
    }
}

/// Puts the origin, or holds the one that is there against what we were told; returns it.
pub fn claim(
    store: &Store,
    partition: &Partition,
    identity: &str,
    offset: u64,
) -> Result<Origin, ArchiveError> {
    let path = origin_path(partition);
    let known: Option<Origin> = store.read(&path)?;
    let known = match known {
        Some(known) => known,
        None => {
            let origin = Origin {
                schema: SCHEMA_VERSION,
                partition: partition.clone(),
                identity: identity.to_owned(),
                first_offset: offset,
            };
            store.create(&path, json(&path, &origin)?)?;
            store.read(&path)?.unwrap_or(origin)
        }
    };
    if known.identity == identity {
        return Ok(known);
    }
    Err(ArchiveError::Identity {
        partition: partition.clone(),
        known: known.identity,
        found: identity.to_owned(),
    })
}

/// The hour of the folder in a file's path.
pub fn folder_hour(path: &str) -> Option<Minute> {
    let date = path.split("date=").nth(1)?.get(..10)?;
    let hour = path.split("hour=").nth(1)?.get(..2)?;
    Minute::parse(&format!("{date}T{hour}:00Z"))
}
