//! The malformed records of the archive, one by one.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use serde::Serialize;
use twofold_data::minute::Minute;
use twofold_data::partition::Partition;

use crate::BatchError;
use crate::archive::groups::statistics;
use crate::archive::{Archive, File, Text, damaged};

/// One malformed record, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MalformedRecord {
    /// Its name: partition and offset.
    pub id: String,
    /// The minute that it counts for.
    pub minute: String,
    /// Why no format read it.
    pub reason: String,
    /// The format that was tried.
    pub format: String,
    /// Its bytes; in JSON, what is not printable ASCII is escaped as in Rust and C.
    #[serde(serialize_with = "escaped")]
    pub bytes: Vec<u8>,
}

fn escaped<S: serde::Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&bytes.escape_ascii())
}

/// A malformed record as it stands in the archive.
pub(super) struct Record<'a> {
    /// The offset.
    pub offset: u64,
    /// The instant (ms) that it counts for.
    pub time: i64,
    /// When it arrived (ms), where its source tells.
    pub arrival: Option<i64>,
    /// Why no format read it.
    pub reason: &'a str,
    /// The record.
    pub bytes: &'a [u8],
}

/// Malformed records after one of them, in the order of partitions and offsets, at most so many.
///
/// # Errors
/// Of the store.
pub fn malformed(
    archive: &Archive,
    after: Option<&(Partition, u64)>,
    most: usize,
) -> Result<Vec<MalformedRecord>, BatchError> {
    archive.see(archive.corrections()?);
    let mut found = Vec::new();
    for origin in archive.origins()? {
        let since = match after {
            Some((partition, _)) if origin.partition < *partition => continue,
            Some((partition, offset)) if origin.partition == *partition => offset + 1,
            _ => 0,
        };
        for file in archive.listed(&origin.partition, since)? {
            if found.len() >= most {
                return Ok(found);
            }
            visit(archive, &file, since, |record| {
                found.push(MalformedRecord {
                    id: format!("{}@{}", file.meta.partition, record.offset),
                    minute: Minute::of(record.time).to_string(),
                    reason: record.reason.to_owned(),
                    format: file.meta.format.clone(),
                    bytes: record.bytes.to_vec(),
                });
                found.len() < most
            })?;
        }
    }
    Ok(found)
}

/// Shows the malformed records of a file from an offset on to `look`, until that has seen enough.
pub(super) fn visit(
    archive: &Archive,
    file: &File,
    since: u64,
    mut look: impl FnMut(Record<'_>) -> bool,
) -> Result<(), BatchError> {
    let columns = ["time", "offset", "arrival", "outcome", "raw"];
    for batch in archive.read(&file.path, &columns, Text::Plain, may_be_malformed)? {
        let batch = batch?;
        let mut records = records(&batch)
            .ok_or_else(|| damaged(&file.path, "its columns are not the archive's"))?;
        if records.any(|record| record.offset >= since && !look(record)) {
            return Ok(());
        }
    }
    Ok(())
}

fn records(batch: &RecordBatch) -> Option<impl Iterator<Item = Record<'_>>> {
    let column = |name: &str| batch.column_by_name(name).map(AsRef::as_ref);
    let time = column("time")?.as_primitive_opt::<TimestampMillisecondType>()?;
    let arrival = column("arrival")?.as_primitive_opt::<TimestampMillisecondType>()?;
    let offset = column("offset")?.as_primitive_opt::<Int64Type>()?;
    let outcome = column("outcome")?.as_string_opt::<i32>()?;
    let raw = column("raw")?.as_binary_opt::<i32>()?;
    let malformed = |row: &usize| !READ.contains(&outcome.value(*row));
    Some((0..batch.num_rows()).filter(malformed).map(|row| Record {
        offset: offset.value(row) as u64,
        time: time.value(row),
        arrival: arrival.is_valid(row).then(|| arrival.value(row)),
        reason: outcome.value(row),
        bytes: raw.value(row),
    }))
}

/// The outcomes of records that are not malformed.
const READ: [&str; 2] = ["blank", "request"];

/// Whether a row group may hold malformed records, as far as its statistics tell.
fn may_be_malformed(group: &RowGroupMetaData) -> bool {
    let outcomes = statistics(group, "outcome");
    let least = outcomes.and_then(Statistics::min_bytes_opt);
    let most = outcomes.and_then(Statistics::max_bytes_opt);
    least.is_none() || least != most || !READ.iter().any(|read| least == Some(read.as_bytes()))
}
