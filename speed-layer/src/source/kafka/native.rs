//! The calls of librdkafka that `rdkafka` has no safe form of: many records at once, and a
//! topic's id. All unsafe code of the project but that of `data/src/scan.rs`; each block says why it is sound.
//!
//! `rdkafka` polls one event per record; here a whole run of records is taken under one lock.
#![allow(unsafe_code, reason = "calls into librdkafka, see above")]

use std::ffi::{CStr, CString};
use std::ptr::{NonNull, null_mut};
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;

/// So many records are taken at once.
const RECORDS: usize = 2048;

/// A queue into which all partitions' records flow. It must be dropped before its consumer.
pub struct Queue {
    client: *mut rd::rd_kafka_t,
    queue: NonNull<rd::rd_kafka_queue_t>,
    taken: Vec<*mut rd::rd_kafka_message_t>,
}

// SAFETY: librdkafka's handles may be used from any thread, one at a time by `&mut self`.
unsafe impl Send for Queue {}

/// What the queue gave: a record, or why there is none.
pub struct Message<'a> {
    /// The topic's name.
    pub topic: &'a CStr,
    /// The partition's number.
    pub partition: i32,
    /// The record's offset; with an error the offset that it concerns.
    pub offset: i64,
    /// The time stamp in ms; -1 where there is none.
    pub time: i64,
    /// The record's bytes, or what is wrong.
    pub record: Result<&'a [u8], RDKafkaErrorCode>,
}

impl Queue {
    /// An empty queue.
    pub fn new<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Option<Self> {
        let client = consumer.client().native_ptr();
        // SAFETY: the client is alive as long as the consumer is.
        let queue = NonNull::new(unsafe { rd::rd_kafka_queue_new(client) })?;
        Some(Self { client, queue, taken: vec![null_mut(); RECORDS] })
    }

    /// Lets a partition's records flow in here, now and whenever it is assigned again.
    pub fn take(&self, topic: &str, partition: i32) {
        let Ok(topic) = CString::new(topic) else { return };
        // SAFETY: client and queue are alive; the reference to the partition's queue is ours to
        // give back, after which the forwarding stays.
        unsafe {
            let source = rd::rd_kafka_queue_get_partition(self.client, topic.as_ptr(), partition);
            if !source.is_null() {
                rd::rd_kafka_queue_forward(source, self.queue.as_ptr());
                rd::rd_kafka_queue_destroy(source);
            }
        }
    }

    /// Hands each message that is there to `each`; waits for a first one for `wait` at most.
    pub fn drain(&mut self, wait: Duration, mut each: impl FnMut(Message<'_>)) {
        // The call waits until it has as many as it was asked for, so it is asked for one first.
        let mut count = self.consume(RECORDS, Duration::ZERO);
        if count == 0 && !wait.is_zero() {
            count = self.consume(1, wait);
        }
        for message in self.taken.iter_mut().take(count) {
            let Some(owned) = NonNull::new(std::mem::replace(message, null_mut())) else {
                continue;
            };
            // SAFETY: librdkafka gave us the message, with its topic and `len` bytes of payload,
            // until we destroy it, which we do once, after the borrows have ended.
            unsafe {
                each(message_of(owned.as_ref()));
                rd::rd_kafka_message_destroy(owned.as_ptr());
            }
        }
    }

    fn consume(&mut self, at_most: usize, wait: Duration) -> usize {
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        let at_most = at_most.min(self.taken.len());
        // SAFETY: the queue is alive and `taken` has room for `at_most` pointers.
        let count = unsafe {
            rd::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                wait,
                self.taken.as_mut_ptr(),
                at_most,
            )
        };
        usize::try_from(count).unwrap_or(0)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the queue is ours and is not used afterwards.
        unsafe { rd::rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

/// # Safety
/// The message must be one that librdkafka has just given.
unsafe fn message_of(message: &rd::rd_kafka_message_t) -> Message<'_> {
    // SAFETY: as long as the message is alive, so are its topic and its payload of `len` bytes;
    // a payload of no bytes may be null.
    unsafe {
        let topic = match message.rkt.is_null() {
            true => c"",
            false => CStr::from_ptr(rd::rd_kafka_topic_name(message.rkt)),
        };
        let code = RDKafkaErrorCode::from(message.err);
        let record = match code {
            RDKafkaErrorCode::NoError if message.payload.is_null() => Ok(&[][..]),
            RDKafkaErrorCode::NoError => {
                Ok(std::slice::from_raw_parts(message.payload.cast::<u8>(), message.len))
            }
            code => Err(code),
        };
        let time = rd::rd_kafka_message_timestamp(message, null_mut());
        Message { topic, partition: message.partition, offset: message.offset, time, record }
    }
}

/// What the cluster says of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The topic's name.
    pub name: String,
    /// Its id in base64, all `A` where the brokers are too old to have one; or what is wrong.
    pub id: Result<String, RDKafkaErrorCode>,
    /// How many partitions it has.
    pub partitions: u32,
}

/// Asks the cluster about topics; `None` where it did not answer in time.
pub fn describe<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topics: &[String],
    wait: Duration,
) -> Option<Vec<Described>> {
    let client = consumer.client().native_ptr();
    let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    let names: Vec<CString> =
        topics.iter().filter_map(|topic| CString::new(topic.as_str()).ok()).collect();
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: the client outlives the call; names are copied by librdkafka; every object that is
    // made here is destroyed here, once; the answer's texts are copied before its event is.
    unsafe {
        let queue = rd::rd_kafka_queue_new(client);
        let options = rd::rd_kafka_AdminOptions_new(
            client,
            rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        rd::rd_kafka_AdminOptions_set_request_timeout(options, wait, null_mut(), 0);
        let collection =
            rd::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        rd::rd_kafka_DescribeTopics(client, collection, options, queue);
        let event = rd::rd_kafka_queue_poll(queue, wait.saturating_add(500));
        let described = (!event.is_null()).then(|| described(event)).flatten();
        if !event.is_null() {
            rd::rd_kafka_event_destroy(event);
        }
        rd::rd_kafka_TopicCollection_destroy(collection);
        rd::rd_kafka_AdminOptions_destroy(options);
        rd::rd_kafka_queue_destroy(queue);
        described
    }
}

/// # Safety
/// The event must be alive.
unsafe fn described(event: *mut rd::rd_kafka_event_t) -> Option<Vec<Described>> {
    // SAFETY: the result and what it holds live as long as the event; the array has `count`
    // elements.
    unsafe {
        let failed = RDKafkaErrorCode::from(rd::rd_kafka_event_error(event));
        let result = rd::rd_kafka_event_DescribeTopics_result(event);
        if failed != RDKafkaErrorCode::NoError || result.is_null() {
            return None;
        }
        let mut count = 0;
        let topics = rd::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let topics = std::slice::from_raw_parts(topics, count);
        Some(topics.iter().map(|topic| described_topic(*topic)).collect())
    }
}

/// # Safety
/// The description must be alive.
unsafe fn described_topic(topic: *const rd::rd_kafka_TopicDescription_t) -> Described {
    // SAFETY: name, id and error belong to the description.
    unsafe {
        let error = rd::rd_kafka_TopicDescription_error(topic);
        let code = match error.is_null() {
            true => RDKafkaErrorCode::NoError,
            false => RDKafkaErrorCode::from(rd::rd_kafka_error_code(error)),
        };
        let mut partitions = 0;
        rd::rd_kafka_TopicDescription_partitions(topic, &mut partitions);
        let text = |pointer| CStr::from_ptr(pointer).to_string_lossy().into_owned();
        Described {
            name: text(rd::rd_kafka_TopicDescription_name(topic)),
            id: match code {
                RDKafkaErrorCode::NoError => Ok(text(rd::rd_kafka_Uuid_base64str(
                    rd::rd_kafka_TopicDescription_topic_id(topic),
                ))),
                code => Err(code),
            },
            partitions: u32::try_from(partitions).unwrap_or(0),
        }
    }
}
