//! What reading a topic costs by itself: a loop that takes every message and looks at none. The bench
//! holds the speed layer and the archiver against it.
//!
//! ```text
//! bare_consume HOST:PORT TOPIC MESSAGES
//! ```

use std::error::Error;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// Nothing came for so long: something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [broker, topic, messages] = arguments.as_slice() else {
        return Err("usage: bare_consume HOST:PORT TOPIC MESSAGES".into());
    };
    let wanted: u64 = messages.parse()?;
    let consumer = assigned(broker, topic)?;
    let (mut seen, mut bytes, mut last) = (0u64, 0usize, Instant::now());
    while seen < wanted {
        match consumer.poll(Duration::from_millis(100)) {
            Some(message) => {
                bytes += message?.payload().map_or(0, <[u8]>::len);
                (seen, last) = (seen + 1, Instant::now());
            }
            None if last.elapsed() > PATIENCE => return Err(format!("only {seen} came").into()),
            None => {}
        }
    }
    println!("{seen} messages, {bytes} bytes");
    Ok(())
}

/// A consumer of every partition from its beginning, without a group.
fn assigned(broker: &str, topic: &str) -> Result<BaseConsumer, Box<dyn Error>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("group.id", "bare-consume")
        .set("enable.auto.commit", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    let mut all = TopicPartitionList::new();
    for partition in partitions {
        all.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    Ok(consumer)
}
