//! Classes of a request, computed once for both layers.
//!
//! The speed layer classifies each request ([`Classifier::classify`]); the batch layer
//! classifies each *distinct* value of a column, with the very functions that
//! `classify` is made of.

mod agent;
mod cache;
mod key;
mod page;

pub use agent::Agent;
pub use key::{KEY_BYTES, client, cut_key, host, referrer_host};
pub use page::PageRules;

use cache::AgentCache;

use crate::facts::Facts;
use crate::request::Request;

/// Classifies requests. It remembers what it learnt of each distinct user agent
/// (bounded) and keeps scratch space, so one thread keeps one.
#[derive(Debug, Default)]
pub struct Classifier {
    rules: PageRules,
    agents: AgentCache,
    page: String,
    referrer: String,
    host: String,
}

impl Classifier {
    /// A classifier with the built-in lists and no rules for pages.
    pub fn new() -> Self {
        Self::default()
    }

    /// A classifier with rules for pages.
    pub fn with_rules(rules: PageRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// The request's facts.
    pub fn classify<'a>(&'a mut self, request: &Request<'a>) -> Facts<'a> {
        let target = request.split_target();
        let page = target.map(|(path, _)| self.rules.page(path, &mut self.page));
        let referrer = request.referrer.and_then(|url| referrer_host(url, &mut self.referrer));
        let host = request.host.and_then(|name| host(name, &mut self.host));
        let agent = self.agents.get(request.user_agent);
        Facts {
            time: request.time,
            client: client(request.client),
            method: request.method().map(cut_key),
            page,
            status: request.status,
            bytes: request.bytes.unwrap_or(0),
            duration: request.duration,
            referrer,
            host,
            agent: agent.name.as_deref(),
            os: agent.os.as_deref(),
            device: agent.device,
            kind: agent.kind,
        }
    }

    /// What a user agent is; `None` and `-` are unknown.
    pub fn agent(&mut self, user_agent: Option<&str>) -> &Agent {
        self.agents.get(user_agent)
    }

    /// The page that a path is counted for.
    pub fn page<'a>(&'a mut self, path: &'a str) -> &'a str {
        self.rules.page(path, &mut self.page)
    }

    /// What decides how a request is classified, as one short text: the lists, the
    /// rules and the limit of keys.
    pub fn fingerprint(&self) -> String {
        format!("lists={:016x};{};key={KEY_BYTES}", agent::lists_hash(), self.rules.fingerprint())
    }
}
