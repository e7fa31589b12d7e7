//! Records as the columns of the archive's table, in its order.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::writer::SerializedFileWriter;
use twofold_data::archive::{COLUMNS, ColumnKind};
use twofold_data::partition::Partition;
use twofold_data::request::{Line, Malformed, Request, RequestLine};

use super::column::{Numbers, Texts, Write};
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

/// The columns of a row group that is being filled.
pub struct Columns {
    partition: Partition,
    time: Numbers<Int64Type>,
    topic: Texts,
    number: Numbers<Int32Type>,
    offset: Numbers<Int64Type>,
    arrival: Numbers<Int64Type>,
    outcome: Texts,
    host: Texts,
    client: Texts,
    ident: Texts,
    user: Texts,
    utc_offset: Numbers<Int32Type>,
    method: Texts,
    path: Texts,
    query: Texts,
    protocol: Texts,
    request_line: Texts,
    status: Numbers<Int32Type>,
    bytes: Numbers<Int64Type>,
    referrer: Texts,
    user_agent: Texts,
    duration: Numbers<Int64Type>,
    raw: Texts,
}

impl Columns {
    /// Empty columns for records of one partition.
    pub fn new(partition: &Partition) -> Self {
        Self {
            partition: partition.clone(),
            time: Numbers::default(),
            topic: Texts::default(),
            number: Numbers::default(),
            offset: Numbers::default(),
            arrival: Numbers::default(),
            outcome: Texts::default(),
            host: Texts::default(),
            client: Texts::default(),
            ident: Texts::default(),
            user: Texts::default(),
            utc_offset: Numbers::default(),
            method: Texts::default(),
            path: Texts::default(),
            query: Texts::default(),
            protocol: Texts::default(),
            request_line: Texts::default(),
            status: Numbers::default(),
            bytes: Numbers::default(),
            referrer: Texts::default(),
            user_agent: Texts::default(),
            duration: Numbers::default(),
            raw: Texts::default(),
        }
    }

    /// How many rows they hold.
    pub fn rows(&self) -> usize {
        self.time.rows()
    }

    /// Adds a record. `time` (ms) is what a malformed or blank one counts for; `raw` are its
    /// bytes where the columns don't rebuild them.
    pub fn push(&mut self, record: &Record<'_>, line: &Line<'_>, time: i64, raw: Option<&[u8]>) {
        self.topic.push_repeated(self.partition.topic.as_bytes());
        self.number.push(self.partition.number as i32);
        self.offset.push(record.offset as i64);
        self.arrival.push_option(record.arrival);
        self.raw.push_option(raw);
        match line {
            Line::Request(request) => self.request(request),
            Line::Blank => self.other("blank", time),
            Line::Malformed(reason) => self.other(Malformed::name(*reason), time),
        }
    }

    fn request(&mut self, request: &Request<'_>) {
        self.time.push(request.time);
        self.outcome.push_repeated(b"request");
        self.host.push_option(bytes(request.host));
        self.client.push(request.client.as_bytes());
        self.ident.push_option(bytes(request.ident));
        self.user.push_option(bytes(request.user));
        self.utc_offset.push(request.utc_offset.into());
        self.method.push_option(bytes(request.method()));
        let (path, query) = request.split_target().unzip();
        self.path.push_option(bytes(path));
        self.query.push_option(bytes(query.flatten()));
        let (protocol, other) = match request.line {
            RequestLine::Http { protocol, .. } => (Some(protocol), None),
            RequestLine::Other(text) => (None, Some(text)),
        };
        self.protocol.push_option(bytes(protocol));
        self.request_line.push_option(bytes(other));
        self.status.push(request.status.into());
        self.bytes.push_option(request.bytes.map(|bytes| bytes as i64));
        self.referrer.push_option(bytes(request.referrer));
        self.user_agent.push_option(bytes(request.user_agent));
        self.duration.push_option(request.duration.map(|duration| duration as i64));
    }

    fn other(&mut self, outcome: &str, time: i64) {
        self.time.push(time);
        self.outcome.push(outcome.as_bytes());
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
            text.push_null();
        }
        self.utc_offset.push_option(None);
        self.status.push_option(None);
        self.bytes.push_option(None);
        self.duration.push_option(None);
    }

    /// Writes the rows so far as one row group; the columns are empty afterwards.
    ///
    /// # Errors
    /// None that input can reach: the columns are as long as each other.
    pub fn write(&mut self, file: &mut SerializedFileWriter<Vec<u8>>) -> Result<()> {
        if self.rows() == 0 {
            return Ok(());
        }
        let descriptors = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        let columns: [&mut dyn Write; COLUMNS.len()] = [
            &mut self.time,
            &mut self.topic,
            &mut self.number,
            &mut self.offset,
            &mut self.arrival,
            &mut self.outcome,
            &mut self.host,
            &mut self.client,
            &mut self.ident,
            &mut self.user,
            &mut self.utc_offset,
            &mut self.method,
            &mut self.path,
            &mut self.query,
            &mut self.protocol,
            &mut self.request_line,
            &mut self.status,
            &mut self.bytes,
            &mut self.referrer,
            &mut self.user_agent,
            &mut self.duration,
            &mut self.raw,
        ];
        for (column, of) in columns.into_iter().zip(descriptors) {
            column.write(of, &mut group)?;
        }
        group.close()?;
        Ok(())
    }
}

fn bytes(text: Option<&str>) -> Option<&[u8]> {
    text.map(str::as_bytes)
}
