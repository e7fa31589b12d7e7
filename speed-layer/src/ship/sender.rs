//! The producer: idempotent, so that a retry neither doubles nor reorders.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use super::{FILE, OFFSET, Options, ShipError};
use crate::source::Record;
use crate::source::kafka::common;

/// Big batches; a line waits a twentieth of a second at most.
const DEFAULTS: [(&str, &str); 6] = [
    ("client.id", "twofold-ship"),
    ("linger.ms", "50"),
    ("batch.size", "1000000"),
    ("compression.codec", "lz4"),
    ("queue.buffering.max.messages", "200000"),
    ("log_level", "3"),
];

/// So long brokers may not answer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Sends lines to a topic.
pub struct Sender {
    producer: BaseProducer<Acknowledged>,
    topic: String,
    partitions: usize,
}

/// Keeps the first line that the brokers did not take.
#[derive(Default)]
struct Acknowledged {
    failed: Mutex<Option<KafkaError>>,
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| error.clone());
        }
    }
}

impl Sender {
    /// Connects, and makes the topic if that was asked for.
    pub fn open(options: &Options) -> Result<Self, ShipError> {
        let topic = options.to.topics.first().cloned().unwrap_or_default();
        let mut config = common(&options.to.brokers, &options.properties)?;
        for (key, value) in
            DEFAULTS.iter().filter(|(key, _)| !options.properties.contains_key(*key))
        {
            config.set(*key, *value);
        }
        config.set("enable.idempotence", "true");
        if let Some(partitions) = options.create {
            create(&config, &topic, partitions)?;
        }
        let producer = BaseProducer::from_config_and_context(&config, Acknowledged::default())
            .map_err(kafka)?;
        let partitions = partitions(&producer, options, &topic)?;
        Ok(Self { producer, topic, partitions })
    }

    /// How many partitions the topic has.
    pub fn partitions(&self) -> usize {
        self.partitions
    }

    /// The partition of a key, as Kafka's own producers choose it.
    pub fn partition_of(&self, key: &[u8]) -> usize {
        (murmur2(key) & 0x7FFF_FFFF) as usize % self.partitions
    }

    /// Hands a line over; waits while the producer is full.
    pub fn send(
        &self,
        partition: usize,
        key: &[u8],
        file: &str,
        line: &Record<'_>,
    ) -> Result<(), ShipError> {
        let offset = line.offset.to_string();
        let headers = OwnedHeaders::new_with_capacity(2)
            .insert(Header { key: FILE, value: Some(file) })
            .insert(Header { key: OFFSET, value: Some(&offset) });
        let mut record = BaseRecord::to(&self.topic)
            .partition(partition as i32)
            .key(key)
            .payload(line.bytes)
            .headers(headers);
        let until = Instant::now() + PATIENCE;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    record = again;
                    self.producer.poll(Duration::from_millis(20));
                    self.check()?;
                }
                Err((error, _)) => return Err(kafka(error)),
            }
            if Instant::now() >= until {
                return Err(ShipError::Kafka("the brokers take nothing any more".to_owned()));
            }
        }
    }

    /// Hears what became of lines.
    pub fn poll(&self) -> Result<(), ShipError> {
        self.producer.poll(Duration::ZERO);
        self.check()
    }

    /// Waits until every line is acknowledged.
    pub fn finish(&self) -> Result<(), ShipError> {
        self.producer.flush(PATIENCE).map_err(kafka)?;
        self.check()
    }

    fn check(&self) -> Result<(), ShipError> {
        let failed = &self.producer.context().failed;
        match failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(kafka(error)),
            None => Ok(()),
        }
    }
}

fn partitions(
    producer: &BaseProducer<Acknowledged>,
    options: &Options,
    topic: &str,
) -> Result<usize, ShipError> {
    let metadata = producer.client().fetch_metadata(Some(topic), Duration::from_secs(30)).map_err(
        |error| {
            let brokers = &options.to.brokers;
            ShipError::Kafka(format!("no broker answers at {brokers} ({error}); is Kafka running?"))
        },
    )?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let partitions = found.map_or(0, |found| found.partitions().len());
    if partitions == 0 {
        return Err(ShipError::Kafka(format!(
            "there is no topic `{topic}`; --create 3 makes it, with three partitions"
        )));
    }
    Ok(partitions)
}

fn create(config: &rdkafka::ClientConfig, topic: &str, partitions: u32) -> Result<(), ShipError> {
    let admin =
        AdminClient::from_config_and_context(config, DefaultClientContext).map_err(kafka)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| ShipError::Kafka(error.to_string()))?;
    // -1: as many replicas as the brokers have for their default.
    let new = NewTopic::new(topic, partitions as i32, TopicReplication::Fixed(-1));
    let made =
        runtime.block_on(admin.create_topics([&new], &AdminOptions::new())).map_err(kafka)?;
    for result in made {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                return Err(ShipError::Kafka(format!("the topic {topic} can't be made: {code}")));
            }
        }
    }
    Ok(())
}

pub(super) fn kafka(error: KafkaError) -> ShipError {
    ShipError::Kafka(error.to_string())
}

/// Kafka's variant of MurmurHash2 (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5BD1_E995;
    let mut hash = 0x9747_B28C ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut k = word.iter().rev().fold(0, |k, byte| k << 8 | u32::from(*byte));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0, |k, byte| k << 8 | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::murmur2;

    /// The values of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn keys_hash_as_in_kafka() {
        for (key, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }
}
