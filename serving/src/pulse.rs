//! Whether the parts of this process still make progress.
//!
//! A part says when it begins a step, and how long such a step may take at most. One that takes longer
//! stalls: the index does not answer, say. A part that has nothing to do is in no step, so an idle
//! source is healthy. A stall makes a process *unready*, not dead: it goes on by itself, and a restart
//! would not help.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So long a step may take that waits for the index or a broker.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The steps that go on, by the order in which they began.
static STEPS: Mutex<BTreeMap<u64, Progress>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// How far a step has come.
#[derive(Debug, Clone)]
struct Progress {
    what: &'static str,
    since: Instant,
    patience: Duration,
    trouble: String,
}

/// A step that goes on; it is over when this is dropped.
#[derive(Debug)]
pub struct Step(u64);

impl Step {
    /// A step begins. `what` completes "stalled for 12 s: …".
    #[must_use = "the step is over when it is dropped"]
    pub fn begin(what: &'static str, patience: Duration) -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let progress = Progress { what, since: Instant::now(), patience, trouble: String::new() };
        with(|steps| steps.insert(id, progress));
        Self(id)
    }

    /// It has come further: its patience starts anew.
    pub fn advance(&self) {
        self.change(|progress| progress.since = Instant::now());
    }

    /// Why it takes so long.
    pub fn trouble(&self, why: impl ToString) {
        self.change(|progress| progress.trouble = why.to_string());
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        with(|steps| steps.get_mut(&self.0).map(change));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        with(|steps| steps.remove(&self.0));
    }
}

/// The steps of this process that take too long, in words; empty where all goes well.
pub fn stalled() -> Vec<String> {
    let told = |step: &Progress| {
        let (what, trouble, seconds) = (step.what, &step.trouble, step.since.elapsed().as_secs());
        let why = if trouble.is_empty() { String::new() } else { format!(" ({trouble})") };
        format!("stalled for {seconds} s: {what}{why}")
    };
    let late = |step: &&Progress| step.since.elapsed() > step.patience;
    with(|steps| steps.values().filter(late).map(told).collect())
}

fn with<T>(look: impl FnOnce(&mut BTreeMap<u64, Progress>) -> T) -> T {
    look(&mut STEPS.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a step: others run beside this test.
    fn said(what: &str) -> Option<String> {
        stalled().into_iter().find(|line| line.contains(what))
    }

    #[test]
    fn a_step_stalls_once_its_patience_is_over_and_until_it_is() {
        let patience = Duration::from_millis(20);
        let step = Step::begin("the kettle boils", patience);
        step.trouble("no water");
        assert_eq!(said("kettle"), None);
        std::thread::sleep(patience * 2);
        assert_eq!(said("kettle").unwrap(), "stalled for 0 s: the kettle boils (no water)");
        step.advance();
        assert_eq!(said("kettle"), None, "it has come further");
        std::thread::sleep(patience * 2);
        assert!(said("kettle").is_some());
        drop(step);
        assert_eq!(said("kettle"), None, "it is over");
    }
}
