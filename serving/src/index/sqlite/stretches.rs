//! Stretches of exact rows as one generation shows them, so that a day of minutes is a few dozen
//! look-ups instead of thousands of rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::RowSet;

use super::settled::{HALF, size};

/// All exact sets of one view and grain that start in one span of the next coarser grain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stretch {
    /// The view's position in the table of views.
    pub(super) view: usize,
    /// The sets' grain.
    pub(super) grain: Grain,
    /// Where the stretch starts.
    pub(super) start: Minute,
    /// Whether the sets hold their sketches.
    pub(super) sketches: bool,
}

/// The sets of a stretch, in order of start.
pub(super) type Sets = Arc<[Arc<RowSet>]>;

/// The stretches of the newest generation that was read. Past [`HALF`] bytes all are forgotten.
#[derive(Debug, Default)]
pub(super) struct Stretches(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    generation: u64,
    stretches: HashMap<Stretch, Sets>,
    size: usize,
}

impl Stretches {
    /// The sets of a stretch in a generation, or what `read` finds.
    pub(super) fn get<E>(
        &self,
        generation: u64,
        stretch: Stretch,
        read: impl FnOnce() -> Result<Vec<Arc<RowSet>>, E>,
    ) -> Result<Sets, E> {
        if let Some(sets) =
            self.held(generation).and_then(|held| held.stretches.get(&stretch).cloned())
        {
            return Ok(sets);
        }
        let sets: Sets = read()?.into();
        if let Some(mut held) = self.held(generation) {
            held.size += sets.iter().map(|set| size(set, stretch.sketches)).sum::<usize>();
            if held.size > HALF {
                *held = Held { generation, ..Held::default() };
            }
            held.stretches.insert(stretch, Arc::clone(&sets));
        }
        Ok(sets)
    }

    /// What is held of a generation; `None` of one that is older than what others read.
    fn held(&self, generation: u64) -> Option<std::sync::MutexGuard<'_, Held>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.generation < generation {
            *held = Held { generation, ..Held::default() };
        }
        (held.generation == generation).then_some(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(stretches: &Stretches, generation: u64, start: i64) -> bool {
        let stretch =
            Stretch { view: 0, grain: Grain::Minute, start: Minute(start), sketches: false };
        let mut read = false;
        let nothing = || {
            read = true;
            Ok::<_, ()>(Vec::new())
        };
        stretches.get(generation, stretch, nothing).unwrap();
        read
    }

    #[test]
    fn a_stretch_is_read_once_in_each_generation() {
        let stretches = Stretches::default();
        assert!(reads(&stretches, 1, 0) && !reads(&stretches, 1, 0) && reads(&stretches, 1, 60));
        assert!(reads(&stretches, 2, 0) && !reads(&stretches, 2, 0));
        // A reader that still sees the older generation reads for itself.
        assert!(reads(&stretches, 1, 0) && reads(&stretches, 1, 0) && !reads(&stretches, 2, 0));
    }
}
