//! Bulk requests whose items are checked one by one.

use std::io::Write as _;
use std::ops::Range;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::connection::{Connection, Failure, Retry, is_passing};
use super::names::write_alias;
use crate::index::IndexError;
use crate::index::body::to_json;
use crate::index::encode::string;

/// About how many bytes one request has.
const REQUEST: usize = 4 << 20;

/// Writes that go to one index.
#[derive(Debug, Default)]
pub(super) struct Writes {
    text: Vec<u8>,
    items: Vec<Range<usize>>,
}

/// When a write counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Always.
    Any,
    /// Unless a larger version is there.
    AtLeast(i64),
    /// Unless that version or a larger one is there.
    Above(i64),
}

/// What became of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// A newer version was there already.
    Stale,
    /// The engine will never take it.
    Refused {
        status: u16,
        reason: String,
    },
}

impl Writes {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Writes a document.
    pub(super) fn index<E>(
        &mut self,
        id: &str,
        version: Version,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let from = self.action("index", id, version);
        body(&mut self.text)?;
        self.text.push(b'\n');
        self.items.push(from..self.text.len());
        Ok(())
    }

    /// Writes a document that is at hand as a value.
    pub(super) fn value(
        &mut self,
        id: &str,
        version: Version,
        document: &Value,
    ) -> Result<(), IndexError> {
        let document = to_json(document)?;
        self.index(id, version, |out| {
            out.extend_from_slice(&document);
            Ok(())
        })
    }

    /// Deletes a document.
    pub(super) fn delete(&mut self, id: &str, version: Version) {
        let from = self.action("delete", id, version);
        self.items.push(from..self.text.len());
    }

    fn action(&mut self, verb: &str, id: &str, version: Version) -> usize {
        let from = self.text.len();
        let _ = write!(self.text, r#"{{"{verb}":{{"_id":"#);
        string(&mut self.text, id);
        let _ = match version {
            Version::Any => Ok(()),
            Version::AtLeast(version) => {
                write!(self.text, r#","version":{version},"version_type":"external_gte""#)
            }
            Version::Above(version) => {
                write!(self.text, r#","version":{version},"version_type":"external""#)
            }
        };
        self.text.extend_from_slice(b"}}\n");
        from
    }

    /// The numbers of items, in requests of a good size.
    fn requests(&self) -> Vec<Vec<usize>> {
        let mut requests: Vec<Vec<usize>> = Vec::new();
        let mut size = usize::MAX;
        for (number, item) in self.items.iter().enumerate() {
            if size >= REQUEST {
                requests.push(Vec::new());
                size = 0;
            }
            if let Some(last) = requests.last_mut() {
                last.push(number);
            }
            size += item.len();
        }
        requests
    }
}

/// Sends the writes to an index through its write alias. Items for which the engine is
/// too busy are sent again, those alone, until its patience ends.
pub(super) fn send(
    connection: &Connection,
    index: &str,
    writes: &Writes,
) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes = vec![Outcome::Done; writes.len()];
    for mut numbers in writes.requests() {
        let mut retry = Retry::new(connection.patience());
        while !numbers.is_empty() {
            let items = request(connection, index, writes, &numbers)?;
            let mut again = Vec::new();
            let mut why = String::new();
            for (number, item) in numbers.iter().zip(items) {
                match item.outcome() {
                    Ok(outcome) => {
                        if let Some(slot) = outcomes.get_mut(*number) {
                            *slot = outcome;
                        }
                    }
                    Err(reason) => {
                        again.push(*number);
                        why = reason;
                    }
                }
            }
            if !again.is_empty() && !retry.pause(&why) {
                return Err(Failure::Away(why));
            }
            numbers = again;
        }
    }
    Ok(outcomes)
}

fn request(
    connection: &Connection,
    index: &str,
    writes: &Writes,
    numbers: &[usize],
) -> Result<Vec<Item>, Failure> {
    let mut body = Vec::new();
    for range in numbers.iter().filter_map(|number| writes.items.get(*number)) {
        body.extend_from_slice(writes.text.get(range.clone()).unwrap_or_default());
    }
    let path = format!(
        "/{}/_bulk?require_alias=true&filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason",
        write_alias(index)
    );
    metrics::counter!("twofold_index_bytes_total").increment(body.len() as u64);
    let answer: Answer = connection.ask(Method::Post, &path, Some(&body))?;
    if answer.items.len() != numbers.len() {
        return Err(Failure::Broken(format!(
            "{} writes were sent, and {} answered",
            numbers.len(),
            answer.items.len()
        )));
    }
    Ok(answer.items.into_iter().map(Verb::into_item).collect())
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Verb>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Index(Item),
    Create(Item),
    Delete(Item),
}

impl Verb {
    fn into_item(self) -> Item {
        match self {
            Self::Index(item) | Self::Create(item) | Self::Delete(item) => item,
        }
    }
}

#[derive(Deserialize)]
struct Item {
    status: u16,
    error: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(rename = "type")]
    kind: String,
    reason: Option<String>,
}

impl Item {
    /// What became of it; an error if it may succeed later.
    fn outcome(self) -> Result<Outcome, String> {
        let Some(error) = self.error else { return Ok(Outcome::Done) };
        let reason = format!("{}: {}", error.kind, error.reason.unwrap_or_default());
        match self.status {
            409 => Ok(Outcome::Stale),
            status if is_passing(status, &error.kind) => Err(format!("{reason} ({status})")),
            status => Ok(Outcome::Refused { status, reason }),
        }
    }
}
