//! What operators do to topics on the real broker, and producers with transactions.
#![allow(dead_code, reason = "each test file uses its part")]

use std::future::Future;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::kafka::Topic;
use super::until;

/// So long the broker may take for one thing.
const PATIENCE: Duration = Duration::from_secs(30);

fn client(topic: &Topic) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &topic.broker);
    config
}

fn admin(topic: &Topic) -> AdminClient<DefaultClientContext> {
    client(topic).create().unwrap()
}

fn done<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// Makes the topic; `properties` are those of a topic, such as `cleanup.policy`.
pub fn make(topic: &Topic, partitions: i32, properties: &[(&str, &str)]) {
    let mut fresh = NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(1));
    for (key, value) in properties {
        fresh = fresh.set(key, value);
    }
    let admin = admin(topic);
    // A topic of that name may be on its way out still.
    until("the topic is made", PATIENCE, || {
        let made = done(admin.create_topics([&fresh], &AdminOptions::new())).unwrap();
        made.into_iter().all(|made| made.is_ok())
    });
}

/// Deletes the topic.
pub fn remove(topic: &Topic) {
    let removed = done(admin(topic).delete_topics(&[&topic.name], &AdminOptions::new())).unwrap();
    removed.into_iter().for_each(|removed| drop(removed.unwrap()));
}

/// Removes the records before `offset` of partition 0, as retention does.
pub fn expire(topic: &Topic, offset: i64) {
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(&topic.name, 0, Offset::Offset(offset)).unwrap();
    let admin = admin(topic);
    let removed = done(admin.delete_records(&before, &AdminOptions::new())).unwrap();
    let low = removed.find_partition(&topic.name, 0).unwrap().offset();
    assert_eq!(low, Offset::Offset(offset));
}

/// A producer that commits or aborts what it sends.
pub struct Transactions {
    producer: BaseProducer,
    topic: String,
}

impl Transactions {
    /// A producer of partition 0 of the topic.
    pub fn new(topic: &Topic) -> Self {
        let mut config = client(topic);
        config.set("transactional.id", format!("{}-producer", topic.name));
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        Self { producer, topic: topic.name.clone() }
    }

    /// Sends lines, each as a record without its line end, and ends the transaction.
    pub fn send(&self, lines: &[&str], commit: bool) {
        self.producer.begin_transaction().unwrap();
        for line in lines {
            let payload = line.trim_end_matches('\n');
            let record: BaseRecord<'_, str, str> =
                BaseRecord::to(&self.topic).partition(0).payload(payload);
            self.producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        self.producer.flush(PATIENCE).unwrap();
        match commit {
            true => self.producer.commit_transaction(PATIENCE).unwrap(),
            false => self.producer.abort_transaction(PATIENCE).unwrap(),
        }
    }
}
