//! The offsets that are committed. Nobody resumes from them: they show the lag.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use twofold_data::partition::Partition;

use super::super::group::Group;

/// How often offsets are committed.
const COMMIT: Duration = Duration::from_secs(1);

/// What is stored and not yet committed.
pub(super) struct Lag {
    stored: BTreeMap<Partition, u64>,
    committed: Instant,
}

impl Lag {
    /// Nothing is stored yet.
    pub fn new() -> Self {
        Self { stored: BTreeMap::new(), committed: Instant::now() }
    }

    /// Records before the offset are stored.
    pub fn stored(&mut self, partition: Partition, offset: u64) {
        self.stored.insert(partition, offset);
    }

    /// Commits what is stored of partitions that are still ours, now and then.
    pub fn commit(&mut self, consumer: &BaseConsumer<Group>, ours: impl Fn(&Partition) -> bool) {
        if self.stored.is_empty() || self.committed.elapsed() < COMMIT {
            return;
        }
        self.committed = Instant::now();
        let mut list = TopicPartitionList::new();
        for (partition, offset) in std::mem::take(&mut self.stored) {
            if ours(&partition) {
                let (number, offset) = (partition.number as i32, Offset::Offset(offset as i64));
                let _ = list.add_partition_offset(&partition.topic, number, offset);
            }
        }
        if list.count() > 0
            && let Err(error) = consumer.commit(&list, CommitMode::Async)
        {
            tracing::debug!("the offsets for lag monitoring were not committed: {error}");
        }
    }
}
