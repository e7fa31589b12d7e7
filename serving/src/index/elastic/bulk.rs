//! Bulk requests whose items are checked one by one.

use std::io::Write as _;
use std::ops::Range;

use bytes::Bytes;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::connection::{Connection, Failure, Retry, is_passing};
use super::names::write_alias;
use crate::index::IndexError;
use crate::index::body::to_json;
use crate::index::encode::{number, string};

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
        target: &Target,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let from = self.action("index", None, target);
        body(&mut self.text)?;
        self.end(from);
        Ok(())
    }

    /// Writes the document of a rank under the id of its set.
    pub(super) fn index_row(
        &mut self,
        rank: usize,
        target: &Target,
        body: impl FnOnce(&mut Vec<u8>),
    ) {
        let from = self.action("index", Some(rank), target);
        body(&mut self.text);
        self.end(from);
    }

    /// Writes a document that is at hand as a value.
    pub(super) fn value(
        &mut self,
        id: &str,
        version: Version,
        document: &Value,
    ) -> Result<(), IndexError> {
        let document = to_json(document)?;
        self.index(&Target::new(id, version), |out| {
            out.extend_from_slice(&document);
            Ok(())
        })
    }

    /// Deletes a document.
    pub(super) fn delete(&mut self, id: &str, version: Version) {
        let from = self.action("delete", None, &Target::new(id, version));
        self.items.push(from..self.text.len());
    }

    /// Deletes the document of a rank.
    pub(super) fn delete_row(&mut self, rank: usize, target: &Target) {
        let from = self.action("delete", Some(rank), target);
        self.items.push(from..self.text.len());
    }

    fn action(&mut self, verb: &str, rank: Option<usize>, target: &Target) -> usize {
        let (from, out) = (self.text.len(), &mut self.text);
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(verb.as_bytes());
        out.extend_from_slice(b"\":{\"_id\":\"");
        if let Some(rank) = rank {
            number(out, rank as u64);
            out.push(b'.');
        }
        out.extend_from_slice(&target.0);
        from
    }

    fn end(&mut self, from: usize) {
        self.text.push(b'\n');
        self.items.push(from..self.text.len());
    }
}

/// The document that a write is for, and when the write counts: the end of the action's line, from
/// the id on. The rows of a set share it, since each one's id is its rank, a dot and the set's id;
/// no set's id begins with a digit.
#[derive(Debug)]
pub(super) struct Target(Vec<u8>);

impl Target {
    pub(super) fn new(id: &str, version: Version) -> Self {
        let mut text = Vec::with_capacity(id.len() + 64);
        string(&mut text, id);
        text.remove(0);
        let _ = match version {
            Version::Any => Ok(()),
            Version::AtLeast(version) => {
                write!(text, r#","version":{version},"version_type":"external_gte""#)
            }
            Version::Above(version) => {
                write!(text, r#","version":{version},"version_type":"external""#)
            }
        };
        text.extend_from_slice(b"}}\n");
        Self(text)
    }
}

/// The numbers of items, in requests of a good size.
fn requests(items: &[Range<usize>]) -> Vec<Vec<usize>> {
    let mut requests: Vec<Vec<usize>> = Vec::new();
    let mut size = usize::MAX;
    for (number, item) in items.iter().enumerate() {
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

/// The text of these items: the very bytes where they lie side by side, as all of a first attempt do.
fn body(text: &Bytes, items: &[Range<usize>], numbers: &[usize]) -> Bytes {
    let ranges = || numbers.iter().filter_map(|number| items.get(*number));
    if let (Some(first), Some(last)) = (ranges().next(), ranges().next_back())
        && ranges().map(Range::len).sum::<usize>() == last.end - first.start
    {
        return text.slice(first.start..last.end);
    }
    ranges().flat_map(|range| &text[range.clone()]).copied().collect()
}

/// Sends the writes to an index through its write alias. Items for which the engine is
/// too busy are sent again, those alone, until its patience ends.
pub(super) fn send(
    connection: &Connection,
    index: &str,
    writes: Writes,
) -> Result<Vec<Outcome>, Failure> {
    let Writes { text, items } = writes;
    let text = Bytes::from(text);
    let mut outcomes = vec![Outcome::Done; items.len()];
    for mut numbers in requests(&items) {
        let mut retry = Retry::new(connection.patience());
        while !numbers.is_empty() {
            let answers = request(connection, index, body(&text, &items, &numbers), numbers.len())?;
            let mut again = Vec::new();
            let mut why = String::new();
            for (number, item) in numbers.iter().zip(answers) {
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
    body: Bytes,
    items: usize,
) -> Result<Vec<Item>, Failure> {
    let path = format!(
        "/{}/_bulk?require_alias=true&filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason",
        write_alias(index)
    );
    metrics::counter!("twofold_index_bytes_total").increment(body.len() as u64);
    let answer: Answer = connection.ask(Method::Post, &path, Some(body))?;
    if answer.items.len() != items {
        return Err(Failure::Broken(format!(
            "{} writes were sent, and {} answered",
            items,
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
