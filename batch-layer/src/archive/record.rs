//! A row of the archive as the record that it was.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, BinaryArray, PrimitiveArray, RecordBatch, StringArray};
use twofold_data::class::Classifier;
use twofold_data::facts::Facts;
use twofold_data::format::Format;
use twofold_data::request::{Request, RequestLine};

use super::damaged;
use crate::BatchError;

/// The columns that rebuild a record, and say where it stands.
pub const COLUMNS: [&str; 20] = [
    "time",
    "partition",
    "offset",
    "outcome",
    "host",
    "client",
    "ident",
    "user",
    "utc_offset",
    "method",
    "path",
    "query",
    "protocol",
    "request_line",
    "status",
    "bytes",
    "referrer",
    "user_agent",
    "duration",
    "raw",
];

/// A batch's columns, typed (text as [`super::Text::Plain`]).
pub struct Records<'a> {
    /// Event time (ms).
    pub time: &'a PrimitiveArray<TimestampMillisecondType>,
    /// The offset.
    pub offset: &'a PrimitiveArray<Int64Type>,
    /// `request`, `blank`, or why it is malformed.
    pub outcome: &'a StringArray,
    /// The client.
    pub client: &'a StringArray,
    /// The path without query.
    pub path: &'a StringArray,
    /// The status code.
    pub status: &'a PrimitiveArray<Int16Type>,
    host: &'a StringArray,
    ident: &'a StringArray,
    user: &'a StringArray,
    utc_offset: &'a PrimitiveArray<Int16Type>,
    method: &'a StringArray,
    query: &'a StringArray,
    protocol: &'a StringArray,
    request_line: &'a StringArray,
    bytes: &'a PrimitiveArray<Int64Type>,
    referrer: &'a StringArray,
    user_agent: &'a StringArray,
    duration: &'a PrimitiveArray<Int64Type>,
    raw: &'a BinaryArray,
    target: String,
}

impl<'a> Records<'a> {
    /// The records of a batch of the file at `path`, read with [`COLUMNS`].
    ///
    /// # Errors
    /// [`BatchError::Damaged`] where the columns are not the archive's.
    pub fn of(path: &str, batch: &'a RecordBatch) -> Result<Self, BatchError> {
        Self::typed(batch).ok_or_else(|| damaged(path, "its columns are not the archive's"))
    }

    fn typed(batch: &'a RecordBatch) -> Option<Self> {
        let column = |name: &str| batch.column_by_name(name).map(AsRef::as_ref);
        let text = |name: &str| column(name)?.as_string_opt::<i32>();
        column("partition")?.as_primitive_opt::<Int32Type>()?;
        Some(Self {
            time: column("time")?.as_primitive_opt()?,
            offset: column("offset")?.as_primitive_opt()?,
            outcome: text("outcome")?,
            client: text("client")?,
            path: text("path")?,
            status: column("status")?.as_primitive_opt()?,
            host: text("host")?,
            ident: text("ident")?,
            user: text("user")?,
            utc_offset: column("utc_offset")?.as_primitive_opt()?,
            method: text("method")?,
            query: text("query")?,
            protocol: text("protocol")?,
            request_line: text("request_line")?,
            bytes: column("bytes")?.as_primitive_opt()?,
            referrer: text("referrer")?,
            user_agent: text("user_agent")?,
            duration: column("duration")?.as_primitive_opt()?,
            raw: column("raw")?.as_binary_opt()?,
            target: String::new(),
        })
    }

    /// Appends the record's bytes, as they came.
    pub fn rebuild(&mut self, row: usize, format: &Format, out: &mut Vec<u8>) {
        if self.raw.is_valid(row) {
            out.extend_from_slice(self.raw.value(row));
            return;
        }
        self.find_target(row);
        format.rebuild(&self.request(row), out);
    }

    /// The record's facts, where it is a request.
    pub fn facts<'f>(
        &'f mut self,
        row: usize,
        classifier: &'f mut Classifier,
    ) -> Option<Facts<'f>> {
        if self.outcome.value(row) != "request" {
            return None;
        }
        self.find_target(row);
        Some(classifier.classify(&self.request(row)))
    }

    fn find_target(&mut self, row: usize) {
        self.target.clear();
        if self.path.is_valid(row) {
            self.target.push_str(self.path.value(row));
        }
        if self.query.is_valid(row) {
            self.target.push('?');
            self.target.push_str(self.query.value(row));
        }
    }

    fn request(&self, row: usize) -> Request<'_> {
        let some = |column: &'a StringArray| column.is_valid(row).then(|| column.value(row));
        let number = |column: &PrimitiveArray<Int64Type>| {
            column.is_valid(row).then(|| column.value(row) as u64)
        };
        let line = match some(self.method) {
            Some(method) => RequestLine::Http {
                method,
                target: &self.target,
                protocol: some(self.protocol).unwrap_or_default(),
            },
            None => RequestLine::Other(some(self.request_line).unwrap_or_default()),
        };
        Request {
            time: self.time.value(row),
            utc_offset: self.utc_offset.value(row),
            host: some(self.host),
            client: some(self.client).unwrap_or_default(),
            ident: some(self.ident),
            user: some(self.user),
            line,
            status: self.status.value(row) as u16,
            bytes: number(self.bytes),
            referrer: some(self.referrer),
            user_agent: some(self.user_agent),
            duration: number(self.duration),
        }
    }

    /// The text of a column that may be null.
    pub fn text(column: &'a StringArray, row: usize) -> Option<&'a str> {
        column.is_valid(row).then(|| column.value(row))
    }
}
