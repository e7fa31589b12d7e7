//! One archive file that is being filled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use twofold_data::archive::{FileMeta, META_KEY};
use twofold_data::minute::{Grain, Minute};
use twofold_data::request::Line;

use super::ArchiveError;
use super::columns::{Columns, schema};
use crate::source::Record;

/// Rows of a row group: what a reader that wants a few lines reads at least.
const ROW_GROUP: usize = 128 * 1024;

/// A file that is being filled, in memory, encoded but for the last row group.
pub struct Building {
    /// Its path in the archive.
    pub path: String,
    /// The hour of its folder.
    pub hour: Minute,
    /// The first record's offset.
    pub first_offset: u64,
    /// The offset after the last record.
    pub next_offset: u64,
    /// Records so far.
    pub records: u64,
    /// Raw bytes so far.
    pub raw_bytes: u64,
    /// When its first record was read.
    pub since: Instant,
    unterminated: bool,
    hours: BTreeMap<i64, u64>,
    /// The hour of the records before this one, and how many of them are not in `hours` yet.
    run: (i64, u64),
    columns: Columns,
    writer: SerializedFileWriter<Vec<u8>>,
}

impl Building {
    /// An empty file, whose columns are empty as well.
    pub fn new(
        columns: Columns,
        path: String,
        hour: Minute,
        first_offset: u64,
    ) -> Result<Self, ArchiveError> {
        let schema = schema();
        let mut properties = properties();
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let table = ArrowSchemaConverter::new().convert(&schema)?.root_schema_ptr();
        let writer = SerializedFileWriter::new(Vec::new(), table, Arc::new(properties))?;
        Ok(Self {
            path,
            hour,
            first_offset,
            next_offset: first_offset,
            records: 0,
            raw_bytes: 0,
            since: Instant::now(),
            unterminated: false,
            hours: BTreeMap::new(),
            run: (0, 0),
            columns,
            writer,
        })
    }

    /// Adds a record; `time` is the instant (ms) that it counts for.
    pub fn push(
        &mut self,
        record: &Record<'_>,
        line: &Line<'_>,
        time: i64,
        raw: Option<&[u8]>,
    ) -> Result<(), ArchiveError> {
        self.columns.push(record, line, time, raw);
        self.count(time);
        self.records += 1;
        self.raw_bytes += record.bytes.len() as u64 + 1;
        self.next_offset = record.next_offset;
        self.unterminated = record.unterminated();
        if self.columns.rows() >= ROW_GROUP {
            self.columns.write(&mut self.writer)?;
        }
        Ok(())
    }

    /// Counts a record for its hour, which mostly is that of the record before.
    fn count(&mut self, time: i64) {
        let hour = Grain::Hour.start(Minute::of(time)).0;
        if hour != self.run.0 {
            self.end_run();
            self.run.0 = hour;
        }
        self.run.1 += 1;
    }

    fn end_run(&mut self) {
        let (hour, records) = self.run;
        if records > 0 {
            *self.hours.entry(hour).or_default() += records;
        }
        self.run.1 = 0;
    }

    /// The finished file's bytes and what it says of itself; `meta` comes with what
    /// only the chain knows. The columns come back empty.
    pub fn finish(
        mut self,
        mut meta: FileMeta,
    ) -> Result<(Bytes, FileMeta, Columns), ArchiveError> {
        self.columns.write(&mut self.writer)?;
        meta.first_offset = self.first_offset;
        meta.next_offset = self.next_offset;
        meta.records = self.records;
        meta.unterminated = self.unterminated;
        self.end_run();
        meta.hours = std::mem::take(&mut self.hours);
        let text = serde_json::to_string(&meta)
            .map_err(|error| ArchiveError::Failed(error.to_string()))?;
        self.writer.append_key_value_metadata(KeyValue::new(META_KEY.to_owned(), text));
        Ok((self.writer.into_inner()?.into(), meta, self.columns))
    }
}

/// How numbers are written, as differences where that is small; texts see to themselves.
fn properties() -> WriterProperties {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("twofold {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page);
    for column in ["time", "partition", "offset", "arrival", "utc_offset", "bytes", "duration"] {
        let path = ColumnPath::from(column);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}
