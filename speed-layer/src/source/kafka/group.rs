//! What the client tells beside records: which partitions the group gave and took, and what is
//! wrong with the brokers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

/// A topic's name and a partition's number.
pub type Named = (String, i32);

/// What the group decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These partitions are ours from now on.
    Given(Vec<Named>),
    /// These are no more.
    Taken(Vec<Named>),
}

/// Keeps what the client tells until the source's thread asks for it.
#[derive(Debug, Default)]
pub struct Group {
    changes: Mutex<VecDeque<Change>>,
    complaint: Mutex<Option<String>>,
    refused: AtomicBool,
    closing: AtomicBool,
}

impl Group {
    /// The next change, which must be answered by assigning or unassigning.
    pub fn change(&self) -> Option<Change> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What the client complained of since the last call.
    pub fn complaint(&self) -> Option<String> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the brokers refuse our credentials or certificates, which waiting doesn't change.
    pub fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// From now on partitions that are taken are given up at once: the consumer is being closed.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    fn complain(&self, text: String) {
        *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

impl ClientContext for Group {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning
            | RDKafkaLogLevel::Notice => tracing::info!(facility, "librdkafka: {message}"),
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(facility, "librdkafka: {message}");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::info!("librdkafka: {error}: {reason}");
        let code = error.rdkafka_error_code();
        if matches!(code, Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)) {
            self.refused.store(true, Ordering::Relaxed);
        }
        self.complain(reason.to_owned());
    }
}

impl ConsumerContext for Group {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let named = named(partitions);
        let given = code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        tracing::info!(given, "the group moves {named:?}");
        if self.closing.load(Ordering::Relaxed) {
            // Whatever is answered, the consumer goes; unanswered it would wait for ever.
            let _ = consumer.unassign();
            return;
        }
        let change = if given { Change::Given(named) } else { Change::Taken(named) };
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push_back(change);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!("the offsets for lag monitoring were not committed: {error}");
        }
    }
}

fn named(partitions: &TopicPartitionList) -> Vec<Named> {
    let elements = partitions.elements();
    elements.iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}
