//! Where the entries of a list stand, by the hash of their keys.

/// A hash table of positions: open addressing with linear probing, at most half full. Nothing is
/// removed from it but everything at once, so there is no more to it than this loop, which is on the way of
/// every record, once for each of its keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// None, or a power of two.
    slots: Vec<Slot>,
    used: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The upper half of the hash; the lower one says where a search begins.
    tag: u32,
    /// One more than the position; 0 for a free slot.
    next: u32,
}

const FEWEST: usize = 16;

impl Places {
    /// The position of this hash for which `is` holds.
    #[inline]
    pub fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<usize> {
        let tag = (hash >> 32) as u32;
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots.get(at)?;
            let position = slot.next.checked_sub(1)? as usize;
            if slot.tag == tag && is(position) {
                return Some(position);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a position. `hash_of` tells the hashes of those added before.
    pub fn insert(&mut self, hash: u64, position: usize, hash_of: impl Fn(usize) -> u64) {
        if 2 * self.used >= self.slots.len() {
            let larger = vec![Slot::default(); (2 * self.slots.len()).max(FEWEST)];
            let before = std::mem::replace(&mut self.slots, larger);
            for slot in before.into_iter().filter(|slot| slot.next > 0) {
                self.put(hash_of(slot.next as usize - 1), slot.next);
            }
        }
        self.put(hash, position as u32 + 1);
        self.used += 1;
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.slots.fill(Slot::default());
        self.used = 0;
    }

    fn put(&mut self, hash: u64, next: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].next > 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = Slot { tag: (hash >> 32) as u32, next };
    }
}
