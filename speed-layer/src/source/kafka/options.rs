//! What is read of which cluster, and how the client is set up for it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;

use crate::source::{Mode, SourceError};

/// A cluster and topics in it, as `kafka://host:9092,other:9092/topic,topic2` names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// The brokers to ask first, as `bootstrap.servers` has them.
    pub brokers: String,
    /// The topics, at least one.
    pub topics: Vec<String>,
}

impl Topics {
    /// Reads a `kafka://` location; `None` where the text is none at all.
    ///
    /// # Errors
    /// What is wrong with it, and how it is written.
    pub fn parse(location: &str) -> Option<Result<Self, SourceError>> {
        let rest = location.strip_prefix("kafka://")?;
        let wrong = |what: &str| {
            let how = "write kafka://HOST:9092/TOPIC, more brokers or topics with commas";
            SourceError::Kafka(format!("`{location}` {what}; {how}"))
        };
        let (brokers, topics) = rest.split_once('/').unwrap_or((rest, ""));
        let topics: Vec<String> =
            topics.split(',').filter(|topic| !topic.is_empty()).map(str::to_owned).collect();
        Some(match (brokers, topics.is_empty()) {
            ("", _) => Err(wrong("names no broker")),
            (_, true) => Err(wrong("names no topic")),
            (_, false) => match topics.iter().find(|topic| !is_legal(topic)) {
                Some(_) => Err(wrong("names a topic that Kafka does not allow")),
                None => Ok(Self { brokers: brokers.to_owned(), topics }),
            },
        })
    }
}

/// Kafka's rule for names of topics (`org.apache.kafka.common.internals.Topic`).
fn is_legal(topic: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    topic.len() <= 249 && topic != "." && topic != ".." && topic.chars().all(legal)
}

/// What a [`super::KafkaSource`] reads, and how.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaOptions {
    /// The cluster and the topics.
    pub from: Topics,
    /// The consumer group, one for the speed layers and one for the archivers of an installation.
    pub group: String,
    /// [`Mode::Follow`] shares the partitions among the members of the group; [`Mode::ToEnd`] reads
    /// all of them, up to where they end now, and is no member.
    pub mode: Mode,
    /// Properties of librdkafka, which go before our defaults.
    pub properties: BTreeMap<String, String>,
}

/// Without the properties' values: there may be a password among them.
impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaOptions")
            .field("from", &self.from)
            .field("group", &self.group)
            .field("mode", &self.mode)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

/// Throughput over memory, within the 256 MiB of a speed layer; small waits, so that a minute is
/// seen soon after its records arrive; a broker that comes back is found within a second.
const DEFAULTS: [(&str, &str); 10] = [
    ("client.id", "twofold"),
    ("queued.min.messages", "100000"),
    ("queued.max.messages.kbytes", "32768"),
    ("fetch.wait.max.ms", "100"),
    ("reconnect.backoff.max.ms", "1000"),
    ("topic.metadata.refresh.interval.ms", "60000"),
    (REBOOTSTRAP, "120000"),
    ("allow.auto.create.topics", "false"),
    ("socket.keepalive.enable", "true"),
    ("log_level", "4"),
];

/// After how many milliseconds without an answer of any broker the client begins anew with those that the
/// location names.
const REBOOTSTRAP: &str = "metadata.recovery.rebootstrap.trigger.ms";

/// What resuming, lateness and the archive's chain rely on.
const FIXED: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    // Taken by the batch, the event of an end moves the client's position past the next record,
    // which is then skipped after a rebalance (librdkafka 2.12.1, rd_kafka_q_serve_rkmessages).
    ("enable.partition.eof", "false"),
];

impl KafkaOptions {
    /// The client's configuration.
    ///
    /// # Errors
    /// Where a property would break what the source promises.
    pub fn client(&self) -> Result<ClientConfig, SourceError> {
        let mut config = common(&self.from.brokers, &self.properties)?;
        for (key, value) in DEFAULTS.iter().filter(|(key, _)| !self.properties.contains_key(*key)) {
            config.set(*key, *value);
        }
        let protocol = self.properties.get("group.protocol").map_or("classic", String::as_str);
        if protocol.eq_ignore_ascii_case("classic") {
            config.set("partition.assignment.strategy", "cooperative-sticky");
        }
        config.set("group.id", &self.group);
        FIXED.iter().for_each(|(key, value)| {
            config.set(*key, *value);
        });
        Ok(config)
    }

    /// How long no broker may answer before a new client takes the place of one that should have begun
    /// anew by then (`metadata.recovery.rebootstrap.trigger.ms`).
    pub fn silence(&self) -> Duration {
        let ours = || DEFAULTS.iter().find(|(key, _)| *key == REBOOTSTRAP).map(|(_, value)| *value);
        let millis = self.properties.get(REBOOTSTRAP).map(String::as_str).or_else(ours);
        Duration::from_millis(millis.and_then(|millis| millis.parse().ok()).unwrap_or(120_000))
    }
}

/// The configuration that consumers, producers and administration share.
///
/// # Errors
/// Where a property is one that twofold sets itself.
pub fn common(
    brokers: &str,
    properties: &BTreeMap<String, String>,
) -> Result<ClientConfig, SourceError> {
    let mut config = ClientConfig::new();
    for (key, value) in properties {
        if let Some(why) = reserved(key) {
            return Err(SourceError::Kafka(format!("the property `{key}` can't be set: {why}")));
        }
        config.set(key, value);
    }
    config.set("bootstrap.servers", brokers);
    Ok(config)
}

fn reserved(key: &str) -> Option<&'static str> {
    Some(match key {
        "bootstrap.servers" | "metadata.broker.list" => "the location kafka://… names the brokers",
        "group.id" => "set source.group; the speed layers and the archivers need one each",
        "partition.assignment.strategy" => "partitions are taken up and given up one by one",
        "auto.offset.reset" => "what retention took away is told, never skipped",
        _ if FIXED.iter().any(|(fixed, _)| *fixed == key) => {
            "where to resume is kept with the index and the archive, not by the broker"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_names_brokers_and_topics() {
        let read = |text| Topics::parse(text).map(|read| read.map_err(|error| error.to_string()));
        let topics = read("kafka://a:9092,b:9092/access,error").unwrap().unwrap();
        assert_eq!(topics.brokers, "a:9092,b:9092");
        assert_eq!(topics.topics, ["access", "error"]);
        assert_eq!(read("access.log"), None);
        for (text, complaint) in [
            ("kafka:///access", "names no broker"),
            ("kafka://a:9092", "names no topic"),
            ("kafka://a:9092/", "names no topic"),
            ("kafka://a:9092/x/y", "does not allow"),
        ] {
            let error = read(text).unwrap().unwrap_err();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }

    fn options(properties: &[(&str, &str)]) -> KafkaOptions {
        KafkaOptions {
            from: Topics { brokers: "a:9092".into(), topics: vec!["access".into()] },
            group: "twofold-speed".into(),
            mode: Mode::Follow,
            properties: properties.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        }
    }

    #[test]
    fn properties_go_before_defaults_but_not_before_what_must_hold() {
        let config = options(&[("fetch.wait.max.ms", "7")]).client().unwrap();
        assert_eq!(config.get("fetch.wait.max.ms"), Some("7"));
        assert_eq!(config.get("partition.assignment.strategy"), Some("cooperative-sticky"));
        let config = options(&[("group.protocol", "consumer")]).client().unwrap();
        assert_eq!(config.get("partition.assignment.strategy"), None);
        for key in ["enable.auto.commit", "auto.offset.reset", "group.id"] {
            let error = options(&[(key, "true")]).client().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let shown = format!("{:?}", options(&[("sasl.password", "hunter2")]));
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn the_silence_of_brokers_has_an_end() {
        assert_eq!(options(&[]).silence(), Duration::from_secs(120));
        assert_eq!(options(&[(REBOOTSTRAP, "5000")]).silence(), Duration::from_secs(5));
    }
}
