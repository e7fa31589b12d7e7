//! What was learnt of each distinct user agent, in bounded memory.

use hashbrown::HashTable;
use rapidhash::v3::rapidhash_v3;

use super::Agent;

/// So many distinct user agents are remembered; then the memory starts anew, so that hostile
/// variety costs time, not space.
const CAPACITY: usize = 16 * 1024;

/// A longer user agent is looked up by its beginning: patterns say what they say early.
const LONGEST: usize = 1024;

/// So many of the latest are found without a hash of the whole text.
const LATEST: usize = 1024;

/// Remembers agents by user agent.
#[derive(Debug)]
pub(super) struct AgentCache {
    /// Positions in `known`, by [`place`].
    latest: Box<[u16; LATEST]>,
    table: HashTable<(u64, u16)>,
    known: Vec<(Box<str>, Agent)>,
    unknown: Agent,
}

impl Default for AgentCache {
    fn default() -> Self {
        let (table, known, unknown) = Default::default();
        Self { latest: Box::new([0; LATEST]), table, known, unknown }
    }
}

impl AgentCache {
    /// What the user agent is.
    #[inline(always)]
    pub fn get(&mut self, user_agent: Option<&str>) -> &Agent {
        let Some(text) = user_agent.filter(|text| !text.is_empty() && *text != "-") else {
            return &self.unknown;
        };
        let text = &text[..text.floor_char_boundary(LONGEST)];
        let place = place(text.as_bytes());
        let is_it =
            |at: u16| self.known.get(usize::from(at)).is_some_and(|(known, _)| **known == *text);
        if !is_it(self.latest[place]) {
            self.latest[place] = self.find(text);
        }
        &self.known[usize::from(self.latest[place])].1
    }

    #[inline(never)]
    fn find(&mut self, text: &str) -> u16 {
        let hash = rapidhash_v3(text.as_bytes());
        let same =
            |entry: &(u64, u16)| entry.0 == hash && *self.known[usize::from(entry.1)].0 == *text;
        match self.table.find(hash, same) {
            Some(entry) => entry.1,
            None => self.learn(hash, text),
        }
    }

    #[cold]
    fn learn(&mut self, hash: u64, text: &str) -> u16 {
        if self.known.len() >= CAPACITY {
            self.table.clear();
            self.known.clear();
        }
        let at = self.known.len() as u16;
        self.known.push((text.into(), Agent::of(text)));
        self.table.insert_unique(hash, (hash, at), |entry| entry.0);
        at
    }
}

/// A number below [`LATEST`], of where user agents mostly differ: the system stands near the beginning,
/// versions near the end. What agrees there costs a look-up, and nothing else.
#[inline]
fn place(text: &[u8]) -> usize {
    let whole = |words: &[u8]| {
        let (words, _) = words.as_chunks();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        words.fold(text.len() as u64, |mixed, word| mixed.rotate_left(9) ^ word)
    };
    let mixed = match (text.get(16..24), text.last_chunk::<32>()) {
        (Some(start), Some(end)) => whole(start) ^ whole(end).rotate_left(5),
        _ => whole(text),
    };
    // The top bits of a product depend on all bits (Knuth's multiplicative hashing).
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize % LATEST
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
