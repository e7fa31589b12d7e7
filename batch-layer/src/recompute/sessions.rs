//! Fragments of sessions: what one hour knows of them.

use hashbrown::HashTable;
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

/// Fragments by client and user agent, which are codes here. In which order requests come
/// makes no difference: a fragment is what no gap divides.
#[derive(Debug, Default)]
pub struct Visits {
    /// The places in `latest`.
    index: HashTable<u32>,
    /// Each visitor's fragment that a request was added to last.
    latest: Vec<Fragment>,
    /// The others, of which there are few.
    others: Vec<Fragment>,
}

impl Visits {
    /// Adds a frame's requests.
    pub fn add(&mut self, frame: &Frame) {
        let clients = &frame.keys[0];
        for ((client, agent), time) in clients.iter().zip(&frame.user_agent).zip(&frame.time) {
            self.visit(u64::from(*client) << 32 | u64::from(*agent), *time);
        }
    }

    fn visit(&mut self, visitor: u64, time: i64) {
        let latest = &self.latest;
        let known = self.index.find(spread(visitor), |at| latest[*at as usize].visitor == visitor);
        let new = Fragment { visitor, first: time, last: time, requests: 1 };
        let Some(at) = known.copied() else {
            let hash = |at: &u32| spread(self.latest[*at as usize].visitor);
            self.index.insert_unique(spread(visitor), self.latest.len() as u32, hash);
            self.latest.push(new);
            return;
        };
        let fragment = &mut self.latest[at as usize];
        if time >= fragment.first - GAP && time <= fragment.last + GAP {
            fragment.add(&new);
        } else {
            self.others.push(std::mem::replace(fragment, new));
        }
    }

    /// The fragments, in order of visitor and time.
    pub fn fragments(self, texts: &Texts) -> Vec<Fragment> {
        let Some(clients) = texts.of(Key::Client) else { return Vec::new() };
        let mut pieces = self.latest;
        pieces.extend(self.others);
        for piece in &mut pieces {
            let agent = piece.visitor as u32;
            let agent = if agent == NONE { 0 } else { texts.user_agents.hash(agent) };
            piece.visitor = clients.hash((piece.visitor >> 32) as u32) ^ agent.rotate_left(32);
        }
        pieces.sort_unstable();
        pieces.dedup_by(|next, fragment| {
            let one = next.visitor == fragment.visitor && next.first - fragment.last <= GAP;
            if one {
                fragment.add(next);
            }
            one
        });
        pieces
    }
}

impl Fragment {
    fn add(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.requests += other.requests;
    }
}

/// Codes are small numbers; a table wants its bits everywhere (Fibonacci hashing).
fn spread(visitor: u64) -> u64 {
    let product = u128::from(visitor) * 0x9e37_79b9_7f4a_7c15;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sessions as they are defined: times in order, cut at the gaps.
    fn defined(times: &[i64]) -> Vec<(i64, i64, u64)> {
        let mut times = times.to_vec();
        times.sort_unstable();
        let runs = times.chunk_by(|a, b| b - a <= GAP);
        runs.map(|run| (run[0], run[run.len() - 1], run.len() as u64)).collect()
    }

    proptest! {
        #[test]
        fn fragments_are_cut_at_the_gaps(minutes in prop::collection::vec(0i64..240, 1..40)) {
            let times: Vec<i64> = minutes.iter().map(|minute| minute * 60_000).collect();
            let mut texts = Texts::default();
            let frame = Frame {
                time: times.clone(),
                keys: std::array::from_fn(|_| vec![texts.code(Key::Client, "a"); times.len()]),
                user_agent: vec![NONE; times.len()],
                ..Frame::default()
            };
            let mut visits = Visits::default();
            visits.add(&frame);
            let found = visits.fragments(&texts);
            let found: Vec<_> = found.iter().map(|f| (f.first, f.last, f.requests)).collect();
            prop_assert_eq!(found, defined(&times));
        }
    }
}
