//! The cluster: which one it is, which topics, where their partitions start and end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use super::group::Group;
use super::native::{Described, describe};
use super::options::{KafkaOptions, common};
use crate::source::SourceError;

/// So long the first answer may take: services start in any order.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long one answer may take.
pub const ANSWER: Duration = Duration::from_secs(5);

/// What a cluster's id and a topic's id are known to be. A topic that was deleted and made again
/// has another id under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identities {
    cluster: String,
    topics: BTreeMap<String, Topic>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Topic {
    id: String,
    partitions: u32,
}

impl Identities {
    /// Asks the cluster, for [`PATIENCE`] at most.
    ///
    /// # Errors
    /// Where no broker answers, or a topic is not there or may not be read.
    pub fn ask(
        consumer: &BaseConsumer<Group>,
        options: &KafkaOptions,
    ) -> Result<Self, SourceError> {
        let until = Instant::now() + PATIENCE;
        let mut told = false;
        loop {
            if let Some(described) = describe(consumer, &options.from.topics, ANSWER) {
                let cluster = consumer.client().fetch_cluster_id(ANSWER).unwrap_or_default();
                let topics = described.into_iter().map(topic).collect::<Result<_, _>>()?;
                return Ok(Self { cluster, topics });
            }
            // Complaints are heard by polling.
            let _ = consumer.poll(Duration::ZERO);
            let (context, brokers) = (consumer.context(), &options.from.brokers);
            let why = context.complaint().unwrap_or_else(|| "no answer".to_owned());
            if context.is_refused() || Instant::now() >= until {
                return Err(SourceError::Kafka(unreachable(brokers, &why)));
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!("no broker answers at {brokers} ({why}); trying again");
            }
        }
    }

    /// What a partition of the topic is, in any process.
    pub fn of(&self, topic: &str) -> String {
        let id = self.topics.get(topic).map_or("", |topic| topic.id.as_str());
        format!("kafka:{}/{id}", self.cluster)
    }

    /// How many partitions a topic has.
    pub fn partitions(&self, topic: &str) -> u32 {
        self.topics.get(topic).map_or(0, |topic| topic.partitions)
    }

    /// Asks again, and takes in new partitions. An unreachable cluster changes nothing.
    ///
    /// # Errors
    /// Where a topic was deleted, or is another one now.
    pub fn check(
        &mut self,
        consumer: &BaseConsumer<Group>,
        options: &KafkaOptions,
    ) -> Result<(), SourceError> {
        let Some(described) = describe(consumer, &options.from.topics, ANSWER) else {
            return Ok(());
        };
        for one in described {
            let (name, found) = topic(one)?;
            let Some(known) = self.topics.get_mut(&name) else { continue };
            if known.id != found.id {
                return Err(SourceError::Kafka(format!(
                    "the topic {name} was deleted and made again ({} is now {}); give it another name, \
                     or start with a new archive and index",
                    known.id, found.id
                )));
            }
            known.partitions = found.partitions;
        }
        Ok(())
    }
}

fn unreachable(brokers: &str, why: &str) -> String {
    format!(
        "no broker answers at {brokers} ({why}); is Kafka running, is the address right, and do \
         security.protocol and the credentials under [kafka] fit the listener?"
    )
}

fn topic(described: Described) -> Result<(String, Topic), SourceError> {
    let name = described.name;
    match described.id {
        Ok(id) => Ok((name, Topic { id, partitions: described.partitions })),
        Err(RDKafkaErrorCode::UnknownTopicOrPartition) => Err(SourceError::Kafka(format!(
            "there is no topic `{name}`; make it with `kafka-topics.sh --create --topic {name} \
             --partitions 3`, or let `twofold ship --create 3` do it"
        ))),
        Err(code) => Err(SourceError::Kafka(format!("the topic {name} can't be read: {code}"))),
    }
}

/// Refuses topics of which the broker removes records by key: their offsets prove nothing.
///
/// # Errors
/// Where a topic is compacted.
pub fn refuse_compacted(options: &KafkaOptions) -> Result<(), SourceError> {
    let config = common(&options.from.brokers, &options.properties)?;
    for topic in &options.from.topics {
        match cleanup_policy(&config, topic) {
            Ok(Some(policy)) if policy.contains("compact") => {
                return Err(SourceError::Kafka(format!(
                    "the topic {topic} is compacted (cleanup.policy={policy}): its records are removed \
                     by key, so that nobody can account for them; use a topic with \
                     cleanup.policy=delete"
                )));
            }
            Ok(_) => {}
            Err(why) => tracing::warn!("can't see whether the topic {topic} is compacted: {why}"),
        }
    }
    Ok(())
}

fn cleanup_policy(config: &ClientConfig, topic: &str) -> Result<Option<String>, String> {
    let admin = AdminClient::from_config_and_context(config, Group::default())
        .map_err(|error| error.to_string())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let resources = [ResourceSpecifier::Topic(topic)];
    let admin_options = AdminOptions::new().request_timeout(Some(ANSWER));
    let answers = runtime
        .block_on(admin.describe_configs(&resources, &admin_options))
        .map_err(|error| error.to_string())?;
    let answer = answers.into_iter().next().ok_or("no answer")?.map_err(|code| code.to_string())?;
    Ok(answer.get("cleanup.policy").and_then(|entry| entry.value.clone()))
}

/// The first offset that a partition has, and the one after its last.
pub fn extent(consumer: &BaseConsumer<Group>, topic: &str, partition: i32) -> Option<(u64, u64)> {
    let (low, high) = consumer.fetch_watermarks(topic, partition, ANSWER).ok()?;
    Some((u64::try_from(low).ok()?, u64::try_from(high).ok()?))
}
