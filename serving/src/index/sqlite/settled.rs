//! Row sets that never change again, kept decoded: most of what a question reads is such.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use twofold_data::minute::Minute;
use twofold_data::partition::Partition;
use twofold_data::view::{RowSet, State, view_index};

use crate::index::body::Head;

/// How much is kept: half of it new or used lately, half of it older (bytes, about).
pub(super) const HALF: usize = 24 << 20;

/// What a row costs beside its key's text, and a set beside its rows (bytes, about).
const ROW: usize = 112;
const SET: usize = 240;
/// What the four sketches of a set cost (bytes, about).
const SKETCHES: usize = 14_000;

/// Which set, and with or without its sketches. A published generation is never changed, and
/// neither is a window of one version once it is closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    view: usize,
    grain: i64,
    start: Minute,
    /// `None` for the batch layer's rows.
    partition: Option<Partition>,
    /// The generation of the batch layer's rows.
    version: u64,
    sketches: bool,
}

impl Name {
    /// The name of a set of the batch layer, as `generation` published it.
    pub(super) fn of_exact(head: &Head, generation: u64, sketches: bool) -> Option<Self> {
        Self::new(head, generation, sketches)
    }

    /// The name of a set of the speed layer; `None` where it may still change.
    pub(super) fn of_speed(head: &Head, sketches: bool) -> Option<Self> {
        if head.state != State::Closed { None } else { Self::new(head, head.version, sketches) }
    }

    fn new(head: &Head, version: u64, sketches: bool) -> Option<Self> {
        Some(Self {
            view: view_index(&head.view)?,
            grain: head.grain.minutes(),
            start: head.start,
            partition: head.partition.clone(),
            version,
            sketches,
        })
    }
}

/// The sets that are kept. What was not asked for while [`HALF`] came in goes.
#[derive(Debug, Default)]
pub(super) struct Settled(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    newer: HashMap<Name, Arc<RowSet>>,
    older: HashMap<Name, Arc<RowSet>>,
    /// Of `newer`, in bytes.
    size: usize,
}

impl Settled {
    /// The set of that name, or what `decode` makes of it.
    pub(super) fn get<E>(
        &self,
        name: Option<Name>,
        decode: impl FnOnce() -> Result<RowSet, E>,
    ) -> Result<Arc<RowSet>, E> {
        let Some(name) = name else { return Ok(Arc::new(decode()?)) };
        if let Some(set) = self.halves().find(&name) {
            return Ok(set);
        }
        let set = Arc::new(decode()?);
        self.halves().keep(name, Arc::clone(&set));
        Ok(set)
    }

    fn halves(&self) -> std::sync::MutexGuard<'_, Halves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Halves {
    fn find(&mut self, name: &Name) -> Option<Arc<RowSet>> {
        if let Some(set) = self.newer.get(name) {
            return Some(Arc::clone(set));
        }
        let (name, set) = self.older.remove_entry(name)?;
        self.keep(name, Arc::clone(&set));
        Some(set)
    }

    fn keep(&mut self, name: Name, set: Arc<RowSet>) {
        self.size += size(&set, name.sketches);
        self.newer.insert(name, set);
        if self.size > HALF {
            self.older = std::mem::take(&mut self.newer);
            self.size = 0;
        }
    }
}

/// What a set costs, in bytes, about.
pub(super) fn size(set: &RowSet, sketches: bool) -> usize {
    let keys: usize = set.rows.iter().map(|row| row.key.len() + ROW).sum();
    let sketches = if sketches && set.summary.is_some() { SKETCHES } else { 0 };
    SET + keys + sketches
}

#[cfg(test)]
mod tests {
    use twofold_data::minute::Grain;

    use super::*;

    fn head(start: i64, version: u64, state: State) -> Head {
        let (view, partition) = ("pages".to_owned(), Some(Partition::new("access", 0)));
        Head { view, grain: Grain::Minute, start: Minute(start), partition, version, state }
    }

    fn set(head: &Head) -> RowSet {
        RowSet {
            view: head.view.clone(),
            grain: head.grain,
            start: head.start,
            partition: head.partition.clone(),
            version: head.version,
            state: head.state,
            rows: Vec::new(),
            floor: 0,
            keys: None,
            summary: None,
        }
    }

    /// Whether asking for the set decodes it.
    fn decodes(settled: &Settled, head: &Head, name: Option<Name>) -> bool {
        let mut decoded = false;
        let decode = || {
            decoded = true;
            Ok::<_, ()>(set(head))
        };
        assert_eq!(*settled.get(name, decode).unwrap(), set(head));
        decoded
    }

    #[test]
    fn what_may_change_is_decoded_each_time() {
        let settled = Settled::default();
        for state in [State::Open, State::Partial] {
            let head = head(1, 7, state);
            assert_eq!(Name::of_speed(&head, false), None);
            assert!(decodes(&settled, &head, None) && decodes(&settled, &head, None));
        }
    }

    #[test]
    fn another_version_layer_or_content_is_another_set() {
        let settled = Settled::default();
        let closed = head(1, 7, State::Closed);
        let names = [
            Name::of_speed(&closed, false),
            Name::of_speed(&closed, true),
            Name::of_speed(&head(1, 8, State::Closed), false),
            Name::of_speed(&head(2, 7, State::Closed), false),
            Name::of_exact(&Head { partition: None, ..head(1, 1, State::Exact) }, 7, false),
        ];
        let mut settled_once = |name: &Option<Name>| {
            decodes(&settled, &closed, name.clone()) && !decodes(&settled, &closed, name.clone())
        };
        assert!(names.iter().all(&mut settled_once));
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_stays() {
        let settled = Settled::default();
        let used = head(0, 1, State::Closed);
        let many = 3 * HALF / SET;
        for start in 0..many as i64 {
            let head = head(start, 1, State::Closed);
            decodes(&settled, &head, Name::of_speed(&head, false));
            if start % 1000 == 0 {
                assert!(!decodes(&settled, &used, Name::of_speed(&used, false)));
            }
        }
        let halves = settled.halves();
        assert!(halves.newer.len() + halves.older.len() <= 2 * (HALF / SET + 1));
    }
}
