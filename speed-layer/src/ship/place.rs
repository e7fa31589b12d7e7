//! How much of a file a topic holds: read back from the end of each partition.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::sender::kafka;
use super::{FILE, OFFSET, Options, ShipError};
use crate::source::kafka::common;

/// So long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// The first look back is over so many records, each further one over four times as many.
const FIRST_LOOK: u64 = 1000;

/// A line was shipped after it was written; clocks differ by less than this (ms).
const CLOCKS: i64 = 3_600_000;

/// What a process that was killed had sent is taken by the broker within this time.
const STILL: Duration = Duration::from_secs(1);

/// The last line of a file in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its offset in the file.
    pub offset: u64,
    /// The line.
    pub bytes: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
}

/// Reads a topic backwards.
pub struct Tail {
    consumer: BaseConsumer,
    topic: String,
    partitions: usize,
}

impl Tail {
    /// Connects.
    pub fn open(options: &Options, partitions: usize) -> Result<Self, ShipError> {
        let mut config = common(&options.to.brokers, &options.properties)?;
        config.set("enable.partition.eof", "true").set("auto.offset.reset", "earliest");
        // Who assigns partitions must name a group, though it joins none.
        config
            .set("log_level", "3")
            .set("group.id", "twofold-ship")
            .set("enable.auto.commit", "false");
        let topic = options.to.topics.first().cloned().unwrap_or_default();
        Ok(Self { consumer: config.create().map_err(kafka)?, topic, partitions })
    }

    /// The last line of the file that each partition has. The file's first line has the event
    /// time `since` (ms): what was there long before it is not searched.
    pub fn find(&self, file: &str, since: Option<i64>) -> Result<Vec<Option<Placed>>, ShipError> {
        let mut found = Vec::new();
        let mut ends = Vec::new();
        for partition in 0..self.partitions as i32 {
            let (low, high) = self.extent(partition)?;
            let bottom = self.at_time(partition, since)?.unwrap_or(low).max(low);
            found.push(self.find_back(partition, file, bottom, high)?);
            ends.push(high);
        }
        if found.iter().all(Option::is_none) {
            return Ok(found);
        }
        // A broker may still be taking what a killed shipper had sent.
        std::thread::sleep(STILL);
        for (partition, (place, end)) in found.iter_mut().zip(ends).enumerate() {
            let (_, high) = self.extent(partition as i32)?;
            let later = self.last_of(partition as i32, file, end, high)?;
            *place = later.or(place.take());
        }
        Ok(found)
    }

    fn find_back(
        &self,
        partition: i32,
        file: &str,
        bottom: u64,
        mut high: u64,
    ) -> Result<Option<Placed>, ShipError> {
        let mut look = FIRST_LOOK;
        while high > bottom {
            let from = high.saturating_sub(look).max(bottom);
            if let Some(placed) = self.last_of(partition, file, from, high)? {
                return Ok(Some(placed));
            }
            (high, look) = (from, look * 4);
        }
        Ok(None)
    }

    /// The last line of the file among the offsets `from..to`.
    fn last_of(
        &self,
        partition: i32,
        file: &str,
        from: u64,
        to: u64,
    ) -> Result<Option<Placed>, ShipError> {
        let mut last = None;
        if from >= to {
            return Ok(last);
        }
        let mut list = TopicPartitionList::new();
        let start = Offset::Offset(from as i64);
        list.add_partition_offset(&self.topic, partition, start).map_err(kafka)?;
        self.consumer.assign(&list).map_err(kafka)?;
        let until = Instant::now() + ANSWER;
        loop {
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) if message.offset() >= to as i64 => break,
                Some(Ok(message)) => {
                    last = placed(&message, file).or(last);
                    if message.offset() + 1 >= to as i64 {
                        break;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) => return Err(kafka(error)),
                None if Instant::now() >= until => {
                    return Err(ShipError::Kafka("the broker does not answer".to_owned()));
                }
                None => {}
            }
        }
        self.consumer.unassign().map_err(kafka)?;
        Ok(last)
    }

    fn extent(&self, partition: i32) -> Result<(u64, u64), ShipError> {
        let extent = self.consumer.fetch_watermarks(&self.topic, partition, ANSWER);
        let (low, high) = extent.map_err(kafka)?;
        Ok((u64::try_from(low).unwrap_or(0), u64::try_from(high).unwrap_or(0)))
    }

    /// The first offset that can be of a line written at `since`; `None` where that can't be told.
    fn at_time(&self, partition: i32, since: Option<i64>) -> Result<Option<u64>, ShipError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |elapsed| elapsed.as_millis() as i64);
        // A log of the future, as generators write it, says nothing of when it was shipped.
        let Some(since) = since.filter(|since| *since < now && *since > CLOCKS) else {
            return Ok(None);
        };
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(since - CLOCKS))
            .map_err(kafka)?;
        let found = self.consumer.offsets_for_times(list, ANSWER).map_err(kafka)?;
        let offset = found.elements().first().map(|element| element.offset());
        Ok(match offset {
            Some(Offset::Offset(offset)) => u64::try_from(offset).ok(),
            // Nothing is as young as that.
            Some(Offset::End) => Some(u64::MAX),
            _ => None,
        })
    }
}

/// The message as a line of the file, if it is one.
fn placed(message: &impl Message, file: &str) -> Option<Placed> {
    let headers = message.headers()?;
    let value =
        |key: &str| headers.iter().find(|header| header.key == key).and_then(|header| header.value);
    if value(FILE)? != file.as_bytes() {
        return None;
    }
    let offset = std::str::from_utf8(value(OFFSET)?).ok()?.parse().ok()?;
    let bytes = message.payload().unwrap_or_default().to_vec();
    Some(Placed { offset, bytes, key: message.key().unwrap_or_default().to_vec() })
}
