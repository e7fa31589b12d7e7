//! Records of one partition in one shared chunk of memory.

use bytes::Bytes;
use twofold_data::partition::Partition;

/// Consecutive records of one partition. Their bytes lie in one chunk, so that
/// delivering them neither copies nor allocates per record.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The partition.
    pub partition: Partition,
    /// The memory in which the records lie.
    pub chunk: Bytes,
    /// Where each record lies, in the order of offsets; at least one.
    pub spans: Vec<Span>,
    /// The records' time stamps (ms since the epoch, -1 for none), one per span; empty where
    /// the source has none (files).
    pub arrivals: Vec<i64>,
    /// The offset after the last record: where a reader that has processed the
    /// batch resumes.
    pub next_offset: u64,
}

/// Where a record lies in its batch's chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The record's offset in its partition.
    pub offset: u64,
    /// Its first byte in the chunk.
    pub start: u32,
    /// The byte after its last one.
    pub end: u32,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The offset in the partition.
    pub offset: u64,
    /// The offset at which the next record starts.
    pub next_offset: u64,
    /// What was delivered; of a file the bytes before `\n`.
    pub bytes: &'a [u8],
    /// The broker's time stamp (ms since the epoch, -1 for none), where the source is one. The
    /// arrival time is the largest of the partition so far ([`Watermark::arrive`]).
    ///
    /// [`Watermark::arrive`]: twofold_data::window::Watermark::arrive
    pub arrival: Option<i64>,
}

impl Record<'_> {
    /// Whether a record of a file lacks its `\n`: the last of a file that ends
    /// without one, or a piece of a line that is longer than the limit.
    pub fn unterminated(&self) -> bool {
        self.arrival.is_none() && self.next_offset == self.offset + self.bytes.len() as u64
    }
}

impl Batch {
    /// The records in the order of their offsets.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let next = self.spans.iter().skip(1).map(|span| span.offset);
        let next = next.chain(std::iter::once(self.next_offset));
        self.spans.iter().zip(next).enumerate().map(|(index, (span, next_offset))| Record {
            offset: span.offset,
            next_offset,
            bytes: self.chunk.get(span.start as usize..span.end as usize).unwrap_or_default(),
            arrival: self.arrivals.get(index).copied(),
        })
    }
}
