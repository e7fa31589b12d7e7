//! Requests as rows of the archive's table.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use twofold_data::archive::{COLUMNS, Column, ColumnKind};
use twofold_data::partition::Partition;
use twofold_data::request::{Request, RequestLine};

use super::records::Record;
use crate::BatchError;

/// Rows of one partition.
pub(super) struct Rows {
    partition: Partition,
    columns: Vec<Builder>,
    rows: usize,
}

enum Builder {
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    I16(Int16Builder),
    I32(Int32Builder),
    I64(Int64Builder),
    Time(TimestampMillisecondBuilder),
}

/// What a row has in a column.
enum Value<'a> {
    Text(Option<&'a str>),
    Number(Option<i64>),
    Bytes(&'a [u8]),
}

impl Rows {
    /// None yet.
    pub fn new(partition: &Partition) -> Self {
        let columns = COLUMNS.iter().map(|column| Builder::of(column.kind)).collect();
        Self { partition: partition.clone(), columns, rows: 0 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a record that is a request now. Its bytes are always kept: the file's format, by
    /// which columns are rebuilt, is another one.
    pub fn push(&mut self, record: &Record<'_>, request: &Request<'_>) {
        for (builder, column) in self.columns.iter_mut().zip(COLUMNS) {
            builder.push(value(column.name, &self.partition, record, request));
        }
        self.rows += 1;
    }

    /// The rows as a table.
    pub fn finish(mut self) -> Result<RecordBatch, BatchError> {
        let columns = self.columns.iter_mut().map(Builder::finish).collect();
        let schema = Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()));
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

impl Builder {
    fn of(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Text => Self::Text(StringBuilder::new()),
            ColumnKind::Bytes => Self::Bytes(BinaryBuilder::new()),
            ColumnKind::I16 => Self::I16(Int16Builder::new()),
            ColumnKind::I32 => Self::I32(Int32Builder::new()),
            ColumnKind::I64 => Self::I64(Int64Builder::new()),
            ColumnKind::Time => {
                Self::Time(TimestampMillisecondBuilder::new().with_data_type(data_type(kind)))
            }
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(column), Value::Text(text)) => column.append_option(text),
            (Self::Bytes(column), Value::Bytes(bytes)) => column.append_value(bytes),
            (Self::I16(column), Value::Number(number)) => {
                column.append_option(number.map(|number| number as i16));
            }
            (Self::I32(column), Value::Number(number)) => {
                column.append_option(number.map(|number| number as i32));
            }
            (Self::I64(column), Value::Number(number)) => column.append_option(number),
            (Self::Time(column), Value::Number(number)) => column.append_option(number),
            // `value` gives each column what it takes; else the columns differ in length, which is
            // an error when they are put together.
            _ => {}
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => Arc::new(column.finish()),
            Self::Bytes(column) => Arc::new(column.finish()),
            Self::I16(column) => Arc::new(column.finish()),
            Self::I32(column) => Arc::new(column.finish()),
            Self::I64(column) => Arc::new(column.finish()),
            Self::Time(column) => Arc::new(column.finish()),
        }
    }
}

fn value<'a>(
    column: &str,
    partition: &'a Partition,
    record: &Record<'a>,
    request: &Request<'a>,
) -> Value<'a> {
    let (protocol, other) = match request.line {
        RequestLine::Http { protocol, .. } => (Some(protocol), None),
        RequestLine::Other(text) => (None, Some(text)),
    };
    match column {
        "time" => Value::Number(Some(request.time)),
        "topic" => Value::Text(Some(&partition.topic)),
        "partition" => Value::Number(Some(partition.number.into())),
        "offset" => Value::Number(Some(record.offset as i64)),
        "arrival" => Value::Number(record.arrival),
        "outcome" => Value::Text(Some("request")),
        "host" => Value::Text(request.host),
        "client" => Value::Text(Some(request.client)),
        "ident" => Value::Text(request.ident),
        "user" => Value::Text(request.user),
        "utc_offset" => Value::Number(Some(request.utc_offset.into())),
        "method" => Value::Text(request.method()),
        "path" => Value::Text(request.path()),
        "query" => Value::Text(request.query()),
        "protocol" => Value::Text(protocol),
        "request_line" => Value::Text(other),
        "status" => Value::Number(Some(request.status.into())),
        "bytes" => Value::Number(request.bytes.map(|bytes| bytes as i64)),
        "referrer" => Value::Text(request.referrer),
        "user_agent" => Value::Text(request.user_agent),
        "duration" => Value::Number(request.duration.map(|duration| duration as i64)),
        _ => Value::Bytes(record.bytes),
    }
}

fn field(column: &Column) -> Field {
    Field::new(column.name, data_type(column.kind), column.nullable)
}

fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text => DataType::Utf8,
        ColumnKind::Bytes => DataType::Binary,
        ColumnKind::I16 => DataType::Int16,
        ColumnKind::I32 => DataType::Int32,
        ColumnKind::I64 => DataType::Int64,
        ColumnKind::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
    }
}
