//! What requests of one status and kind have in common: computed once, not for each request.

use std::sync::LazyLock;

use super::{Amount, Counts, MEASURES, VIEWS};
use crate::facts::{Facts, Kind};

/// What the measures and views make of a status and a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// What is added whatever the size.
    ones: Counts,
    /// All bits for a measure that adds up the size.
    sized: Counts,
    /// A bit for each of [`VIEWS`] that counts the request.
    views: u32,
}

/// Statuses have three digits; a larger number counts as the last of them.
const STATUSES: usize = 1000;

const KINDS: [Kind; 3] = [Kind::Human, Kind::Bot, Kind::Unknown];

static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(|| {
    let statuses = 0..STATUSES as u16;
    statuses.flat_map(|status| KINDS.map(|kind| Class::new(status, kind))).collect()
});

impl Class {
    /// How many classes there are.
    pub const COUNT: usize = STATUSES * KINDS.len();

    /// The number of a request's class, below [`Self::COUNT`].
    #[inline]
    pub fn index(facts: &Facts<'_>) -> usize {
        usize::from(facts.status).min(STATUSES - 1) * KINDS.len() + facts.kind as usize
    }

    /// The status that all requests of a class have.
    pub fn status(index: usize) -> u16 {
        (index / KINDS.len()) as u16
    }

    /// Every class, in the order of their numbers.
    #[inline]
    pub fn all() -> &'static [Self] {
        &CLASSES
    }

    fn new(status: u16, kind: Kind) -> Self {
        let facts = Facts { status, kind, ..Facts::default() };
        let mut class = Self { ones: Counts::default(), sized: Counts::default(), views: 0 };
        for (at, measure) in MEASURES.iter().enumerate().filter(|(_, m)| m.only.admits(&facts)) {
            match measure.add {
                Amount::One => class.ones.0[at] = 1,
                Amount::Bytes => class.sized.0[at] = u64::MAX,
            }
        }
        let admitted = VIEWS.iter().enumerate().filter(|(_, view)| view.only.admits(&facts));
        class.views = admitted.fold(0, |views, (at, _)| views | 1 << at);
        class
    }

    /// What one request of this size adds to each measure.
    #[inline]
    pub fn counts(&self, bytes: u64) -> Counts {
        Counts(std::array::from_fn(|at| self.ones.0[at] | self.sized.0[at] & bytes))
    }

    /// What so many requests of this size together add to each measure.
    pub fn sum(&self, requests: u64, bytes: u64) -> Counts {
        Counts(std::array::from_fn(|at| {
            self.ones.0[at].saturating_mul(requests) | (self.sized.0[at] & bytes)
        }))
    }

    /// Whether the view at this position of [`VIEWS`] counts the request.
    #[inline]
    pub fn admitted_by(&self, view: usize) -> bool {
        self.views >> view & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_what_measures_and_views_declare() {
        for status in [0, 200, 304, 404, 499, 500, 599, 600, 999, 1000, u16::MAX] {
            for kind in KINDS {
                let facts = Facts { status, kind, bytes: 17, ..Facts::default() };
                let class = &Class::all()[Class::index(&facts)];
                assert_eq!(class.counts(17), Counts::of(&facts), "{status} {kind:?}");
                let mut thrice = Counts::default();
                (0..3).for_each(|_| thrice += &class.counts(17));
                assert_eq!(class.sum(3, 51), thrice, "{status} {kind:?}");
                for (at, view) in VIEWS.iter().enumerate() {
                    assert_eq!(class.admitted_by(at), view.only.admits(&facts), "{}", view.name);
                }
            }
        }
    }
}
