//! The columns of one archive file.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;

use super::{Archive, damaged, missing};
use crate::BatchError;

/// How text columns are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// As strings.
    Plain,
    /// As dictionaries of a row group, with 32-bit codes.
    Dictionary,
}

/// The record batches of a file.
pub type Batches = ParquetRecordBatchReader;

/// Rows of a batch: a row group, so that its dictionary is looked at once.
const ROWS: usize = 128 * 1024;

impl Archive {
    /// Reads columns of the row groups that `wanted` picks; a batch is about a row group.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where the file doesn't read.
    pub fn read(
        &self,
        path: &str,
        columns: &[&str],
        text: Text,
        wanted: impl Fn(&RowGroupMetaData) -> bool,
    ) -> Result<Batches, BatchError> {
        let bytes = self.bytes(path)?.ok_or_else(|| missing(path))?;
        let failed = |error: parquet::errors::ParquetError| damaged(path, error);
        let mut builder =
            ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).map_err(failed)?;
        if text == Text::Dictionary {
            let options = ArrowReaderOptions::new().with_schema(coded(builder.schema()));
            builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
                .map_err(failed)?;
        }
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let groups = builder.metadata().row_groups().iter().enumerate();
        let groups = groups.filter(|(_, group)| wanted(group)).map(|(at, _)| at).collect();
        let builder = builder.with_projection(mask).with_row_groups(groups).with_batch_size(ROWS);
        builder.build().map_err(failed)
    }
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
