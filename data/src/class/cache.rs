//! What was learnt of each distinct user agent, in bounded memory.

use hashbrown::HashTable;
use rapidhash::v3::rapidhash_v3;

use super::Agent;

/// So many distinct user agents are remembered; then the memory starts anew, so that hostile
/// variety costs time, not space.
const CAPACITY: usize = 16 * 1024;

/// A longer user agent is looked up by its beginning: patterns say what they say early.
const LONGEST: usize = 1024;

/// Remembers agents by user agent.
#[derive(Debug, Default)]
pub(super) struct AgentCache {
    table: HashTable<(u64, u32)>,
    known: Vec<(Box<str>, Agent)>,
    unknown: Agent,
}

impl AgentCache {
    /// What the user agent is.
    pub fn get(&mut self, user_agent: Option<&str>) -> &Agent {
        let Some(text) = user_agent.filter(|text| !text.is_empty() && *text != "-") else {
            return &self.unknown;
        };
        let text = &text[..text.floor_char_boundary(LONGEST)];
        let hash = rapidhash_v3(text.as_bytes());
        let same = |entry: &(u64, u32)| entry.0 == hash && *self.known[entry.1 as usize].0 == *text;
        let at = match self.table.find(hash, same) {
            Some(entry) => entry.1,
            None => self.learn(hash, text),
        };
        &self.known[at as usize].1
    }

    #[cold]
    fn learn(&mut self, hash: u64, text: &str) -> u32 {
        if self.known.len() >= CAPACITY {
            self.table.clear();
            self.known.clear();
        }
        let at = self.known.len() as u32;
        self.known.push((text.into(), Agent::of(text)));
        self.table.insert_unique(hash, (hash, at), |entry| entry.0);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_starts_anew_when_it_is_full() {
        let mut cache = AgentCache::default();
        for number in 0..CAPACITY + 10 {
            let text = format!("x{number}");
            assert_eq!(*cache.get(Some(&text)), Agent::of("x"));
        }
        assert_eq!(cache.known.len(), 10);
    }

    #[test]
    fn absent_agents_are_unknown() {
        let mut cache = AgentCache::default();
        for absent in [None, Some("-"), Some("")] {
            assert_eq!(*cache.get(absent), Agent::default());
        }
    }
}
