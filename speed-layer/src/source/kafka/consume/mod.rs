//! The thread that talks to the brokers.
//!
//! It polls the group without pause, whatever happens to the records: while nobody takes what was
//! delivered it fetches nothing more, and the client's own limit on what it prefetches holds.

mod assign;
mod lag;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;
use twofold_data::partition::Partition;
use twofold_serving::pulse::{PATIENCE, Step};

use super::cluster::{Identities, extent, refuse_compacted};
use super::drain::{Drained, drain};
use super::group::{Change, Group, Named};
use super::native::Queue;
use super::options::KafkaOptions;
use crate::source::{Batch, Delivery, Mode, Positions, SourceError};
use assign::Assigned;
use lag::Lag;

/// So long the queue is waited for; the group hears of us as often.
const WAIT: Duration = Duration::from_millis(50);
/// How often it is looked whether somebody takes what waits.
const CROWDED: Duration = Duration::from_millis(2);
/// How often idle partitions are held against the broker's end.
const LOOK: Duration = Duration::from_secs(1);
/// How often the topics' identities are held against what they were.
const CHECK: Duration = Duration::from_secs(10);

/// What the consumer of the deliveries tells.
#[derive(Debug)]
pub enum Command {
    /// Records before this offset are stored.
    Stored(Partition, u64),
    /// Start the partition again where its position says.
    Again(Partition),
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
    lag: Lag,
    looked: Instant,
    checked: Instant,
    /// While a broker does not say where a partition ends.
    unanswered: Option<Step>,
    /// When one answered last, or a new client was opened because none did.
    answered: Instant,
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
        let (consumer, queue) = client(&options)?;
        let identities = Identities::ask(&consumer, &options)?;
        refuse_compacted(&options)?;
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
            lag: Lag::new(),
            looked: now,
            checked: now,
            unanswered: None,
            answered: now,
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
            self.lag.commit(&self.consumer, |partition| self.assigned.contains_key(partition));
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
                Change::Given(given) => {
                    self.hear();
                    self.take_up(&given)?;
                }
                Change::Taken(taken) => self.give_up(&taken)?,
            }
        }
        if self.consumer.context().is_refused() {
            let why = self.consumer.context().complaint().unwrap_or_default();
            return Err(SourceError::Kafka(format!("the brokers refuse us: {why}")));
        }
        Ok(())
    }

    fn obey(&mut self) -> Result<(), SourceError> {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Stored(partition, offset) => {
                    self.lag.stored(partition, offset);
                }
                Command::Again(partition) => self.start_again(&partition)?,
            }
        }
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
        self.hear();
    }

    /// A broker answers.
    fn hear(&mut self) {
        self.unanswered = None;
        self.answered = Instant::now();
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

    /// A new client takes the place of one that no broker answers: told that there is no broker at all, as a single
    /// one that is late with its heartbeats says of itself, a client forgets the last one and asks nobody any
    /// more (librdkafka 2.12 and 2.13, confluentinc/librdkafka#5301).
    fn open_anew(&mut self) -> Result<(), SourceError> {
        let silence = self.answered.elapsed();
        tracing::warn!(?silence, "no broker answers; a new client takes the place of this one");
        metrics::counter!("twofold_source_clients_replaced_total").increment(1);
        self.answered = Instant::now();
        let revoked = std::mem::take(&mut self.assigned).into_keys().map(Delivery::Revoked);
        self.outbox.extend(revoked);
        self.consumer.context().close();
        let (consumer, queue) = client(&self.options)?;
        // The old queue goes before its consumer.
        self.queue = queue;
        self.consumer = consumer;
        self.begin()
    }

    /// Whether any broker answers, asked while there is no partition whose end could be asked for: the group
    /// takes all of them from a client that it does not hear.
    fn call(&mut self) {
        let topic = self.options.from.topics.first();
        match topic.and_then(|topic| extent(&self.consumer, topic, 0)) {
            Some(_) => self.hear(),
            None => {
                self.unanswered.get_or_insert_with(asking);
            }
        }
    }

    /// Now and then: whether idle partitions are still at their ends, and the topics the same.
    fn look(&mut self) -> Result<(), SourceError> {
        if self.checked.elapsed() >= CHECK {
            self.checked = Instant::now();
            match self.assigned.is_empty() {
                true => self.call(),
                false => self.identities.check(&self.consumer, &self.options)?,
            }
        }
        if self.looked.elapsed() < LOOK || self.options.mode == Mode::ToEnd {
            return Ok(());
        }
        self.looked = Instant::now();
        if self.unanswered.is_some() && self.answered.elapsed() >= self.options.silence() {
            return self.open_anew();
        }
        for (partition, assigned) in &mut self.assigned {
            if !std::mem::replace(&mut assigned.idle, true) {
                continue;
            }
            let at = now();
            let number = partition.number as i32;
            // One that does not answer now is asked again, and the others of its kind as well.
            let Some((_, high)) = extent(&self.consumer, &partition.topic, number) else {
                self.unanswered.get_or_insert_with(asking);
                break;
            };
            (self.unanswered, self.answered) = (None, Instant::now());
            if high <= assigned.next {
                self.outbox.push_back(Delivery::AtEnd { partition: partition.clone(), at });
            }
        }
        Ok(())
    }
}

/// A client, and the queue of its records.
fn client(options: &KafkaOptions) -> Result<(BaseConsumer<Group>, Queue), SourceError> {
    let consumer = BaseConsumer::from_config_and_context(&options.client()?, Group::default())
        .map_err(refused)?;
    let queue = Queue::new(&consumer)
        .ok_or_else(|| SourceError::Kafka("the client gives no queue".to_owned()))?;
    Ok((consumer, queue))
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

/// Brokers that are away are asked again and again.
fn asking() -> Step {
    Step::begin("the brokers say where partitions end", PATIENCE)
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
