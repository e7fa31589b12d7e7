//! Records as Arrow columns, in the order of the archive's table.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use twofold_data::archive::{COLUMNS, ColumnKind};
use twofold_data::partition::Partition;
use twofold_data::request::{Line, Malformed, Request, RequestLine};

use crate::source::Record;

/// The Arrow schema of the archive.
pub fn schema() -> SchemaRef {
    let field = |column: &twofold_data::archive::Column| {
        let kind = match column.kind {
            ColumnKind::Text => DataType::Utf8,
            ColumnKind::Bytes => DataType::Binary,
            ColumnKind::I16 => DataType::Int16,
            ColumnKind::I32 => DataType::Int32,
            ColumnKind::I64 => DataType::Int64,
            ColumnKind::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        };
        Field::new(column.name, kind, column.nullable)
    };
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
}

/// Columns that are being filled.
#[derive(Debug)]
pub struct Columns {
    schema: SchemaRef,
    partition: Partition,
    rows: usize,
    time: TimestampMillisecondBuilder,
    topic: StringBuilder,
    number: Int32Builder,
    offset: Int64Builder,
    arrival: TimestampMillisecondBuilder,
    outcome: StringBuilder,
    host: StringBuilder,
    client: StringBuilder,
    ident: StringBuilder,
    user: StringBuilder,
    utc_offset: Int16Builder,
    method: StringBuilder,
    path: StringBuilder,
    query: StringBuilder,
    protocol: StringBuilder,
    request_line: StringBuilder,
    status: Int16Builder,
    bytes: Int64Builder,
    referrer: StringBuilder,
    user_agent: StringBuilder,
    duration: Int64Builder,
    raw: BinaryBuilder,
}

impl Columns {
    /// Empty columns for records of one partition.
    pub fn new(partition: &Partition) -> Self {
        Self {
            schema: schema(),
            partition: partition.clone(),
            rows: 0,
            time: TimestampMillisecondBuilder::new(),
            topic: StringBuilder::new(),
            number: Int32Builder::new(),
            offset: Int64Builder::new(),
            arrival: TimestampMillisecondBuilder::new(),
            outcome: StringBuilder::new(),
            host: StringBuilder::new(),
            client: StringBuilder::new(),
            ident: StringBuilder::new(),
            user: StringBuilder::new(),
            utc_offset: Int16Builder::new(),
            method: StringBuilder::new(),
            path: StringBuilder::new(),
            query: StringBuilder::new(),
            protocol: StringBuilder::new(),
            request_line: StringBuilder::new(),
            status: Int16Builder::new(),
            bytes: Int64Builder::new(),
            referrer: StringBuilder::new(),
            user_agent: StringBuilder::new(),
            duration: Int64Builder::new(),
            raw: BinaryBuilder::new(),
        }
    }

    /// How many rows they hold.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a record. `time` (ms) is what a malformed or blank one counts for; `raw` are its
    /// bytes where the columns don't rebuild them.
    pub fn push(&mut self, record: &Record<'_>, line: &Line<'_>, time: i64, raw: Option<&[u8]>) {
        self.rows += 1;
        self.topic.append_value(&self.partition.topic);
        self.number.append_value(self.partition.number as i32);
        self.offset.append_value(record.offset as i64);
        self.arrival.append_option(record.arrival);
        self.raw.append_option(raw);
        match line {
            Line::Request(request) => self.request(request),
            Line::Blank => self.other("blank", time),
            Line::Malformed(reason) => self.other(Malformed::name(*reason), time),
        }
    }

    fn request(&mut self, request: &Request<'_>) {
        self.time.append_value(request.time);
        self.outcome.append_value("request");
        self.host.append_option(request.host);
        self.client.append_value(request.client);
        self.ident.append_option(request.ident);
        self.user.append_option(request.user);
        self.utc_offset.append_value(request.utc_offset);
        self.method.append_option(request.method());
        self.path.append_option(request.path());
        self.query.append_option(request.query());
        match request.line {
            RequestLine::Http { protocol, .. } => {
                self.protocol.append_value(protocol);
                self.request_line.append_null();
            }
            RequestLine::Other(text) => {
                self.protocol.append_null();
                self.request_line.append_value(text);
            }
        }
        self.status.append_value(request.status as i16);
        self.bytes.append_option(request.bytes.map(|bytes| bytes as i64));
        self.referrer.append_option(request.referrer);
        self.user_agent.append_option(request.user_agent);
        self.duration.append_option(request.duration.map(|duration| duration as i64));
    }

    fn other(&mut self, outcome: &str, time: i64) {
        self.time.append_value(time);
        self.outcome.append_value(outcome);
        for text in [
            &mut self.host,
            &mut self.client,
            &mut self.ident,
            &mut self.user,
            &mut self.method,
            &mut self.path,
            &mut self.query,
            &mut self.protocol,
            &mut self.request_line,
            &mut self.referrer,
            &mut self.user_agent,
        ] {
            text.append_null();
        }
        self.utc_offset.append_null();
        self.status.append_null();
        self.bytes.append_null();
        self.duration.append_null();
    }

    /// The rows so far as one batch; the columns are empty afterwards.
    ///
    /// # Errors
    /// None that input can reach: the columns are as long as each other.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows = 0;
        let utc = |builder: &mut TimestampMillisecondBuilder| -> ArrayRef {
            Arc::new(builder.finish().with_timezone("UTC"))
        };
        let columns: Vec<ArrayRef> = vec![
            utc(&mut self.time),
            Arc::new(self.topic.finish()),
            Arc::new(self.number.finish()),
            Arc::new(self.offset.finish()),
            utc(&mut self.arrival),
            Arc::new(self.outcome.finish()),
            Arc::new(self.host.finish()),
            Arc::new(self.client.finish()),
            Arc::new(self.ident.finish()),
            Arc::new(self.user.finish()),
            Arc::new(self.utc_offset.finish()),
            Arc::new(self.method.finish()),
            Arc::new(self.path.finish()),
            Arc::new(self.query.finish()),
            Arc::new(self.protocol.finish()),
            Arc::new(self.request_line.finish()),
            Arc::new(self.status.finish()),
            Arc::new(self.bytes.finish()),
            Arc::new(self.referrer.finish()),
            Arc::new(self.user_agent.finish()),
            Arc::new(self.duration.finish()),
            Arc::new(self.raw.finish()),
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}
