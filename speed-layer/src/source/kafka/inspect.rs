//! What the brokers have now, for the audit.

use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use twofold_data::partition::Partition;

use super::cluster::{ANSWER, Identities, extent};
use super::group::Group;
use super::options::KafkaOptions;
use crate::source::SourceError;

/// Asks the brokers, and joins no group.
pub struct Inspector {
    consumer: BaseConsumer<Group>,
    options: KafkaOptions,
    identities: Identities,
}

impl Inspector {
    /// Connects.
    ///
    /// # Errors
    /// Where no broker answers, or a topic is not there.
    pub fn open(options: &KafkaOptions) -> Result<Self, SourceError> {
        let mut config = options.client()?;
        config.set("enable.partition.eof", "true");
        let consumer = BaseConsumer::from_config_and_context(&config, Group::default())
            .map_err(|error| SourceError::Kafka(error.to_string()))?;
        let identities = Identities::ask(&consumer, options)?;
        Ok(Self { consumer, options: options.clone(), identities })
    }

    /// Every partition of the topics.
    pub fn partitions(&self) -> Vec<Partition> {
        let of = |topic: &String| {
            let topic = topic.clone();
            (0..self.identities.partitions(&topic))
                .map(move |number| Partition::new(&topic, number))
        };
        self.options.from.topics.iter().flat_map(of).collect()
    }

    /// The offsets that a partition has; `None` where it is none of these topics', or the brokers
    /// don't answer.
    pub fn extent(&self, partition: &Partition) -> Option<Range<u64>> {
        if partition.number >= self.identities.partitions(&partition.topic) {
            return None;
        }
        let (low, high) = extent(&self.consumer, &partition.topic, partition.number as i32)?;
        Some(low..high)
    }

    /// Which partition it is, as archive and index know it; `None` where it is none of these topics'.
    pub fn identity(&self, partition: &Partition) -> Option<String> {
        let is_known = partition.number < self.identities.partitions(&partition.topic);
        is_known.then(|| self.identities.of(&partition.topic))
    }

    /// The offsets of the records within a range; `None` where the brokers no longer have all of
    /// it, or don't answer.
    pub fn offsets(&self, partition: &Partition, range: &Range<u64>) -> Option<Vec<u64>> {
        let extent = self.extent(partition)?;
        if range.start < extent.start || range.end > extent.end {
            return None;
        }
        let mut list = TopicPartitionList::new();
        let start = Offset::Offset(range.start as i64);
        list.add_partition_offset(&partition.topic, partition.number as i32, start).ok()?;
        self.consumer.assign(&list).ok()?;
        let found = self.read(range);
        self.consumer.unassign().ok()?;
        found
    }

    fn read(&self, range: &Range<u64>) -> Option<Vec<u64>> {
        let mut found = Vec::new();
        let until = Instant::now() + ANSWER * 2;
        while Instant::now() < until {
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => match u64::try_from(message.offset()) {
                    Ok(offset) if offset < range.end => found.push(offset),
                    _ => return Some(found),
                },
                Some(Err(KafkaError::PartitionEOF(_))) => return Some(found),
                Some(Err(_)) => return None,
                None => {}
            }
        }
        None
    }
}
