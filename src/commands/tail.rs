//! The lines behind a number: those of the archive, then those of the sources that
//! are not archived yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use twofold_batch::archive::Archive;
use twofold_batch::lines::{Found, lines};
use twofold_data::class::Classifier;
use twofold_data::format::Parser;
use twofold_data::partition::Partition;
use twofold_data::request::Line;
use twofold_serving::api::{LineFilter, Lines, Seen};
use twofold_speed::archive::positions;
use twofold_speed::source::{Delivery, Source};

use super::input::{self, Role};
use super::parts;
use crate::config::Config;
use crate::place::Store;

/// So many bytes that are not archived yet are looked through at most.
const MOST: u64 = 256 << 20;

/// All lines there are: the archive's and the sources'.
pub struct AllLines {
    config: Config,
    store: Store,
}

/// What was found.
pub struct Search {
    /// The lines, the archive's first.
    pub found: Vec<Found>,
    /// Whether everything that is not archived yet was looked through.
    pub complete: bool,
}

impl AllLines {
    /// The lines of an archive and of the files that the configuration names.
    pub fn new(config: &Config, store: Store) -> Self {
        Self { config: config.clone(), store }
    }

    /// Searches. The sources come first, so that a line which is archived meanwhile is not overlooked;
    /// it is then left out of what the archive says.
    pub fn search(&self, filter: &LineFilter) -> anyhow::Result<Search> {
        let archive = Archive::open(Arc::clone(&self.store))?;
        let tail = match self.tail(&archive, filter) {
            Ok(tail) => tail,
            Err(error) => {
                tracing::warn!("what is not archived yet is not searched: {error:#}");
                Tail { complete: false, ..Tail::default() }
            }
        };
        let (mut found, effort) = lines(&archive, filter, parts::rules(&self.config))?;
        tracing::info!(?effort, "searched the archive");
        found.retain(|line| tail.starts.get(&line.partition).is_none_or(|at| line.offset < *at));
        found.extend(tail.found);
        // Pages follow one another in this order, whatever is archived between two of them.
        found.sort_by(|a, b| (&a.partition, a.offset).cmp(&(&b.partition, b.offset)));
        found.truncate(filter.limit);
        Ok(Search { found, complete: tail.complete })
    }

    fn tail(&self, archive: &Archive, filter: &LineFilter) -> anyhow::Result<Tail> {
        let mut config = self.config.clone();
        config.source.paths.retain(|path| path != "-");
        if config.source.paths.is_empty() {
            return Ok(Tail { complete: true, ..Tail::default() });
        }
        if config.source.topic.is_empty() {
            config.source.topic = self.config.source.paths.first().cloned().unwrap_or_default();
        }
        if input::topics(&config)?.is_some() {
            // Reading a topic here would take part in a consumer group.
            return Ok(Tail::default());
        }
        let mut prepared = input::prepare(&config, true, Role::Archive)?;
        let mut source = prepared.open(&self.store, positions(Arc::clone(&self.store))?)?;
        let parser = Parser::new(&prepared.format);
        let classifier = Classifier::with_rules(parts::rules(&self.config));
        Tail::default().read(&mut *source, archive, (parser, classifier), filter)
    }

    /// Searches, for the API.
    pub fn page(&self, filter: &LineFilter) -> anyhow::Result<Lines> {
        let Search { found, complete } = self.search(filter)?;
        let last = found.last().filter(|_| found.len() >= filter.limit);
        let next = last.map(|last| format!("{}@{}", last.partition, last.offset));
        let lines = found.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
        Ok(Lines { lines, next, complete })
    }
}

/// What the sources have beyond the archive.
#[derive(Default)]
struct Tail {
    found: Vec<Found>,
    /// Where each partition's tail starts.
    starts: BTreeMap<String, u64>,
    complete: bool,
}

impl Tail {
    /// Reads a source to its end, which is declared where the files end now.
    fn read(
        mut self,
        source: &mut dyn Source,
        archive: &Archive,
        (mut parser, mut classifier): (Parser, Classifier),
        filter: &LineFilter,
    ) -> anyhow::Result<Self> {
        let (mut bytes, mut time) = (0, 0);
        loop {
            match source.poll(Duration::from_millis(200)).context("cannot read the sources")? {
                Delivery::EndOfInput => break,
                Delivery::Started { partition, offset, .. } => {
                    time = archive.last_request_time(&partition)?.unwrap_or(0);
                    self.starts.insert(partition.to_string(), offset);
                }
                Delivery::Records(batch) => {
                    for record in batch.records().filter(|record| !record.unterminated()) {
                        bytes += record.next_offset - record.offset;
                        let line = parser.parse(record.bytes);
                        if let Line::Request(request) = &line {
                            time = request.time;
                        }
                        let only = filter.only.is_empty()
                            || matches!(&line, Line::Request(request)
                                if filter.only.admits(&classifier.classify(request)));
                        if only && filter.follows(&batch.partition, record.offset) {
                            let (partition, offset) = (&batch.partition, record.offset);
                            self.look(&line, time, partition, offset, record.bytes, filter);
                        }
                    }
                }
                _ => {}
            }
            if self.found.len() >= filter.limit || bytes >= MOST {
                self.complete = bytes < MOST;
                return Ok(self);
            }
        }
        self.complete = true;
        Ok(self)
    }

    fn look(
        &mut self,
        line: &Line<'_>,
        time: i64,
        partition: &Partition,
        offset: u64,
        bytes: &[u8],
        filter: &LineFilter,
    ) {
        let (outcome, request) = match line {
            Line::Request(request) => ("request", Some(request)),
            Line::Blank => ("blank", None),
            Line::Malformed(why) => (why.name(), None),
        };
        let seen = Seen {
            time,
            outcome,
            client: request.map(|request| request.client),
            path: request.and_then(|request| request.path()),
            status: request.map(|request| request.status),
        };
        let text = String::from_utf8_lossy(bytes);
        if self.found.len() < filter.limit && filter.admits(&seen) && filter.admits_text(&text) {
            self.found.push(Found::new(&seen, partition, offset, text.into_owned()));
        }
    }
}
