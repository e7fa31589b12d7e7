//! Records out of the client's queue, copied once, side by side, partition by partition.

use std::ffi::CStr;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::error::RDKafkaErrorCode;
use twofold_data::partition::Partition;

use super::native::{Message, Queue};
use crate::source::{Batch, Span};

/// What was drained of a partition, in order.
#[derive(Debug)]
pub enum Drained {
    /// Records.
    Records(Batch),
    /// Its records can't be fetched.
    Failed(Partition, RDKafkaErrorCode),
}

/// Drains the queue; waits for a first record for `wait` at most.
pub fn drain(queue: &mut Queue, wait: Duration) -> Vec<Drained> {
    let mut drained = Vec::new();
    let mut runs: Vec<Run> = Vec::new();
    let mut last = 0;
    queue.drain(wait, |message| {
        let at = run_of(&mut runs, last, &message);
        last = at;
        let run = &mut runs[at];
        match message.record {
            Ok(bytes) if run.has_room(bytes.len()) => run.push(message.offset, message.time, bytes),
            Ok(bytes) => {
                drained.extend(run.batch().map(Drained::Records));
                run.push(message.offset, message.time, bytes);
            }
            Err(code) => {
                drained.extend(run.batch().map(Drained::Records));
                let partition = run.partition.clone();
                drained.push(Drained::Failed(partition, code));
            }
        }
    });
    drained.extend(runs.iter_mut().filter_map(Run::batch).map(Drained::Records));
    drained
}

/// Consecutive records of one partition, as they are gathered.
struct Run {
    partition: Partition,
    chunk: Vec<u8>,
    spans: Vec<Span>,
    arrivals: Vec<i64>,
}

/// The place of the message's run; mostly it is that of the message before.
fn run_of(runs: &mut Vec<Run>, last: usize, message: &Message<'_>) -> usize {
    if runs.get(last).is_some_and(|run| run.is_of(message.topic, message.partition)) {
        return last;
    }
    let known = runs.iter().position(|run| run.is_of(message.topic, message.partition));
    known.unwrap_or_else(|| {
        let topic = message.topic.to_string_lossy();
        let number = u32::try_from(message.partition).unwrap_or(0);
        runs.push(Run {
            partition: Partition::new(&topic, number),
            chunk: Vec::new(),
            spans: Vec::new(),
            arrivals: Vec::new(),
        });
        runs.len() - 1
    })
}

/// A batch's bytes: spans count them in 32 bits.
const MOST_BYTES: usize = 64 << 20;

impl Run {
    fn is_of(&self, topic: &CStr, partition: i32) -> bool {
        i64::from(self.partition.number) == i64::from(partition)
            && self.partition.topic.as_bytes() == topic.to_bytes()
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.spans.is_empty() || self.chunk.len() + bytes <= MOST_BYTES
    }

    fn push(&mut self, offset: i64, time: i64, bytes: &[u8]) {
        let start = self.chunk.len() as u32;
        self.chunk.extend_from_slice(bytes);
        let offset = u64::try_from(offset).unwrap_or(0);
        self.spans.push(Span { offset, start, end: self.chunk.len() as u32 });
        self.arrivals.push(time);
    }

    fn batch(&mut self) -> Option<Batch> {
        let next_offset = self.spans.last()?.offset + 1;
        Some(Batch {
            partition: self.partition.clone(),
            chunk: Bytes::from(std::mem::take(&mut self.chunk)),
            spans: std::mem::take(&mut self.spans),
            arrivals: std::mem::take(&mut self.arrivals),
            next_offset,
        })
    }
}
