//! The archive's columns, typed, of a batch that was read with its texts as dictionaries.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, DictionaryArray, PrimitiveArray, RecordBatch};
use twofold_data::partition::{Partition, partition_seed};

/// Where a record comes from, and what it counts by.
pub const OF_RECORDS: [&str; 14] = [
    "topic",
    "partition",
    "time",
    "offset",
    "outcome",
    "host",
    "client",
    "method",
    "path",
    "status",
    "bytes",
    "referrer",
    "user_agent",
    "duration",
];

/// Only what a request counts by: enough for [`Columns`].
pub const OF_REQUESTS: &[&str] = OF_RECORDS.split_at(2).1;

/// A column of texts.
pub type Coded<'a> = &'a DictionaryArray<Int32Type>;

/// A batch's columns: those of [`OF_REQUESTS`], and of [`OF_RECORDS`] where they were read.
pub struct Columns<'a> {
    /// Event time (ms).
    pub time: &'a PrimitiveArray<TimestampMillisecondType>,
    /// The record's offset.
    pub offset: &'a PrimitiveArray<Int64Type>,
    /// `request`, `blank`, or why it is malformed.
    pub outcome: Coded<'a>,
    /// The virtual host.
    pub host: Coded<'a>,
    /// The client.
    pub client: Coded<'a>,
    /// The method.
    pub method: Coded<'a>,
    /// The path without query.
    pub path: Coded<'a>,
    /// The status code.
    pub status: &'a PrimitiveArray<Int16Type>,
    /// The size of the response in bytes.
    pub bytes: &'a PrimitiveArray<Int64Type>,
    /// The referrer.
    pub referrer: Coded<'a>,
    /// The user agent.
    pub user_agent: Coded<'a>,
    /// The duration in microseconds.
    pub duration: &'a PrimitiveArray<Int64Type>,
    /// Topic and number of the partition.
    source: Option<(Coded<'a>, &'a PrimitiveArray<Int32Type>)>,
}

impl<'a> Columns<'a> {
    /// The columns of a batch; `None` where one is missing or of another type.
    pub fn of(batch: &'a RecordBatch) -> Option<Self> {
        let column = |name: &str| batch.column_by_name(name).map(AsRef::as_ref);
        let text = |name: &str| column(name)?.as_dictionary_opt::<Int32Type>();
        let number = column("partition").and_then(|column| column.as_primitive_opt());
        Some(Self {
            time: column("time")?.as_primitive_opt()?,
            offset: column("offset")?.as_primitive_opt()?,
            outcome: text("outcome")?,
            host: text("host")?,
            client: text("client")?,
            method: text("method")?,
            path: text("path")?,
            status: column("status")?.as_primitive_opt()?,
            bytes: column("bytes")?.as_primitive_opt()?,
            referrer: text("referrer")?,
            user_agent: text("user_agent")?,
            duration: column("duration")?.as_primitive_opt()?,
            source: text("topic").zip(number),
        })
    }

    /// Of each code of an outcome, whether it is this one. Corrected batches have a text more than once.
    pub fn codes_of(&self, outcome: &str) -> Option<Vec<bool>> {
        let values = self.outcome.values().as_string_opt::<i32>()?;
        Some((0..values.len()).map(|at| values.value(at) == outcome).collect())
    }

    /// What [`twofold_data::partition::record_hash`] needs to know of the partition; a file is of
    /// one. `None` where the batch does not say which.
    pub fn seed(&self) -> Option<u64> {
        let (topics, numbers) = self.source?;
        if numbers.is_empty() {
            return Some(0);
        }
        let names = topics.values().as_string::<i32>();
        let topic = topics.key(0).map_or("", |key| names.value(key));
        Some(partition_seed(&Partition::new(topic, numbers.value(0) as u32)))
    }
}
