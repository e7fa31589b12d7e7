//! Fragments of sessions: what one hour knows of them.

use hashbrown::HashMap;
use twofold_data::view::Key;

use super::codes::NONE;
use super::frame::{Frame, Texts};

/// A session ends with a gap of this length (ms).
pub const GAP: i64 = 30 * 60_000;

/// A run of requests of one client with one user agent without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fragment {
    /// A hash of client and user agent: who visits, from hour to hour.
    pub visitor: u64,
    /// The first request (ms).
    pub first: i64,
    /// The last request (ms).
    pub last: i64,
    /// How many requests.
    pub requests: u64,
}

/// Times of requests by client and user agent.
#[derive(Debug, Default)]
pub struct Visits(HashMap<u64, Vec<i64>>);

impl Visits {
    /// Adds a frame's requests.
    pub fn add(&mut self, frame: &Frame) {
        let clients = &frame.keys[0];
        for ((client, agent), time) in clients.iter().zip(&frame.user_agent).zip(&frame.time) {
            self.0.entry(u64::from(*client) << 32 | u64::from(*agent)).or_default().push(*time);
        }
    }

    /// The fragments, in order of visitor and time.
    pub fn fragments(self, texts: &Texts) -> Vec<Fragment> {
        let Some(clients) = texts.of(Key::Client) else { return Vec::new() };
        let mut fragments = Vec::with_capacity(self.0.len());
        for (key, mut times) in self.0 {
            times.sort_unstable();
            let agent = key as u32;
            let agent = if agent == NONE { 0 } else { texts.user_agents.hash(agent) };
            let visitor = clients.hash((key >> 32) as u32) ^ agent.rotate_left(32);
            for run in times.chunk_by(|a, b| b - a <= GAP) {
                let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
                let requests = run.len() as u64;
                fragments.push(Fragment { visitor, first: *first, last: *last, requests });
            }
        }
        fragments.sort_unstable();
        fragments
    }
}
