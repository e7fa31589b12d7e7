//! Cuts text into records, in big buffers that are used again and handed out whole.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use twofold_data::partition::Partition;

use super::text::{Found, Text};
use crate::source::{Batch, Span};

/// Buffers that consumers have let go of.
#[derive(Debug, Clone, Default)]
pub struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

/// So many buffers wait to be used again.
const POOLED: usize = 4;

impl Pool {
    fn take(&self, size: usize) -> Vec<u8> {
        let pooled = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = pooled.unwrap_or_default();
        // Rounded up, so that the start of a record before the chunk seldom makes
        // a buffer grow.
        if buffer.len() < size {
            buffer.resize(size.next_multiple_of(64 << 10), 0);
        }
        buffer
    }

    fn give(&self, buffer: Vec<u8>) {
        let mut pooled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pooled.len() < POOLED {
            pooled.push(buffer);
        }
    }
}

/// A buffer on loan: returns to its pool with the last of its batches.
struct Loan {
    buffer: Vec<u8>,
    pool: Pool,
    size: usize,
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        // One that had to grow for a long line would hold its memory for ever.
        if self.buffer.len() <= self.size {
            self.pool.give(std::mem::take(&mut self.buffer));
        }
    }
}

/// How text is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Bytes per read, and so about per batch.
    pub chunk: usize,
    /// The longest record; a longer line is delivered in pieces of this size,
    /// so that memory is bounded and nothing is dropped.
    pub limit: usize,
}

/// What a step of cutting found.
pub enum Step {
    /// Records.
    Batch(Batch),
    /// Bytes, but no whole record yet.
    Partial,
    /// Nothing more, for now or for ever.
    Nothing(Found),
}

/// Cuts the text of one partition, which it reads from an offset on.
pub struct Cutter {
    partition: Partition,
    cut: Cut,
    pool: Pool,
    /// The offset of the first byte of `pending`.
    offset: u64,
    /// The start of a record whose end has not been read.
    pending: Vec<u8>,
    /// Pieces that were cut out of lines over the limit.
    pieces: u64,
    /// An error that was met after bytes, which come first.
    failed: Option<io::Error>,
}

impl Cutter {
    /// Cuts from `offset` on.
    pub fn new(partition: Partition, offset: u64, cut: Cut, pool: Pool) -> Self {
        Self { partition, cut, pool, offset, pending: Vec::new(), pieces: 0, failed: None }
    }

    /// The offset after the last record that was cut.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The offset after the last byte that was read.
    pub fn read_to(&self) -> u64 {
        self.offset + self.pending.len() as u64
    }

    /// How many pieces were cut out of lines over the limit.
    pub fn pieces(&self) -> u64 {
        self.pieces
    }

    /// Reads once more. `sound` is asked after the read and before anything of
    /// it is believed.
    ///
    /// # Errors
    /// Of the text; what was read before stays.
    pub fn step(
        &mut self,
        text: &mut Text,
        sound: impl FnOnce(&Text, u64) -> io::Result<bool>,
    ) -> io::Result<Option<Step>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let held = self.pending.len();
        let end = held + self.cut.chunk;
        let mut buffer = self.pool.take(end);
        buffer[..held].copy_from_slice(&self.pending);
        let (found, filled) = self.fill(text, &mut buffer[..end], held);
        if !sound(text, self.offset + filled as u64)? {
            self.pool.give(buffer);
            return Ok(None);
        }
        if filled == held {
            self.pool.give(buffer);
            return self.failed.take().map_or(Ok(Some(Step::Nothing(found))), Err);
        }
        Ok(Some(self.cut(buffer, held, filled)))
    }

    /// Cuts the filled part of the buffer; nothing before `held` has a newline.
    fn cut(&mut self, buffer: Vec<u8>, held: usize, filled: usize) -> Step {
        let mut spans = Vec::with_capacity((filled - held) / 128 + 1);
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', &buffer[held..filled]).map(|at| at + held) {
            start = self.pieces_of(&mut spans, start, newline);
            spans.push(self.span(start, newline));
            start = newline + 1;
        }
        start = self.pieces_of(&mut spans, start, filled);
        self.pending.clear();
        self.pending.extend_from_slice(&buffer[start..filled]);
        if spans.is_empty() {
            self.pool.give(buffer);
            return Step::Partial;
        }
        Step::Batch(self.batch(buffer, spans, start))
    }

    /// Cuts pieces of the limit's size off a line from `start` to `end`; returns
    /// where its rest starts.
    fn pieces_of(&mut self, spans: &mut Vec<Span>, mut start: usize, end: usize) -> usize {
        while end - start > self.cut.limit {
            spans.push(self.span(start, start + self.cut.limit));
            start += self.cut.limit;
            self.pieces += 1;
        }
        start
    }

    fn span(&self, start: usize, end: usize) -> Span {
        // A buffer is no longer than a chunk and a record at its limit.
        Span { offset: self.offset + start as u64, start: start as u32, end: end as u32 }
    }

    fn batch(&mut self, buffer: Vec<u8>, spans: Vec<Span>, end: usize) -> Batch {
        self.offset += end as u64;
        let loan = Loan { buffer, pool: self.pool.clone(), size: self.cut.chunk * 2 };
        Batch {
            partition: self.partition.clone(),
            chunk: Bytes::from_owner(loan),
            spans,
            arrivals: Vec::new(),
            next_offset: self.offset,
        }
    }

    /// The unfinished last line as a record, at a declared end.
    pub fn finish(&mut self) -> Option<Batch> {
        if self.pending.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.pending);
        let span = self.span(0, rest.len());
        self.offset += rest.len() as u64;
        Some(Batch {
            partition: self.partition.clone(),
            chunk: rest.into(),
            spans: vec![span],
            arrivals: Vec::new(),
            next_offset: self.offset,
        })
    }

    /// Forgets the unfinished line, which is read again from somewhere else.
    pub fn rewind(&mut self) {
        self.pending.clear();
    }

    /// Fills the buffer from `filled` on, as far as the text has bytes now.
    fn fill(&mut self, text: &mut Text, buffer: &mut [u8], mut filled: usize) -> (Found, usize) {
        while filled < buffer.len() {
            match text.read(&mut buffer[filled..]) {
                Ok(Found::Bytes(count)) => filled += count,
                Ok(none) => return (none, filled),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        (Found::Bytes(0), filled)
    }
}
