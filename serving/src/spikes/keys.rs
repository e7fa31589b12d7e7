//! Which hosts and pages are watched: the busiest ones, within a cap.

use std::collections::BTreeMap;

use twofold_data::view::RowSet;

/// So much of the old activity of a key is left after a minute.
const KEEP: f64 = 0.995;

/// A key that is not watched takes the place of the least one if it is so many times as active.
const MUCH: f64 = 2.0;

/// The watched keys of one view, with how active each is.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    cap: usize,
    active: BTreeMap<String, f64>,
}

/// What a minute has changed in the watched keys.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Turnover {
    pub(super) came: Vec<String>,
    pub(super) went: Vec<String>,
}

impl Keys {
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, active: BTreeMap::new() }
    }

    /// Looks at the rows of a minute.
    pub(super) fn see(&mut self, set: Option<&RowSet>) -> Turnover {
        let rows = set.map_or(&[][..], |set| &set.rows);
        let mut turnover = Turnover::default();
        self.active.values_mut().for_each(|active| *active *= KEEP);
        for row in rows.iter().take(self.cap * 2) {
            let requests = row.counts.requests() as f64;
            match self.active.get_mut(&row.key) {
                Some(active) => *active += (1.0 - KEEP) * requests,
                None => self.admit(&row.key, requests, &mut turnover),
            }
        }
        turnover
    }

    fn admit(&mut self, key: &str, requests: f64, turnover: &mut Turnover) {
        if self.active.len() >= self.cap {
            let least = self.active.iter().min_by(|a, b| a.1.total_cmp(b.1));
            let Some((least, active)) = least.map(|(key, active)| (key.clone(), *active)) else {
                return;
            };
            if requests * (1.0 - KEEP) <= active * MUCH {
                return;
            }
            self.active.remove(&least);
            turnover.came.retain(|came| *came != least);
            turnover.went.push(least);
        }
        self.active.insert(key.to_owned(), requests * (1.0 - KEEP));
        turnover.came.push(key.to_owned());
    }
}
