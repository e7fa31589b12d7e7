//! The folder of one hour.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, UInt64Array};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use twofold_data::minute::{Grain, Minute};

use super::History;
use super::table::{histogram, to_parquet};
use crate::BatchError;
use crate::archive::damaged;
use crate::recompute::{Fragment, HourResult};

/// The folder of an hour's tables in a generation.
pub fn folder(hour: Minute, generation: u64, run: &str) -> String {
    let start = Grain::Hour.start(hour).to_string();
    let (date, clock) =
        (start.get(..10).unwrap_or_default(), start.get(11..13).unwrap_or_default());
    format!("hours/date={date}/hour={clock}/g{generation:08}-{run}")
}

/// The path of a view's table in an hour's folder.
pub fn table_path(folder: &str, view: &str) -> String {
    format!("{folder}/{view}.parquet")
}

impl History {
    /// Writes everything that is known of an hour.
    ///
    /// # Errors
    /// Of the store.
    pub(crate) fn write_hour(&self, folder: &str, hour: &HourResult) -> Result<(), BatchError> {
        for (view, table) in &hour.tables {
            self.write(&table_path(folder, view), table.clone())?;
        }
        self.write(&format!("{folder}/sizes.parquet"), histogram(&hour.sizes)?)?;
        self.write(&format!("{folder}/durations.parquet"), histogram(&hour.durations)?)?;
        self.write(&format!("{folder}/sessions.parquet"), sessions(&hour.fragments)?)?;
        self.write_rows(folder, &hour.sets)
    }

    /// The fragments of an hour's sessions, in order.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where they don't read.
    pub(crate) fn read_fragments(&self, folder: &str) -> Result<Vec<Fragment>, BatchError> {
        let path = format!("{folder}/sessions.parquet");
        let mut fragments = Vec::new();
        for batch in ParquetRecordBatchReaderBuilder::try_new(self.read(&path)?)?.build()? {
            let read = of_batch(&batch?).ok_or_else(|| damaged(&path, "it holds no sessions"))?;
            fragments.extend(read);
        }
        Ok(fragments)
    }
}

fn of_batch(batch: &RecordBatch) -> Option<Vec<Fragment>> {
    let time = |name| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
    let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
    let (first, last) = (time("first")?, time("last")?);
    let (visitor, requests) = (number("visitor")?, number("requests")?);
    let fragment = |row| Fragment {
        visitor: visitor.value(row),
        first: first.value(row),
        last: last.value(row),
        requests: requests.value(row),
    };
    Some((0..batch.num_rows()).map(fragment).collect())
}

fn sessions(fragments: &[Fragment]) -> Result<bytes::Bytes, BatchError> {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("visitor", Arc::new(UInt64Array::from_iter_values(fragments.iter().map(|f| f.visitor)))),
        ("first", Arc::new(Int64Array::from_iter_values(fragments.iter().map(|f| f.first)))),
        ("last", Arc::new(Int64Array::from_iter_values(fragments.iter().map(|f| f.last)))),
        ("requests", Arc::new(UInt64Array::from_iter_values(fragments.iter().map(|f| f.requests)))),
    ];
    to_parquet([RecordBatch::try_from_iter(columns)?])
}
