//! Tables as Parquet: distinct keys with their measures, in order.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use twofold_data::view::{Counts, MEASURES};

use crate::BatchError;
use crate::archive::damaged;

/// One key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The measures.
    pub counts: Counts,
    /// The first event time (ms).
    pub first: i64,
    /// The last event time (ms).
    pub last: i64,
}

/// Distinct keys, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table(pub Vec<Entry>);

impl Table {
    /// The table as Parquet.
    ///
    /// # Errors
    /// None that input can reach.
    pub fn to_parquet(&self) -> Result<Bytes, BatchError> {
        let keys = self.0.iter().map(|entry| entry.key.as_str());
        let mut columns: Vec<(&str, ArrayRef)> =
            vec![("key", Arc::new(StringArray::from_iter_values(keys)))];
        for (at, measure) in MEASURES.iter().enumerate() {
            let values = self.0.iter().map(|entry| entry.counts.0[at]);
            columns.push((measure.name, Arc::new(UInt64Array::from_iter_values(values))));
        }
        let first = Int64Array::from_iter_values(self.0.iter().map(|entry| entry.first));
        let last = Int64Array::from_iter_values(self.0.iter().map(|entry| entry.last));
        columns.push(("first", Arc::new(first)));
        columns.push(("last", Arc::new(last)));
        to_parquet(RecordBatch::try_from_iter(columns)?)
    }
}

/// One batch as a Parquet file.
pub fn to_parquet(batch: RecordBatch) -> Result<Bytes, BatchError> {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?.into())
}

/// Two columns of numbers: a histogram.
pub fn histogram(values: &[(u64, u64)]) -> Result<Bytes, BatchError> {
    let value = UInt64Array::from_iter_values(values.iter().map(|(value, _)| *value));
    let count = UInt64Array::from_iter_values(values.iter().map(|(_, count)| *count));
    let columns: Vec<(&str, ArrayRef)> =
        vec![("value", Arc::new(value)), ("count", Arc::new(count))];
    to_parquet(RecordBatch::try_from_iter(columns)?)
}

/// Reads a [`histogram`].
pub fn read_histogram(path: &str, body: Bytes) -> Result<Vec<(u64, u64)>, BatchError> {
    let mut values = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(body)?.build()? {
        let batch = batch?;
        let column = |name| {
            batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt64Type>())
        };
        let (Some(value), Some(count)) = (column("value"), column("count")) else {
            return Err(damaged(path, "it is no histogram"));
        };
        values.extend(value.values().iter().copied().zip(count.values().iter().copied()));
    }
    Ok(values)
}

/// Reads a table's entries batch by batch.
pub fn entries(
    path: String,
    body: Bytes,
) -> Result<impl Iterator<Item = Result<Entry, BatchError>>, BatchError> {
    let batches = ParquetRecordBatchReaderBuilder::try_new(body)?.with_batch_size(4096).build()?;
    Ok(batches.flat_map(move |batch| {
        let read = batch.map_err(BatchError::from).and_then(|batch| of_batch(&path, &batch));
        match read {
            Ok(entries) => entries.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        }
    }))
}

fn of_batch(path: &str, batch: &RecordBatch) -> Result<Vec<Entry>, BatchError> {
    let wrong = || damaged(path, "it is no table of keys");
    let column = |name: &str| batch.column_by_name(name).ok_or_else(wrong);
    let keys = column("key")?.as_string_opt::<i32>().ok_or_else(wrong)?;
    let first = column("first")?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
    let last = column("last")?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
    let mut entries: Vec<Entry> = (0..batch.num_rows())
        .map(|row| Entry {
            key: keys.value(row).to_owned(),
            counts: Counts::default(),
            first: first.value(row),
            last: last.value(row),
        })
        .collect();
    for (at, measure) in MEASURES.iter().enumerate() {
        let values = column(measure.name)?.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?;
        for (entry, value) in entries.iter_mut().zip(values.values()) {
            entry.counts.0[at] = *value;
        }
    }
    Ok(entries)
}
