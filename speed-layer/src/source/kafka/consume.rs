//! The thread that talks to the brokers.
//!
//! It polls the group without pause, whatever happens to the records: while nobody takes what was
//! delivered it fetches nothing more, and the client's own limit on what it prefetches holds.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use twofold_data::partition::Partition;

use super::cluster::{ANSWER, Identities, extent, refuse_compacted};
use super::drain::{Drained, drain};
use super::group::{Change, Group, Named};
use super::native::Queue;
use super::options::KafkaOptions;
use crate::source::{Batch, Delivery, Mode, Notice, Positions, SourceError};

/// So long the queue is waited for; the group hears of us as often.
const WAIT: Duration = Duration::from_millis(50);
/// How often it is looked whether somebody takes what waits.
const CROWDED: Duration = Duration::from_millis(2);
/// How often offsets are committed, for those who watch the lag.
const COMMIT: Duration = Duration::from_secs(1);
/// How often idle partitions are held against the broker's end.
const LOOK: Duration = Duration::from_secs(1);
/// How often the topics' identities are held against what they were.
const CHECK: Duration = Duration::from_secs(10);
/// So long a position or a partition's extent may not be known. The group waits
/// `max.poll.interval.ms`, five minutes.
const PATIENCE: Duration = Duration::from_secs(240);

/// What the consumer of the deliveries tells.
#[derive(Debug)]
pub enum Command {
    /// Records before this offset are stored.
    Stored(Partition, u64),
    /// Start the partition again where its position says.
    Again(Partition),
}

/// One partition that is read.
#[derive(Debug)]
struct Assigned {
    /// The offset that comes next.
    next: u64,
    /// Whether nothing came since the ends were looked at.
    idle: bool,
    /// Where it ends, where that was declared.
    end: Option<u64>,
    /// Whether the client's position is one of this start, not of before a seek.
    sure: bool,
}

/// The consumer, on its thread.
pub struct Consuming {
    // Before the consumer, so that it is dropped before it.
    queue: Queue,
    consumer: BaseConsumer<Group>,
    options: KafkaOptions,
    identities: Identities,
    positions: Positions,
    assigned: BTreeMap<Partition, Assigned>,
    outbox: VecDeque<Delivery>,
    sender: SyncSender<Result<Delivery, SourceError>>,
    commands: Receiver<Command>,
    stored: BTreeMap<Partition, u64>,
    committed: Instant,
    looked: Instant,
    checked: Instant,
    stop: Arc<AtomicBool>,
    /// Whether every partition has been delivered to its declared end.
    over: bool,
}

impl Consuming {
    /// Connects, and joins the group or assigns everything.
    pub fn open(
        options: KafkaOptions,
        positions: Positions,
        sender: SyncSender<Result<Delivery, SourceError>>,
        commands: Receiver<Command>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, SourceError> {
        let consumer = BaseConsumer::from_config_and_context(&options.client()?, Group::default())
            .map_err(refused)?;
        let identities = Identities::ask(&consumer, &options)?;
        refuse_compacted(&options)?;
        let queue = Queue::new(&consumer)
            .ok_or_else(|| SourceError::Kafka("the client gives no queue".to_owned()))?;
        let now = Instant::now();
        Ok(Self {
            queue,
            consumer,
            options,
            identities,
            positions,
            assigned: BTreeMap::new(),
            outbox: VecDeque::new(),
            sender,
            commands,
            stored: BTreeMap::new(),
            committed: now,
            looked: now,
            checked: now,
            stop,
            over: false,
        })
    }

    /// Consumes until it is stopped, or can't go on, or everything is delivered.
    pub fn run(mut self) {
        if let Err(error) = self.consume() {
            let _ = self.sender.send(Err(error));
        }
        self.consumer.context().close();
    }

    fn consume(&mut self) -> Result<(), SourceError> {
        self.begin()?;
        while !self.stop.load(Ordering::Relaxed) {
            if !self.pass_on() {
                return Ok(());
            }
            self.group()?;
            self.obey()?;
            self.commit();
            match self.outbox.is_empty() {
                true if self.over => return Ok(()),
                true => self.fetch()?,
                false => std::thread::sleep(CROWDED),
            }
            self.look()?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), SourceError> {
        let topics: Vec<&str> = self.options.from.topics.iter().map(String::as_str).collect();
        match self.options.mode {
            Mode::Follow => self.consumer.subscribe(&topics).map_err(refused),
            Mode::ToEnd => {
                let all = topics.iter().flat_map(|topic| {
                    let partitions = self.identities.partitions(topic);
                    (0..partitions as i32).map(|partition| ((*topic).to_owned(), partition))
                });
                let all: Vec<Named> = all.collect();
                self.take_up(&all)?;
                self.end_what_is_over();
                Ok(())
            }
        }
    }

    /// Hands over what waits, as far as it is taken; says whether anybody is there.
    fn pass_on(&mut self) -> bool {
        while let Some(delivery) = self.outbox.pop_front() {
            match self.sender.try_send(Ok(delivery)) {
                Ok(()) => {}
                Err(TrySendError::Full(Ok(delivery))) => {
                    self.outbox.push_front(delivery);
                    return true;
                }
                Err(_) => return false,
            }
        }
        true
    }

    /// Hears what the group and the client have to say.
    fn group(&mut self) -> Result<(), SourceError> {
        while let Some(result) = self.consumer.poll(Duration::ZERO) {
            // Records come by the queue, which is asked elsewhere.
            match result {
                Ok(_) => return Err(SourceError::Kafka("a record came past its queue".to_owned())),
                Err(error) => told(&error)?,
            }
        }
        while let Some(change) = self.consumer.context().change() {
            match change {
                Change::Given(given) => self.take_up(&given)?,
                Change::Taken(taken) => self.give_up(&taken)?,
            }
        }
        if self.consumer.context().is_refused() {
            let why = self.consumer.context().complaint().unwrap_or_default();
            return Err(SourceError::Kafka(format!("the brokers refuse us: {why}")));
        }
        Ok(())
    }

    /// Takes up partitions, each where its position says.
    fn take_up(&mut self, given: &[Named]) -> Result<(), SourceError> {
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
    ) -> Result<(crate::source::Position, (u64, u64)), SourceError> {
        let until = Instant::now() + PATIENCE;
        let mut why = None;
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
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    fn give_up(&mut self, taken: &[Named]) -> Result<(), SourceError> {
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

    fn obey(&mut self) -> Result<(), SourceError> {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Stored(partition, offset) => {
                    self.stored.insert(partition, offset);
                }
                Command::Again(partition) => self.start_again(&partition)?,
            }
        }
        Ok(())
    }

    /// Starts a partition again: another process was quicker, or its records are gone.
    fn start_again(&mut self, partition: &Partition) -> Result<(), SourceError> {
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

    fn fetch(&mut self) -> Result<(), SourceError> {
        let all = drain(&mut self.queue, WAIT);
        if all.is_empty() {
            self.advance();
        }
        for drained in all {
            match drained {
                Drained::Records(batch) => self.records(batch),
                Drained::Failed(partition, code) => self.failed(&partition, code)?,
            }
        }
        self.end_what_is_over();
        Ok(())
    }

    /// Delivers what is new of a batch, and not past a declared end.
    fn records(&mut self, mut batch: Batch) {
        let Some(assigned) = self.assigned.get_mut(&batch.partition) else { return };
        let had = batch.spans.partition_point(|span| span.offset < assigned.next);
        batch.spans.drain(..had);
        batch.arrivals.drain(..had);
        if let Some(end) = assigned.end {
            let within = batch.spans.partition_point(|span| span.offset < end);
            batch.spans.truncate(within);
            batch.arrivals.truncate(within);
            batch.next_offset = batch.next_offset.min(end);
        }
        if batch.spans.is_empty() {
            return;
        }
        assigned.next = batch.next_offset;
        (assigned.idle, assigned.sure) = (false, true);
        self.outbox.push_back(Delivery::Records(batch));
    }

    /// Goes past markers of transactions, which are no records, to where the client stands.
    fn advance(&mut self) {
        let Ok(positions) = self.consumer.position() else { return };
        for element in positions.elements() {
            let number = u32::try_from(element.partition()).unwrap_or(0);
            let assigned = self.assigned.get_mut(&Partition::new(element.topic(), number));
            if let (Some(assigned), Offset::Offset(offset)) = (assigned, element.offset()) {
                let stands_at = u64::try_from(offset).unwrap_or(0);
                assigned.next = assigned.next.max(if assigned.sure { stands_at } else { 0 });
            }
        }
    }

    fn failed(&mut self, partition: &Partition, code: RDKafkaErrorCode) -> Result<(), SourceError> {
        match code {
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange => {
                self.start_again(partition)
            }
            RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopicId => {
                self.identities.check(&self.consumer, &self.options)
            }
            code => told(&KafkaError::MessageConsumption(code)),
        }
    }

    /// Ends the partitions that are delivered to their declared ends.
    fn end_what_is_over(&mut self) {
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

    /// Now and then: whether idle partitions are still at their ends, and the topics the same.
    fn look(&mut self) -> Result<(), SourceError> {
        if self.checked.elapsed() >= CHECK && !self.assigned.is_empty() {
            self.checked = Instant::now();
            self.identities.check(&self.consumer, &self.options)?;
        }
        if self.looked.elapsed() < LOOK || self.options.mode == Mode::ToEnd {
            return Ok(());
        }
        self.looked = Instant::now();
        for (partition, assigned) in &mut self.assigned {
            if !std::mem::replace(&mut assigned.idle, true) {
                continue;
            }
            let at = now();
            let number = partition.number as i32;
            // One that does not answer now is asked again, and the others of its kind as well.
            let Some((_, high)) = extent(&self.consumer, &partition.topic, number) else { break };
            if high <= assigned.next {
                self.outbox.push_back(Delivery::AtEnd { partition: partition.clone(), at });
            }
        }
        Ok(())
    }

    /// Commits what is stored. Nobody resumes from it: it shows the lag.
    fn commit(&mut self) {
        if self.stored.is_empty() || self.committed.elapsed() < COMMIT {
            return;
        }
        self.committed = Instant::now();
        let mut list = TopicPartitionList::new();
        for (partition, offset) in std::mem::take(&mut self.stored) {
            if self.assigned.contains_key(&partition) {
                let (number, offset) = (partition.number as i32, Offset::Offset(offset as i64));
                let _ = list.add_partition_offset(&partition.topic, number, offset);
            }
        }
        if list.count() > 0
            && let Err(error) = self.consumer.commit(&list, CommitMode::Async)
        {
            tracing::debug!("the offsets for lag monitoring were not committed: {error}");
        }
    }
}

/// An error of the consumer: fatal, or one that passes.
fn told(error: &KafkaError) -> Result<(), SourceError> {
    let code = error.rdkafka_error_code();
    let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_))
        || matches!(
            code,
            Some(
                RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::GroupAuthorizationFailed
                    | RDKafkaErrorCode::Authentication
            )
        );
    if fatal {
        return Err(SourceError::Kafka(error.to_string()));
    }
    tracing::warn!("Kafka: {error}; going on");
    Ok(())
}

fn refused(error: KafkaError) -> SourceError {
    SourceError::Kafka(error.to_string())
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

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
