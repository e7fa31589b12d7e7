//! The exact answers of generated traffic, counted as it is drawn.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::population::{HOLES, Population};
use super::weeks::Label;
use crate::minute::Minute;

/// What generated traffic adds up to; fields as in a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answers {
    /// All lines.
    pub lines: u64,
    /// Lines that are no request, blank ones left out.
    pub malformed: u64,
    /// Empty lines.
    pub blank: u64,
    /// Broken lines by kind: cut off, noise, empty, no date, no status, a stack trace.
    pub malformed_by_kind: [u64; 6],
    /// Requests.
    pub requests: u64,
    /// Requests whose request line is not HTTP.
    pub request_line_not_http: u64,
    /// The sum of sizes in bytes; `-` is 0.
    pub bytes: u64,
    /// Distinct clients.
    pub distinct_clients: u64,
    /// Distinct user agents, `-` left out.
    pub distinct_user_agents: u64,
    /// Requests by status.
    pub status: BTreeMap<u16, u64>,
    /// Requests by method.
    pub methods: BTreeMap<&'static str, u64>,
    /// The first minute with a request.
    pub first_minute: Option<String>,
    /// The last minute with a request.
    pub last_minute: Option<String>,
    /// How many minutes have requests.
    pub minutes_with_requests: u64,
    /// The ten busiest minutes.
    pub busiest_minutes: Vec<(String, u64)>,
    /// The ten busiest clients.
    pub top_clients: Vec<(String, u64)>,
    /// The ten most visited pages.
    pub top_pages: Vec<(String, u64)>,
    /// Requests by minute.
    pub per_minute: BTreeMap<String, u64>,
    /// The labels of the spikes, of a profile that has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spikes: Vec<Label>,
    #[serde(skip)]
    counts: Counts,
}

/// Counted by index while drawing; named at the end.
#[derive(Debug, Clone, PartialEq, Default)]
struct Counts {
    minutes: HashMap<i64, u64>,
    clients: Vec<u64>,
    pages: Vec<u64>,
    agents: Vec<u64>,
}

/// How long the lists are.
const TOP: usize = 10;

impl Answers {
    pub(super) fn new(population: &Population) -> Self {
        let counts = Counts {
            minutes: HashMap::new(),
            clients: vec![0; population.clients.len()],
            pages: vec![0; population.pages.len() + HOLES.len()],
            agents: vec![0; population.agents.len()],
        };
        Self {
            lines: 0,
            malformed: 0,
            blank: 0,
            malformed_by_kind: [0; 6],
            requests: 0,
            request_line_not_http: 0,
            bytes: 0,
            distinct_clients: 0,
            distinct_user_agents: 0,
            status: BTreeMap::new(),
            methods: BTreeMap::new(),
            first_minute: None,
            last_minute: None,
            minutes_with_requests: 0,
            busiest_minutes: Vec::new(),
            top_clients: Vec::new(),
            top_pages: Vec::new(),
            per_minute: BTreeMap::new(),
            spikes: Vec::new(),
            counts,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one request, field by field")]
    pub(super) fn request(
        &mut self,
        epoch: i64,
        client: usize,
        page: usize,
        agent: usize,
        status: u16,
        method: &'static str,
        size: Option<u64>,
    ) {
        self.lines += 1;
        self.requests += 1;
        self.bytes += size.unwrap_or(0);
        *self.status.entry(status).or_default() += 1;
        *self.methods.entry(method).or_default() += 1;
        *self.counts.minutes.entry(epoch.div_euclid(60)).or_default() += 1;
        self.counts.clients[client] += 1;
        self.counts.pages[page] += 1;
        self.counts.agents[agent] += 1;
    }

    pub(super) fn broken(&mut self, kind: usize) {
        self.lines += 1;
        self.malformed_by_kind[kind] += 1;
        if kind == 2 { self.blank += 1 } else { self.malformed += 1 }
    }

    /// Puts names to what was counted by index.
    pub(super) fn name(&mut self, population: &Population) {
        let Counts { minutes, clients, pages, agents } = std::mem::take(&mut self.counts);
        self.distinct_clients = clients.iter().filter(|count| **count > 0).count() as u64;
        let named = agents
            .iter()
            .zip(&population.agents)
            .filter(|(count, name)| **count > 0 && *name != "-");
        self.distinct_user_agents = named.count() as u64;
        self.per_minute =
            minutes.iter().map(|(minute, count)| (Minute(*minute).to_string(), *count)).collect();
        self.first_minute = minutes.keys().min().map(|minute| Minute(*minute).to_string());
        self.last_minute = minutes.keys().max().map(|minute| Minute(*minute).to_string());
        self.minutes_with_requests = minutes.len() as u64;
        self.busiest_minutes =
            top(self.per_minute.iter().map(|(name, count)| (name.as_str(), *count)));
        let paths = population.pages.iter().map(String::as_str).chain(HOLES);
        self.top_pages = top(paths.zip(pages));
        self.top_clients = top(population.clients.iter().map(String::as_str).zip(clients));
    }
}

/// Most first, ties in name order.
fn top<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Vec<(String, u64)> {
    let mut all: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    all.into_iter().take(TOP).map(|(name, count)| (name.to_owned(), count)).collect()
}
