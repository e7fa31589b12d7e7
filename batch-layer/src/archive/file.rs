//! The columns of one archive file.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::sparse::Sparse;
use super::{Archive, damaged};
use crate::BatchError;

/// How text columns are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// As strings.
    Plain,
    /// As dictionaries of a row group, with 32-bit codes.
    Dictionary,
}

/// Rows of a batch: a row group, so that its dictionary is looked at once.
const ROWS: usize = 128 * 1024;

impl Archive {
    /// Reads columns of the row groups that `wanted` picks, and fetches nothing else; a batch is about
    /// a row group.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where the file doesn't read.
    pub fn read_as_put(
        &self,
        path: &str,
        columns: &[&str],
        text: Text,
        wanted: impl Fn(&RowGroupMetaData) -> bool,
    ) -> Result<ParquetRecordBatchReader, BatchError> {
        let failed = |error: ParquetError| damaged(path, error);
        let footer = self.footer(path)?;
        let metadata = described(&footer, text).map_err(failed)?;
        let mask = ProjectionMask::columns(metadata.parquet_schema(), columns.iter().copied());
        let groups = footer.row_groups().iter().enumerate();
        let groups: Vec<usize> =
            groups.filter(|(_, group)| wanted(group)).map(|(at, _)| at).collect();
        let ranges = stretches(&footer, &groups, &mask);
        let chunks =
            Sparse::new(ranges.iter().map(|range| range.start), self.ranges(path, &ranges)?);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, metadata);
        let builder = builder.with_projection(mask).with_row_groups(groups).with_batch_size(ROWS);
        builder.build().map_err(failed)
    }
}

fn described(
    footer: &Arc<ParquetMetaData>,
    text: Text,
) -> Result<ArrowReaderMetadata, ParquetError> {
    let plain = ArrowReaderMetadata::try_new(Arc::clone(footer), ArrowReaderOptions::new())?;
    if text == Text::Plain {
        return Ok(plain);
    }
    let options = ArrowReaderOptions::new().with_schema(coded(plain.schema()));
    ArrowReaderMetadata::try_new(Arc::clone(footer), options)
}

/// Where the columns of the row groups lie in the file.
fn stretches(footer: &ParquetMetaData, groups: &[usize], mask: &ProjectionMask) -> Vec<Range<u64>> {
    let of_group = |group: &usize| {
        let columns = footer.row_group(*group).columns().iter().enumerate();
        columns.filter(|(at, _)| mask.leaf_included(*at)).map(|(_, column)| {
            let (start, length) = column.byte_range();
            start..start + length
        })
    };
    groups.iter().flat_map(of_group).collect()
}

/// The schema with dictionaries for text.
fn coded(schema: &Schema) -> Arc<Schema> {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => {
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(field.as_ref().clone().with_data_type(kind))
        }
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}
