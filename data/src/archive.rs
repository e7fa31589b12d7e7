//! The archive: names of its files, its columns, what a file's metadata says.
//!
//! One Parquet file is one contiguous run of offsets of one partition:
//! `logs/date=2026-11-23/hour=18/access-00003-00000000000004812345.parquet`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::minute::{Grain, Minute};
use crate::partition::Partition;
use crate::view::Tally;

/// The archive's schema; a newer binary migrates, an older one refuses.
pub const SCHEMA_VERSION: u32 = 1;

/// The key under which a Parquet file's key-value metadata holds a [`FileMeta`] as JSON.
pub const META_KEY: &str = "twofold";

/// One column of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The column's name in Parquet and SQL.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnKind,
    /// Whether it may be null.
    pub nullable: bool,
    /// The field's name in the Elastic Common Schema, or ours under `twofold.`.
    pub ecs: &'static str,
    /// What it holds.
    pub doc: &'static str,
}

/// The types that the archive's columns have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// UTF-8 text, dictionary-encoded.
    Text,
    /// Any bytes.
    Bytes,
    /// 16-bit signed.
    I16,
    /// 32-bit signed.
    I32,
    /// 64-bit signed.
    I64,
    /// Milliseconds since the Unix epoch, UTC.
    Time,
}

const fn column(
    name: &'static str,
    kind: ColumnKind,
    nullable: bool,
    ecs: &'static str,
    doc: &'static str,
) -> Column {
    Column { name, kind, nullable, ecs, doc }
}

/// The archive's columns, in order.
///
/// `raw` is null where the columns rebuild the record byte for byte. Every
/// record has a row, blank and malformed ones included: for those every column
/// of the request is null, but `time`, which is the minute they count for.
pub const COLUMNS: &[Column] = &[
    column(
        "time",
        ColumnKind::Time,
        false,
        "@timestamp",
        "event time; of a malformed or blank record the instant that it counts for",
    ),
    column(
        "topic",
        ColumnKind::Text,
        false,
        "twofold.topic",
        "the topic, or the name of the source",
    ),
    column("partition", ColumnKind::I32, false, "twofold.partition", "the partition's number"),
    column(
        "offset",
        ColumnKind::I64,
        false,
        "twofold.offset",
        "the record's offset in its partition",
    ),
    column("arrival", ColumnKind::Time, true, "event.ingested", "arrival time; null for files"),
    column(
        "outcome",
        ColumnKind::Text,
        false,
        "twofold.outcome",
        "`request`, `blank`, or why the record is malformed",
    ),
    column("host", ColumnKind::Text, true, "url.domain", "the virtual host"),
    column("client", ColumnKind::Text, true, "source.address", "the client's address or host name"),
    column("ident", ColumnKind::Text, true, "twofold.ident", "the identity of RFC 1413"),
    column("user", ColumnKind::Text, true, "user.name", "the authenticated user"),
    column(
        "utc_offset",
        ColumnKind::I16,
        true,
        "twofold.utc_offset",
        "the line's offset from UTC in minutes",
    ),
    column(
        "method",
        ColumnKind::Text,
        true,
        "http.request.method",
        "the method; null where the request line is not HTTP",
    ),
    column("path", ColumnKind::Text, true, "url.path", "the target up to its first `?`"),
    column(
        "query",
        ColumnKind::Text,
        true,
        "url.query",
        "what follows the first `?`; empty where nothing does",
    ),
    column("protocol", ColumnKind::Text, true, "http.version", "the protocol, as written"),
    column(
        "request_line",
        ColumnKind::Text,
        true,
        "twofold.request_line",
        "the request line where it is not HTTP",
    ),
    column("status", ColumnKind::I16, true, "http.response.status_code", "the status code"),
    column(
        "bytes",
        ColumnKind::I64,
        true,
        "http.response.body.bytes",
        "the size of the body; null where the line has `-`",
    ),
    column("referrer", ColumnKind::Text, true, "http.request.referrer", "the referrer"),
    column("user_agent", ColumnKind::Text, true, "user_agent.original", "the user agent"),
    column(
        "duration",
        ColumnKind::I64,
        true,
        "event.duration",
        "the request's duration in microseconds (nanoseconds in ECS)",
    ),
    column(
        "raw",
        ColumnKind::Bytes,
        true,
        "event.original",
        "the record's bytes, where the columns do not rebuild them",
    ),
];

/// What an archive file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// The partition.
    pub partition: Partition,
    /// The first record's offset.
    pub first_offset: u64,
    /// The offset at which the next file starts: of a file source the byte after
    /// the last record and its `\n` (where it has one).
    pub next_offset: u64,
    /// Records in the file: requests, malformed and blank ones.
    pub records: u64,
    /// Whether the last record lacks its `\n` (only at the end of a file source).
    pub unterminated: bool,
    /// Records per event hour: the hour's first minute, and how many.
    pub hours: BTreeMap<i64, u64>,
    /// The largest event time (ms) of the partition through this file, implausible
    /// ones left out ([`crate::window::Watermark`]).
    pub largest_event_time: Option<i64>,
    /// The largest arrival time (ms) of the partition through this file; `None` for files.
    pub largest_arrival: Option<i64>,
    /// The time (ms) that a malformed record at the start of the next file counts
    /// for: that of the last request so far.
    pub last_request_time: Option<i64>,
    /// The path of the file that ends where this one starts; `None` at the origin.
    pub predecessor: Option<String>,
    /// Fingerprint of the formats and classes that parsed it.
    pub fingerprint: String,
    /// The format's name, by which the columns rebuild the records.
    pub format: String,
}

/// The path of the archive file that starts at `first_offset`, whose first record
/// belongs into `hour` (any minute of it).
pub fn file_path(hour: Minute, partition: &Partition, first_offset: u64) -> String {
    let start = Grain::Hour.start(hour).to_string();
    let (date, clock) = (&start[..10], &start[11..13]);
    format!("logs/date={date}/hour={clock}/{partition}-{first_offset:020}.parquet")
}

/// Where a partition starts; put create-if-absent at [`origin_path`], and every
/// archiver starts from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// The partition.
    pub partition: Partition,
    /// What the partition is: the Kafka cluster and topic id, or a file's fingerprint.
    pub identity: String,
    /// The first offset.
    pub first_offset: u64,
}

/// The path of a partition's [`Origin`].
pub fn origin_path(partition: &Partition) -> String {
    format!("origins/{partition}.json")
}

/// The end of what is put of a partition: a hint, overwritten after each put;
/// the chain of files is the truth, and may be longer by what a crash left unsaid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// The partition.
    pub partition: Partition,
    /// How many partitions the topic has; 0 where nobody can say: a source of files grows.
    pub partitions: u32,
    /// The offset after the last record put.
    pub next_offset: u64,
    /// The last file of the chain; `None` before the first.
    pub last_file: Option<String>,
    /// The largest plausible event time put (ms).
    pub largest_event_time: Option<i64>,
    /// The last instant (ms, wall clock) at which everything that the source had was put.
    pub caught_up_at: Option<i64>,
    /// Whether the partition has ended: no record will follow.
    pub ended: bool,
    /// Whether it holds old records beside a live source: the boundary doesn't wait for it.
    #[serde(default)]
    pub backfill: bool,
}

/// The path of a partition's [`End`].
pub fn end_path(partition: &Partition) -> String {
    format!("ends/{partition}.json")
}

/// Files that retention removed: one contiguous run of a partition's offsets. It is put
/// create-if-absent at [`retired_path`] before the first of the files is deleted, so that
/// an offset without a file is either here (age) or missing (loss).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// The partition.
    pub partition: Partition,
    /// The first offset that is retired: where the run before this one ends.
    pub first_offset: u64,
    /// The offset at which the first file starts that stays.
    pub next_offset: u64,
    /// The files, in order.
    pub files: Vec<String>,
    /// Their records.
    pub records: u64,
    /// What each event minute had of records, so that the exact index can still be proved.
    pub minutes: BTreeMap<i64, Tally>,
    /// The largest plausible event time (ms) of the partition through these files.
    pub largest_event_time: Option<i64>,
    /// When they were retired (ms, wall clock).
    pub retired_at: i64,
    /// Which rule retired them, in words.
    pub reason: String,
}

/// The path of the [`Retired`] that starts at `first_offset`.
pub fn retired_path(partition: &Partition, first_offset: u64) -> String {
    format!("{RETIRED}/{partition}-{first_offset:020}.json")
}

/// The folder of all [`Retired`].
pub const RETIRED: &str = "retired";

/// What a corrected format made of malformed records. An archive file is never changed: these rows
/// stand in files of their own, with the same columns, and take the place of the file's rows
/// of the same offsets. It is put create-if-absent at [`correction_path`], after the files it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// When it was made (ms, wall clock).
    pub made_at: i64,
    /// The formats that read the records.
    pub formats: Vec<String>,
    /// The corrected files of the archive, by their paths.
    pub files: BTreeMap<String, Corrected>,
}

/// What is corrected of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    /// The path of the rows.
    pub rows: String,
    /// How many they are.
    pub records: u64,
    /// The hours that they counted for, and how many in each.
    pub left: BTreeMap<i64, u64>,
    /// The hours that they count for now.
    pub hours: BTreeMap<i64, u64>,
}

/// The folder of all [`Correction`]s and their rows.
pub const CORRECTED: &str = "corrected";

/// The path of the correction with this number, from 1.
pub fn correction_path(number: u64) -> String {
    format!("{CORRECTED}/{number:08}.json")
}

/// The path of the rows of an archive file in the correction that wants this number; `run` is a name
/// that no other run has.
pub fn corrected_path(number: u64, run: &str, file: &str) -> String {
    format!("{CORRECTED}/{number:08}-{run}/{}", file.trim_start_matches("logs/"))
}

/// The number that the correction of these rows wants.
pub fn correction_of(rows: &str) -> Option<u64> {
    run_and_file(rows)?.0.split_once('-')?.0.parse().ok()
}

/// The archive file that these rows correct.
pub fn file_of(rows: &str) -> Option<String> {
    Some(format!("logs/{}", run_and_file(rows)?.1))
}

fn run_and_file(rows: &str) -> Option<(&str, &str)> {
    rows.strip_prefix(CORRECTED)?.strip_prefix('/')?.split_once('/')
}
