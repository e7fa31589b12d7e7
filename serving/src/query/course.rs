//! The course of a top list's rows over time.

use std::sync::Arc;

use twofold_data::view::RowSet;

use super::top::{Top, value};
use super::{Range, series::numbers};

/// The sets of each step, kept until it is known which rows the list shows. They are as many
/// as the index holds for the range at the step's grain.
pub(super) struct Course {
    /// The minutes of a step.
    pub(super) step: i64,
    first: i64,
    /// For each step its sets, and what a key without a row can have at most.
    steps: Vec<(Vec<Arc<RowSet>>, u64)>,
    by: usize,
}

impl Course {
    /// An empty course over `range`, of the measure at the position `by`.
    pub(super) fn new(range: Range, by: usize) -> Self {
        let step = step(range);
        let numbers = numbers(range, step);
        let steps = numbers.clone().map(|_| (Vec::new(), 0)).collect();
        Self { step, first: numbers.start, steps, by }
    }

    /// The course of which only the steps within `known` are known.
    pub(super) fn within(mut self, known: Range) -> Self {
        let numbers = numbers(known, self.step);
        for (number, (_, floor)) in (self.first..).zip(&mut self.steps) {
            if !numbers.contains(&number) {
                *floor = u64::MAX;
            }
        }
        self
    }

    /// Adds a set.
    pub(super) fn add(&mut self, set: Arc<RowSet>) {
        let at = set.start.0.div_euclid(self.step) - self.first;
        let step = usize::try_from(at).ok().and_then(|at| self.steps.get_mut(at));
        if let Some((sets, floor)) = step {
            *floor = floor.saturating_add(set.floor);
            sets.push(set);
        }
    }

    /// Tells the course of each row that the list shows.
    pub(super) fn tell(&self, top: &mut Top) {
        top.trend_step = Some(self.step);
        for row in &mut top.rows {
            row.trend = Some(self.steps.iter().map(|step| self.of(step, &row.key)).collect());
        }
    }

    fn of(&self, (sets, floor): &(Vec<Arc<RowSet>>, u64), key: &str) -> Option<u64> {
        let rows = sets.iter().flat_map(|set| &set.rows).filter(|row| row.key == key);
        let found = rows.map(|row| value(row, self.by)).reduce(u64::saturating_add);
        found.or((*floor == 0).then_some(0))
    }
}

/// Steps by which a day costs no more reading than its sum does: hours for hours, days for days.
fn step(range: Range) -> i64 {
    let minutes = range.to.0.0.saturating_sub(range.from.0.0);
    match minutes {
        ..=30 => 1,
        31..=120 => 5,
        121..=2880 => 60,
        _ => 1440 * (minutes / 1440 / 60 + 1),
    }
}

#[cfg(test)]
mod tests {
    use twofold_data::minute::Minute;

    use super::*;

    #[test]
    fn a_course_has_a_few_dozen_points() {
        for minutes in [1, 30, 31, 120, 121, 1440, 2880, 2881, 10_080, 525_600, 5_256_000] {
            let range = Range::new(Minute(7), Minute(7 + minutes));
            let points = Course::new(range, 0).steps.len();
            assert!((1..=62).contains(&points), "{points} points for {minutes} minutes");
        }
    }
}
