//! Sizes and durations: every value of an hour, minute by minute.

use twofold_data::window::sketch::Quantiles;

/// Values by minute of the hour, each with how often it occurs: sizes repeat, so that memory grows
/// with the distinct ones and not with the requests.
#[derive(Debug)]
pub struct Values(Vec<Counted>);

impl Default for Values {
    fn default() -> Self {
        Self((0..60).map(|_| Counted::default()).collect())
    }
}

impl Values {
    /// Adds values with their minutes.
    pub fn add(&mut self, values: impl Iterator<Item = (u32, u64)>) {
        values.for_each(|(minute, value)| self.0[minute as usize % 60].push(value));
    }

    /// p50, p90, p95 and p99 of a minute by nearest rank, where it has values; the sketch sees
    /// each of them.
    pub fn ranked(&mut self, minute: u32, sketch: &mut Quantiles) -> Option<[u64; 4]> {
        let counted = self.0.get_mut(minute as usize)?.settle();
        for (value, count) in counted {
            (0..*count).for_each(|_| sketch.update(*value));
        }
        percentiles(counted)
    }

    /// All values with how often each occurs, in order.
    pub fn counted(&mut self) -> Vec<(u64, u64)> {
        let mut all: Vec<(u64, u64)> = Vec::new();
        self.0.iter_mut().for_each(|minute| all.extend_from_slice(minute.settle()));
        // The stable sort merges what is in order already: the minutes.
        all.sort_by_key(|(value, _)| *value);
        joined(&all)
    }
}

/// So many values wait at least before they are counted.
const RECENT: usize = 1 << 14;

/// The values of a minute.
#[derive(Debug, Default)]
struct Counted {
    recent: Vec<u64>,
    /// In order, each once.
    counted: Vec<(u64, u64)>,
}

impl Counted {
    /// Counts what waits as soon as it is more than what is counted, so that the work is that of a sort.
    fn push(&mut self, value: u64) {
        self.recent.push(value);
        if self.recent.len() >= RECENT.max(self.counted.len()) {
            self.settle();
        }
    }

    fn settle(&mut self) -> &[(u64, u64)] {
        if !self.recent.is_empty() {
            self.recent.sort_unstable();
            let runs = self.recent.chunk_by(|a, b| a == b);
            self.counted.extend(runs.map(|run| (run[0], run.len() as u64)));
            self.recent.clear();
            self.counted.sort_by_key(|(value, _)| *value);
            self.counted = joined(&self.counted);
        }
        &self.counted
    }
}

/// Values in order, of which the equal ones are added up.
fn joined(values: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let runs = values.chunk_by(|a, b| a.0 == b.0);
    runs.map(|run| (run[0].0, run.iter().map(|(_, count)| count).sum())).collect()
}

/// The values at the nearest ranks of p50, p90, p95 and p99 in a histogram.
pub fn percentiles(counted: &[(u64, u64)]) -> Option<[u64; 4]> {
    let mut through = 0;
    let ends: Vec<u64> = counted
        .iter()
        .map(|(_, count)| {
            through += count;
            through
        })
        .collect();
    nearest(through as usize, |rank| counted[ends.partition_point(|end| *end <= rank as u64)].0)
}

/// The values at the nearest ranks of p50, p90, p95 and p99 among `count`.
pub fn nearest(count: usize, at: impl Fn(usize) -> u64) -> Option<[u64; 4]> {
    (count > 0).then(|| [50, 90, 95, 99].map(|percent| at((count * percent).div_ceil(100) - 1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counted_values_are_ranked_as_all_of_them(
            values in prop::collection::vec((0u32..3, 0u64..50), 1..200),
            settle_after in prop::collection::vec(any::<bool>(), 200),
        ) {
            let mut counted = Values::default();
            for (value, settle) in values.iter().zip(settle_after) {
                counted.add([*value].into_iter());
                if settle {
                    counted.0[value.0 as usize].settle();
                }
            }
            for minute in 0..3 {
                let mut all: Vec<u64> =
                    values.iter().filter(|(of, _)| *of == minute).map(|(_, value)| *value).collect();
                all.sort_unstable();
                let mut sketch = Quantiles::default();
                let ranked = counted.ranked(minute, &mut sketch);
                prop_assert_eq!(ranked, nearest(all.len(), |rank| all[rank]));
                prop_assert_eq!(sketch.count(), all.len() as u64);
            }
            let mut all: Vec<u64> = values.iter().map(|(_, value)| *value).collect();
            all.sort_unstable();
            let expected: Vec<(u64, u64)> =
                all.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect();
            prop_assert_eq!(counted.counted(), expected);
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_requests() {
        let mut values = Values::default();
        values.add((0..10 * RECENT as u64).map(|number| (0, number % 100)));
        assert!(values.0[0].recent.capacity() <= 2 * RECENT);
        assert_eq!(values.counted().len(), 100);
    }
}
