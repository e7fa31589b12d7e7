//! What each row of an archive file counts for, without its request.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMillisecondType};
use twofold_data::minute::Minute;
use twofold_data::view::Tally;

use super::{Archive, File, Text, damaged};
use crate::BatchError;

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The record's offset.
    pub offset: u64,
    /// The minute that it counts for.
    pub minute: Minute,
    /// `request`, `blank`, or why it is malformed.
    pub outcome: &'a str,
}

impl Row<'_> {
    /// What the record adds to its minute, with the hash of its identity.
    pub fn tally(&self, hash: u64) -> Tally {
        let (malformed, blank) = match self.outcome {
            "request" => (0, 0),
            "blank" => (0, 1),
            _ => (1, 0),
        };
        Tally { records: 1, malformed, blank, hash }
    }
}

impl Archive {
    /// Shows each row of a file to `visit`, in order; returns how many there are.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where the file doesn't read.
    pub fn rows(&self, file: &File, mut visit: impl FnMut(Row<'_>)) -> Result<u64, BatchError> {
        let wrong = || damaged(&file.path, "its columns are not the archive's");
        let mut rows = 0;
        let columns = ["time", "offset", "outcome"];
        for batch in self.read(&file.path, &columns, Text::Dictionary, |_| true)? {
            let batch = batch?;
            let column = |name: &str| batch.column_by_name(name).ok_or_else(wrong);
            let times =
                column("time")?.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(wrong)?;
            let offsets = column("offset")?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
            let outcomes = column("outcome")?.as_dictionary_opt::<Int32Type>().ok_or_else(wrong)?;
            let names = outcomes.values().as_string_opt::<i32>().ok_or_else(wrong)?;
            for row in 0..batch.num_rows() {
                visit(Row {
                    offset: offsets.value(row) as u64,
                    minute: Minute::of(times.value(row)),
                    outcome: outcomes.key(row).map_or("", |key| names.value(key)),
                });
            }
            rows += batch.num_rows() as u64;
        }
        Ok(rows)
    }
}
