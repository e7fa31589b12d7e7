//! Tables as Parquet: distinct keys with their measures, in order.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use twofold_data::view::{Counts, MEASURES};

use crate::BatchError;
use crate::archive::damaged;

/// What the requests of one key add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    /// The measures.
    pub counts: Counts,
    /// The first event time (ms).
    pub first: i64,
    /// The last event time (ms).
    pub last: i64,
}

impl Sums {
    /// Adds those of the same key elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.counts += &other.counts;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Distinct keys in order, column by column.
#[derive(Debug, Default)]
pub struct Table {
    keys: StringBuilder,
    counts: [Vec<u64>; MEASURES.len()],
    first: Vec<i64>,
    last: Vec<i64>,
}

impl Table {
    /// Adds the next key, which is greater than those before.
    pub fn push(&mut self, key: &str, sums: &Sums) {
        self.keys.append_value(key);
        for (column, count) in self.counts.iter_mut().zip(sums.counts.0) {
            column.push(count);
        }
        self.first.push(sums.first);
        self.last.push(sums.last);
    }

    /// The table as Parquet.
    ///
    /// # Errors
    /// None that input can reach.
    pub fn into_parquet(self) -> Result<Bytes, BatchError> {
        let Self { mut keys, counts, first, last } = self;
        let mut columns: Vec<(&str, ArrayRef)> = vec![("key", Arc::new(keys.finish()))];
        for (measure, counts) in MEASURES.iter().zip(counts) {
            columns.push((measure.name, Arc::new(UInt64Array::from(counts))));
        }
        columns.push(("first", Arc::new(Int64Array::from(first))));
        columns.push(("last", Arc::new(Int64Array::from(last))));
        to_parquet([RecordBatch::try_from_iter(columns)?])
    }
}

/// Batches as a Parquet file, each a row group of its own; at least one.
///
/// Texts are nearly all distinct, so there are no dictionaries. Numbers are written as differences,
/// which leaves little to compress.
pub fn to_parquet(batches: impl IntoIterator<Item = RecordBatch>) -> Result<Bytes, BatchError> {
    let mut batches = batches.into_iter();
    let none = || BatchError::Failed("a table without columns".into());
    let first = batches.next().ok_or_else(none)?;
    let properties = properties(&first);
    let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), Some(properties))?;
    for batch in std::iter::once(first).chain(batches) {
        writer.write(&batch)?;
        writer.flush()?;
    }
    Ok(writer.into_inner()?.into())
}

fn properties(batch: &RecordBatch) -> WriterProperties {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for field in batch.schema_ref().fields().iter().filter(|field| field.data_type().is_integer()) {
        let path = ColumnPath::from(field.name().as_str());
        properties = properties
            .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
            .set_column_compression(path, Compression::UNCOMPRESSED);
    }
    properties.build()
}

/// Two columns of numbers: a histogram.
pub fn histogram(values: &[(u64, u64)]) -> Result<Bytes, BatchError> {
    let value = UInt64Array::from_iter_values(values.iter().map(|(value, _)| *value));
    let count = UInt64Array::from_iter_values(values.iter().map(|(_, count)| *count));
    let columns: Vec<(&str, ArrayRef)> =
        vec![("value", Arc::new(value)), ("count", Arc::new(count))];
    to_parquet([RecordBatch::try_from_iter(columns)?])
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

/// A place in a table that is read from its first key to its last.
pub struct Cursor {
    path: String,
    batches: ParquetRecordBatchReader,
    columns: Option<Columns>,
    row: usize,
}

impl Cursor {
    /// At the first key of the table in `body`.
    ///
    /// # Errors
    /// [`BatchError::Damaged`] where it is no table.
    pub fn open(path: &str, body: Bytes) -> Result<Self, BatchError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(body)?.with_batch_size(4096);
        let (path, batches) = (path.to_owned(), reader.build()?);
        let mut cursor = Self { path, batches, columns: None, row: 0 };
        cursor.load()?;
        Ok(cursor)
    }

    /// The key; `None` behind the last one.
    pub fn key(&self) -> Option<&str> {
        self.columns.as_ref().map(|columns| columns.keys.value(self.row))
    }

    /// What its requests add up to; `None` behind the last key.
    pub fn sums(&self) -> Option<Sums> {
        self.columns.as_ref().map(|columns| columns.sums(self.row))
    }

    /// Goes to the next key.
    ///
    /// # Errors
    /// [`BatchError::Damaged`] where the table doesn't read.
    pub fn step(&mut self) -> Result<(), BatchError> {
        self.row += 1;
        match &self.columns {
            Some(columns) if self.row < columns.keys.len() => Ok(()),
            _ => self.load(),
        }
    }

    fn load(&mut self) -> Result<(), BatchError> {
        let batch = self.batches.next().transpose()?.filter(|batch| batch.num_rows() > 0);
        let wrong = || damaged(&self.path, "it is no table of keys");
        self.columns = match batch {
            Some(batch) => Some(Columns::of(&batch).ok_or_else(wrong)?),
            None => None,
        };
        self.row = 0;
        Ok(())
    }
}

/// The columns of a few thousand keys.
struct Columns {
    keys: StringArray,
    counts: Vec<UInt64Array>,
    first: Int64Array,
    last: Int64Array,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Option<Self> {
        let time = |name| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>().cloned();
        let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>().cloned();
        Some(Self {
            keys: batch.column_by_name("key")?.as_string_opt::<i32>()?.clone(),
            counts: MEASURES.iter().map(|m| number(m.name)).collect::<Option<_>>()?,
            first: time("first")?,
            last: time("last")?,
        })
    }

    fn sums(&self, row: usize) -> Sums {
        let mut counts = Counts::default();
        for (count, column) in counts.0.iter_mut().zip(&self.counts) {
            *count = column.value(row);
        }
        Sums { counts, first: self.first.value(row), last: self.last.value(row) }
    }
}
