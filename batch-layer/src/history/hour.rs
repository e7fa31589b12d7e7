//! The folder of one hour.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, view_index};

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
            self.write(&table_path(folder, view), table.to_parquet()?)?;
        }
        self.write(&format!("{folder}/sizes.parquet"), histogram(&hour.sizes)?)?;
        self.write(&format!("{folder}/durations.parquet"), histogram(&hour.durations)?)?;
        self.write(&format!("{folder}/sessions.parquet"), sessions(&hour.fragments)?)?;
        self.write(&format!("{folder}/rows.parquet"), rows(&hour.sets)?)
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

    /// The rows of an hour, as they were computed, of the views and grains that `wanted` picks.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where they don't read.
    pub fn read_rows(
        &self,
        folder: &str,
        wanted: impl Fn(&str, &str) -> bool,
    ) -> Result<Vec<RowSet>, BatchError> {
        let path = format!("{folder}/rows.parquet");
        let wrong = || damaged(&path, "it holds no rows");
        let mut sets = Vec::new();
        let reader = ParquetRecordBatchReaderBuilder::try_new(self.read(&path)?)?;
        let groups = groups(reader.metadata(), &wanted);
        for batch in reader.with_row_groups(groups).build()? {
            let batch = batch?;
            let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
            let views = text("view").ok_or_else(wrong)?;
            let grains = text("grain").ok_or_else(wrong)?;
            let bodies = text("body").ok_or_else(wrong)?;
            for row in
                (0..batch.num_rows()).filter(|row| wanted(views.value(*row), grains.value(*row)))
            {
                let set = serde_json::from_str(bodies.value(row));
                sets.push(set.map_err(|error| damaged(&path, error))?);
            }
        }
        Ok(sets)
    }
}

/// Which row groups may have rows that are wanted: of a group of one view and one grain that is
/// known by its statistics.
fn groups(file: &ParquetMetaData, wanted: impl Fn(&str, &str) -> bool) -> Vec<usize> {
    let only = |group: usize, column: usize| -> Option<&str> {
        let Statistics::ByteArray(texts) = file.row_group(group).column(column).statistics()?
        else {
            return None;
        };
        let (least, most) = (texts.min_opt()?, texts.max_opt()?);
        std::str::from_utf8(least.data()).ok().filter(|_| least == most)
    };
    let may_have = |group: &usize| match (only(*group, 0), only(*group, 1)) {
        (Some(view), Some(grain)) => wanted(view, grain),
        _ => true,
    };
    (0..file.num_row_groups()).filter(may_have).collect()
}

/// The rows of the hour, few and asked for by all, then those of the minutes, a view a group.
fn rows(sets: &[RowSet]) -> Result<bytes::Bytes, BatchError> {
    let mut sets: Vec<&RowSet> = sets.iter().collect();
    let group = |set: &RowSet| match set.grain {
        Grain::Hour => None,
        _ => view_index(&set.view),
    };
    sets.sort_by_key(|set| group(set));
    let groups = sets.chunk_by(|a, b| group(a) == group(b)).map(row_group);
    let mut groups = groups.collect::<Result<Vec<_>, _>>()?;
    if groups.is_empty() {
        groups.push(row_group(&[])?);
    }
    to_parquet(groups)
}

fn row_group(sets: &[&RowSet]) -> Result<RecordBatch, BatchError> {
    let bodies: Result<Vec<String>, _> = sets.iter().map(serde_json::to_string).collect();
    let bodies = bodies.map_err(|error| BatchError::Failed(error.to_string()))?;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("view", Arc::new(StringArray::from_iter_values(sets.iter().map(|set| &set.view)))),
        ("grain", Arc::new(StringArray::from_iter_values(sets.iter().map(|set| set.grain.name())))),
        ("start", Arc::new(Int64Array::from_iter_values(sets.iter().map(|set| set.start.0)))),
        ("body", Arc::new(StringArray::from_iter_values(bodies))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
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
