//! Sizes and durations: every value of an hour, minute by minute.

use twofold_data::window::sketch::Quantiles;

/// Values by minute of the hour.
#[derive(Debug)]
pub struct Values(Vec<Vec<u64>>);

impl Default for Values {
    fn default() -> Self {
        Self(vec![Vec::new(); 60])
    }
}

impl Values {
    /// Adds values with their minutes.
    pub fn add(&mut self, values: impl Iterator<Item = (u32, u64)>) {
        values.for_each(|(minute, value)| self.0[minute as usize % 60].push(value));
    }

    /// p50, p90, p95 and p99 of a minute by nearest rank, where it has values; the sketch sees
    /// each of them, and they are in order from then on.
    pub fn ranked(&mut self, minute: u32, sketch: &mut Quantiles) -> Option<[u64; 4]> {
        let values = self.0.get_mut(minute as usize)?;
        values.iter().for_each(|value| sketch.update(*value));
        values.sort_unstable();
        nearest(values.len(), |rank| values[rank])
    }

    /// All values with how often each occurs, in order.
    pub fn counted(&self) -> Vec<(u64, u64)> {
        // The stable sort merges what is in order already: the minutes.
        let mut all = self.0.concat();
        all.sort();
        all.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect()
    }
}

/// The values at the nearest ranks of p50, p90, p95 and p99 in a histogram, which
/// is in order of values; one may stand in it more than once.
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
fn nearest(count: usize, at: impl Fn(usize) -> u64) -> Option<[u64; 4]> {
    (count > 0).then(|| [50, 90, 95, 99].map(|percent| at((count * percent).div_ceil(100) - 1)))
}
