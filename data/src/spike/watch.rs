//! From verdicts to spikes: one series under watch.

use super::detector::{Detector, Point, Usual, Verdict};
use super::series::Rarity;
use super::stretch::Spike;
use super::tracker::Tracker;
use super::trail::Trail;

/// One series under watch: its detector, and the spike that is open.
#[derive(Debug, Clone)]
pub struct Watch {
    detector: Detector,
    tracker: Tracker,
}

/// A look at points that are not complete yet: nothing is learnt from them.
#[derive(Debug)]
pub struct Ahead<'a> {
    detector: &'a Detector,
    tracker: Tracker,
    trail: Trail,
}

/// What a point has done to a spike.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A new one has begun.
    Opened(Spike),
    /// The open one goes on; or the last one has gone on after a pause.
    Grown(Spike),
    /// The open one is over.
    Closed(Spike),
}

impl Change {
    /// The spike as it is now.
    pub fn spike(&self) -> &Spike {
        match self {
            Self::Opened(spike) | Self::Grown(spike) | Self::Closed(spike) => spike,
        }
    }
}

impl Watch {
    /// Watches a series with so many seconds between two points.
    pub fn new(step: i64) -> Self {
        Self::after(step, 0)
    }

    /// The same, of a series that begins in the midst of something: its first `learning` points open no spike.
    pub fn after(step: i64, learning: u32) -> Self {
        let step = step.max(1);
        Self { detector: Detector::new(step), tracker: Tracker::new(step, learning) }
    }

    /// The same, with a spike opening where a deviation is as rare.
    pub fn with_rarity(mut self, rarity: Rarity) -> Self {
        self.tracker.rarity = rarity;
        self
    }

    /// The open spike.
    pub fn open(&self) -> Option<&Spike> {
        self.tracker.open()
    }

    /// Takes a point: judges it by what came before it, then learns it.
    pub fn push(&mut self, point: &Point, usual: Option<&Usual>) -> (Verdict, Option<Change>) {
        let judged = self.detector.judge(point, usual);
        let verdict = judged.verdict;
        let change = self.tracker.push(point, &verdict, self.detector.counts());
        let state = self.tracker.state(point.at, change.as_ref());
        self.detector.learn(point, &judged, state);
        (verdict, change)
    }

    /// Looks at the points after the last one before they are complete.
    pub fn ahead(&self) -> Ahead<'_> {
        let (tracker, trail) = (self.tracker.clone(), self.detector.trail().clone());
        Ahead { detector: &self.detector, tracker, trail }
    }
}

impl Ahead<'_> {
    /// Takes a point, or a part of one: it may open a spike or let it grow, and is to be given to the watch
    /// when it is complete.
    pub fn push(&mut self, point: &Point, usual: Option<&Usual>) -> (Verdict, Option<Change>) {
        let judged = self.detector.judge_after(&self.trail, point, usual);
        let change = self.tracker.push(point, &judged.verdict, self.detector.counts());
        let state = self.tracker.state(point.at, change.as_ref());
        if point.coverage >= 1.0 {
            judged.leave(&mut self.trail, state);
        }
        (judged.verdict, change)
    }
}
