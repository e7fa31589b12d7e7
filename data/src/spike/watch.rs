//! From verdicts to spikes: when one opens, grows and ends.

use std::collections::VecDeque;

use super::detector::{Detector, Point, State, Usual, Verdict};
use super::stretch::{Direction, Ending, Severity, Spike};

/// A spike opens where a deviation is as rare as this: minus a decimal logarithm. Of independent
/// minutes a week has one of 4.0; the tail that is assumed is heavier than theirs.
const RARE: f64 = 4.5;

/// A count that differs by less than this part of what was expected, or from the points before it, is
/// no spike, however sure. So a slow ramp is none.
const MATTERS: f64 = 0.25;

/// A spike ends after so many points that don't belong to it.
const CALM: usize = 3;

/// What begins so few steps after a spike ended belongs to it.
const GAP: i64 = 10;

/// For so long, in seconds, what is expected stays as it was before the spike; then the new
/// level is learnt.
const HOLD: i64 = 7200;

/// So many points are looked at together: those of a deviation, at most 10, and those before it.
const RECENT: usize = 30;

/// One series under watch: its detector, and the spike that is open.
#[derive(Debug, Clone)]
pub struct Watch {
    step: i64,
    detector: Detector,
    /// The last points, the newest last.
    recent: VecDeque<Seen>,
    /// The last spike, open or not.
    spike: Option<Track>,
    /// How many points are still only learnt.
    learning: u32,
}

/// A point that was judged.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: i64,
    value: f64,
    expected: f64,
    deviation: f64,
    score: f64,
    surprise: f64,
}

/// A spike with what is needed to let it grow.
#[derive(Debug, Clone)]
struct Track {
    spike: Spike,
    /// The sum of its deviations.
    deviations: f64,
    /// Points since the last one that belongs to it.
    calm: Vec<Seen>,
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

impl Seen {
    fn new(point: &Point, verdict: &Verdict) -> Self {
        let Point { at, value, .. } = *point;
        let Verdict { expected, deviation, score, surprise, .. } = *verdict;
        Self { at, value, expected, deviation, score, surprise }
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
        let recent = VecDeque::with_capacity(RECENT);
        Self { step, detector: Detector::new(step), recent, spike: None, learning }
    }

    /// The open spike.
    pub fn open(&self) -> Option<&Spike> {
        self.spike.as_ref().map(|track| &track.spike).filter(|spike| !spike.closed)
    }

    /// Takes a point: see [`Detector::push`]. A partial point may open a spike or let it grow, but
    /// it is to be given again when it is complete, to a watch that has not seen it.
    pub fn push(&mut self, point: &Point, usual: Option<&Usual>) -> (Verdict, Option<Change>) {
        let judged = self.detector.judge(point, usual);
        let verdict = judged.verdict;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Seen::new(point, &verdict));
        let change = match self.open() {
            Some(spike) if turned(spike, &verdict) => self.cut_off(),
            Some(_) => self.go_on(),
            None if self.learning > 0 => None,
            None => self.begin(&verdict),
        };
        self.learning = self.learning.saturating_sub(1);
        self.detector.learn(point, &judged, self.state(point.at, change.as_ref()));
        (verdict, change)
    }

    /// In what state a point is learnt, after what it has changed.
    fn state(&self, at: i64, change: Option<&Change>) -> State {
        let hold = HOLD.max(3 * self.step);
        match (self.open(), change) {
            (_, Some(Change::Opened(_))) => State::Onset,
            (Some(spike), _) if at - spike.start < hold => State::Spike,
            _ => State::Calm,
        }
    }

    /// Opens a spike where a deviation is rare and large enough.
    fn begin(&mut self, verdict: &Verdict) -> Option<Change> {
        let direction = verdict.direction.filter(|_| verdict.surprise >= RARE)?;
        let first = self.recent.len().saturating_sub(verdict.lasting);
        let sign = if direction == Direction::Up { 1.0 } else { -1.0 };
        let mut points = self.recent.iter().skip(first).copied().collect::<Vec<_>>();
        while points.len() > 1 && points[0].deviation * sign < 1.0 {
            points.remove(0);
        }
        let before = self.recent.len() - points.len();
        if !self.matters(&points) || !self.sudden(&points, before, sign) {
            return None;
        }
        let near = |track: &&mut Track| {
            let spike = &track.spike;
            spike.direction == direction && points[0].at - spike.end <= GAP * self.step
        };
        if let Some(track) = self.spike.as_mut().filter(near) {
            track.spike.closed = false;
            track.spike.ending = None;
            points.retain(|seen| seen.at >= track.spike.end);
            points.iter().for_each(|seen| track.add(seen, self.step));
            return Some(Change::Grown(track.spike.clone()));
        }
        let mut track = Track::new(direction, &points[0]);
        points.iter().for_each(|seen| track.add(seen, self.step));
        let spike = track.spike.clone();
        self.spike = Some(track);
        Some(Change::Opened(spike))
    }

    /// Whether the difference is worth the attention.
    fn matters(&self, points: &[Seen]) -> bool {
        let observed: f64 = points.iter().map(|seen| seen.value).sum();
        let expected: f64 = points.iter().map(|seen| seen.expected).sum();
        !self.detector.counts() || (observed - expected).abs() >= MATTERS * expected
    }

    /// Whether the points differ from the `before` ones that came before them.
    fn sudden(&self, points: &[Seen], before: usize, sign: f64) -> bool {
        let mean = |sum: f64, count: usize| sum / count.max(1) as f64;
        let level = mean(self.recent.iter().take(before).map(|seen| seen.value).sum(), before);
        let observed = mean(points.iter().map(|seen| seen.value).sum(), points.len());
        !self.detector.counts() || before == 0 || (observed - level) * sign >= MATTERS * level
    }

    /// Ends the open spike at once; what goes the other way opens its own with the next point.
    fn cut_off(&mut self) -> Option<Change> {
        let track = self.spike.as_mut()?;
        track.end();
        Some(Change::Closed(track.spike.clone()))
    }

    /// Lets the open spike grow by a point, or end.
    fn go_on(&mut self) -> Option<Change> {
        let seen = *self.recent.back()?;
        let track = self.spike.as_mut()?;
        if track.holds(&seen) {
            for calm in std::mem::take(&mut track.calm) {
                track.add(&calm, self.step);
            }
            track.add(&seen, self.step);
            return Some(Change::Grown(track.spike.clone()));
        }
        track.calm.push(seen);
        if track.calm.len() < CALM {
            return None;
        }
        track.end();
        Some(Change::Closed(track.spike.clone()))
    }
}

/// Whether a spike turns into its opposite.
fn turned(spike: &Spike, verdict: &Verdict) -> bool {
    let opposite = verdict.direction.is_some_and(|direction| direction != spike.direction);
    opposite && verdict.surprise >= RARE
}

impl Track {
    fn new(direction: Direction, first: &Seen) -> Self {
        let spike = Spike {
            start: first.at,
            end: first.at,
            closed: false,
            ending: None,
            steps: 0,
            observed: 0.0,
            expected: 0.0,
            peak: first.value,
            peak_at: first.at,
            score: 0.0,
            surprise: 0.0,
            direction,
            severity: Severity::Notice,
        };
        Self { spike, deviations: 0.0, calm: Vec::new() }
    }

    fn sign(&self) -> f64 {
        if self.spike.direction == Direction::Up { 1.0 } else { -1.0 }
    }

    /// Whether a point belongs to the spike rather than to what was expected.
    fn holds(&self, seen: &Seen) -> bool {
        let mean = self.deviations / self.spike.steps.max(1) as f64;
        seen.deviation * self.sign() >= (mean / 2.0).clamp(1.5, 4.0)
    }

    fn add(&mut self, seen: &Seen, step: i64) {
        let sign = self.sign();
        let spike = &mut self.spike;
        let before = spike.steps as f64;
        let mean = |old: f64, new: f64| (old * before + new) / (before + 1.0);
        spike.observed = mean(spike.observed, seen.value);
        spike.expected = mean(spike.expected, seen.expected);
        spike.steps += 1;
        spike.end = seen.at + step;
        if (seen.value - spike.peak) * sign > 0.0 {
            (spike.peak, spike.peak_at) = (seen.value, seen.at);
        }
        spike.score = spike.score.max(seen.score);
        spike.surprise = spike.surprise.max(seen.surprise);
        spike.rate();
        self.deviations += seen.deviation * sign;
    }

    fn end(&mut self) {
        let spike = &mut self.spike;
        let calm = self.calm.len().max(1) as f64;
        let last: f64 = self.calm.iter().map(|seen| seen.value).sum::<f64>() / calm;
        let as_in_it = (last - spike.observed).abs() < (last - spike.expected).abs();
        spike.ending = Some(if as_in_it { Ending::Learnt } else { Ending::Back });
        spike.closed = true;
        self.calm.clear();
    }
}
