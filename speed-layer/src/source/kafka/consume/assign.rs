//! Which partitions are read: each from where its position says, up to its declared end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use twofold_data::partition::Partition;
use twofold_serving::pulse::{self, Step};

use super::super::cluster::{ANSWER, extent};
use super::super::group::Named;
use super::{Consuming, refused};
use crate::source::{Delivery, Mode, Notice, Position, SourceError};

/// So long a position or a partition's extent may not be known. The group waits
/// `max.poll.interval.ms`, five minutes.
const PATIENCE: Duration = Duration::from_secs(240);

/// One partition that is read.
#[derive(Debug)]
pub(super) struct Assigned {
    /// The offset that comes next.
    pub next: u64,
    /// Whether nothing came since the ends were looked at.
    pub idle: bool,
    /// Where it ends, where that was declared.
    pub end: Option<u64>,
    /// Whether the client's position is one of this start, not of before a seek.
    pub sure: bool,
}

impl Consuming {
    /// Takes up partitions, each where its position says.
    pub(super) fn take_up(&mut self, given: &[Named]) -> Result<(), SourceError> {
        self.identities.check(&self.consumer, &self.options)?;
        let mut list = TopicPartitionList::new();
        for (topic, number) in given {
            if let Some(offset) = self.start(topic, *number)? {
                self.queue.take(topic, *number);
                list.add_partition_offset(topic, *number, Offset::Offset(offset as i64))
                    .map_err(refused)?;
            }
        }
        match self.options.mode {
            Mode::Follow => self.consumer.incremental_assign(&list).map_err(refused),
            Mode::ToEnd => self.consumer.assign(&list).map_err(refused),
        }
    }

    /// Starts a partition; `None` where there is nothing to read of it. That is started and ended, too,
    /// so that who takes it up sees whether it is still the same one.
    fn start(&mut self, topic: &str, number: i32) -> Result<Option<u64>, SourceError> {
        let partition = Partition::new(topic, u32::try_from(number).unwrap_or(0));
        let (position, (low, high)) = self.ask(&partition, topic, number)?;
        let end = (self.options.mode == Mode::ToEnd).then_some(high);
        let is_over = end.is_some_and(|end| position.ended && position.offset >= end);
        let offset = position.offset.max(low);
        if position.offset > 0 && offset > position.offset {
            self.outbox.push_back(Delivery::Notice(lost(&partition, position.offset, low)));
        }
        self.outbox.push_back(Delivery::Started {
            partition: partition.clone(),
            identity: self.identities.of(topic),
            offset,
            partitions: self.identities.partitions(topic),
        });
        self.assigned.insert(partition, Assigned { next: offset, idle: false, end, sure: true });
        Ok((!is_over).then_some(offset))
    }

    /// Where to resume a partition, and what the broker has of it; asks until both are known. An
    /// end before the position is that of a leader that has yet to catch up, or a loss.
    fn ask(
        &mut self,
        partition: &Partition,
        topic: &str,
        number: i32,
    ) -> Result<(Position, (u64, u64)), SourceError> {
        let step = Step::begin("a partition is taken up", pulse::PATIENCE);
        let until = Instant::now() + PATIENCE;
        let mut why: Option<String> = None;
        loop {
            let position = match (self.positions)(partition) {
                Err(SourceError::Position { reason, again: true, .. }) => {
                    why = Some(reason);
                    None
                }
                position => Some(position?),
            };
            let extent = position.and_then(|_| extent(&self.consumer, topic, number));
            if let (Some(position), Some((low, high))) = (position, extent) {
                if position.offset <= high {
                    return Ok((position, (low, high)));
                }
                why = Some(format!(
                    "the broker has records up to {high}, and those up to {} are processed; it has \
                     lost some (unclean leader election?), or the topic was deleted and made again",
                    position.offset
                ));
            }
            if Instant::now() >= until || self.stop.load(Ordering::Relaxed) {
                return Err(SourceError::Position {
                    partition: partition.clone(),
                    reason: why.unwrap_or_else(|| "the broker does not answer".to_owned()),
                    again: false,
                });
            }
            if let Some(why) = &why {
                tracing::warn!("can't take up {partition} yet ({why}); trying again");
                step.trouble(why);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    pub(super) fn give_up(&mut self, taken: &[Named]) -> Result<(), SourceError> {
        let mut list = TopicPartitionList::new();
        for (topic, number) in taken {
            let partition = Partition::new(topic, u32::try_from(*number).unwrap_or(0));
            if self.assigned.remove(&partition).is_some() {
                list.add_partition(topic, *number);
                self.outbox.push_back(Delivery::Revoked(partition));
            }
        }
        self.consumer.incremental_unassign(&list).map_err(refused)
    }

    /// Starts a partition again: another process was quicker, or its records are gone.
    pub(super) fn start_again(&mut self, partition: &Partition) -> Result<(), SourceError> {
        let Some(before) = self.assigned.remove(partition) else { return Ok(()) };
        self.identities.check(&self.consumer, &self.options)?;
        let (topic, number) = (partition.topic.to_string(), partition.number as i32);
        self.outbox.push_back(Delivery::Revoked(partition.clone()));
        let Some(offset) = self.start(&topic, number)? else { return Ok(()) };
        if let Some(assigned) = self.assigned.get_mut(partition) {
            assigned.end = before.end;
            assigned.sure = false;
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, number, Offset::Offset(offset as i64))
            .map_err(refused)?;
        self.consumer.seek_partitions(list, ANSWER).map(drop).map_err(refused)?;
        self.end_what_is_over();
        Ok(())
    }

    /// Ends the partitions that are delivered to their declared ends.
    pub(super) fn end_what_is_over(&mut self) {
        if self.options.mode != Mode::ToEnd {
            return;
        }
        let outbox = &mut self.outbox;
        self.assigned.retain(|partition, assigned| {
            let over = assigned.end.is_some_and(|end| assigned.next >= end);
            if over {
                outbox.push_back(Delivery::Ended(partition.clone()));
            }
            !over
        });
        if self.assigned.is_empty() && !std::mem::replace(&mut self.over, true) {
            self.outbox.push_back(Delivery::EndOfInput);
        }
    }
}

fn lost(partition: &Partition, from: u64, low: u64) -> Notice {
    metrics::counter!("twofold_source_losses_total").increment(1);
    metrics::counter!("twofold_source_lost_records_total").increment(low - from);
    Notice::Lost {
        partition: partition.clone(),
        offset: from,
        at_least: low - from,
        message: format!(
            "{partition}: the broker's retention has removed the offsets {from} to {} before they \
             were read; they are lost. Keep records longer (retention.ms) than an outage lasts",
            low - 1
        ),
    }
}
