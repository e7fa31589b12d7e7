//! Requests by class: what a window's traffic and its statuses add up to.

use super::toplist::Top;
use crate::facts::Facts;
use crate::view::{Class, Counts, Row, status_key};

/// Requests and bytes of each [`Class`], of which a window has a handful: one addition counts a
/// request for every view that is keyed by nothing but its class.
#[derive(Debug, Clone, Default)]
pub(super) struct Classes(Vec<Sum>);

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    requests: u64,
    bytes: u64,
}

impl Classes {
    /// Counts a request whose class has this number.
    #[inline]
    pub fn add(&mut self, class: usize, facts: &Facts<'_>) {
        if self.0.is_empty() {
            self.0.resize(Class::COUNT, Sum::default());
        }
        if let Some(sum) = self.0.get_mut(class) {
            sum.requests += 1;
            sum.bytes = sum.bytes.saturating_add(facts.bytes);
        }
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.0.fill(Sum::default());
    }

    pub fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        for (ours, theirs) in self.0.iter_mut().zip(&other.0) {
            ours.requests += theirs.requests;
            ours.bytes = ours.bytes.saturating_add(theirs.bytes);
        }
    }

    /// The one row of the view at this position, which has no key.
    pub fn total(&self, view: usize) -> Top {
        let mut counts = Counts::default();
        self.of(view).for_each(|(_, sum)| counts += &sum);
        let row = Row { key: String::new(), counts, missed: 0 };
        Top { rows: vec![row], floor: 0, keys: Some(1) }
    }

    /// The rows of the view at this position, which is keyed by the status.
    pub fn statuses(&self, view: usize) -> Top {
        let mut rows: Vec<Row> = Vec::new();
        for (status, sum) in self.of(view) {
            let key = status_key(status);
            match rows.last_mut().filter(|row| row.key == key) {
                Some(row) => row.counts += &sum,
                None => rows.push(Row { key: key.to_owned(), counts: sum, missed: 0 }),
            }
        }
        rows.sort_by(|a, b| {
            b.counts.requests().cmp(&a.counts.requests()).then_with(|| a.key.cmp(&b.key))
        });
        Top { keys: Some(rows.len() as u64), rows, floor: 0 }
    }

    /// Status and sum of each class that the view at this position counts, by status.
    fn of(&self, view: usize) -> impl Iterator<Item = (u16, Counts)> {
        let classes = self.0.iter().zip(Class::all()).enumerate();
        let counted = classes.filter(|(_, (sum, _))| sum.requests > 0);
        let admitted = counted.filter(move |(_, (_, class))| class.admitted_by(view));
        admitted.map(|(at, (sum, class))| (Class::status(at), class.sum(sum.requests, sum.bytes)))
    }
}
