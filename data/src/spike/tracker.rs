//! When a spike opens, grows and ends.

use std::collections::VecDeque;

use super::detector::{Point, State, Verdict};
use super::series::Rarity;
use super::stretch::{Direction, Ending, Severity, Spike};
use super::trail::LONGEST;
use super::watch::Change;

/// A count that differs by less than this part of what was expected, or from the points before it, is
/// no spike, however sure. So a slow ramp is none.
const MATTERS: f64 = 0.25;

/// A point that deviates by fewer standard deviations is none of those with which a spike begins, unless
/// the ones before it are.
const PART: f64 = 0.8;

/// By how many standard deviations a spike differs from the points before it.
const SURE: f64 = 4.0;

/// Where the mean of those deviates by more than `FREE` of its standard deviations in the same direction, something is on its
/// way already, as on a slow ramp: for each more a spike differs by so many more, at most by `MORE`.
const ON_THE_WAY: f64 = 0.5;
const FREE: f64 = 1.5;
const MORE: f64 = 2.0;

/// Single points before it are believed to deviate by at most so many standard deviations.
const CLIP: f64 = 3.0;

/// A spike ends after so many points that don't belong to it.
const CALM: usize = 3;

/// What begins so few steps after a spike ended belongs to it.
const GAP: i64 = 10;

/// For so long, in seconds, what is expected stays as it was before the spike; then the new
/// level is learnt.
const HOLD: i64 = 7200;

/// So many points are looked at together: those of a deviation and those before it.
const RECENT: usize = LONGEST + BEFORE;

/// So many points before a deviation are held against it.
const BEFORE: usize = 30;

/// What stands out of one series: the last points, and the spike that is open.
#[derive(Debug, Clone)]
pub(super) struct Tracker {
    step: i64,
    /// A spike opens where a deviation is as rare.
    pub(super) rarity: Rarity,
    /// The last points, the newest last.
    recent: VecDeque<Seen>,
    /// The last spike, open or not.
    spike: Option<Track>,
    /// How many points open no spike yet.
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

impl Seen {
    fn new(point: &Point, verdict: &Verdict) -> Self {
        let Point { at, value, .. } = *point;
        let Verdict { expected, deviation, score, surprise, .. } = *verdict;
        Self { at, value, expected, deviation, score, surprise }
    }
}

impl Tracker {
    /// Of a series with so many seconds between two points; its first `learning` points open no spike.
    pub(super) fn new(step: i64, learning: u32) -> Self {
        let recent = VecDeque::with_capacity(RECENT);
        Self { step, rarity: Rarity::default(), recent, spike: None, learning }
    }

    /// The open spike.
    pub(super) fn open(&self) -> Option<&Spike> {
        self.spike.as_ref().map(|track| &track.spike).filter(|spike| !spike.closed)
    }

    /// Takes a point that was judged; of `counts`, small differences are none.
    pub(super) fn push(
        &mut self,
        point: &Point,
        verdict: &Verdict,
        counts: bool,
    ) -> Option<Change> {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Seen::new(point, verdict));
        let change = match self.open() {
            Some(spike) if self.turned(spike, verdict) => self.cut_off(),
            Some(_) => self.go_on(),
            None if self.learning > 0 => None,
            None => self.begin(verdict, counts),
        };
        self.learning = self.learning.saturating_sub(1);
        change
    }

    /// In what state a point is learnt, after what it has changed.
    pub(super) fn state(&self, at: i64, change: Option<&Change>) -> State {
        let hold = HOLD.max(3 * self.step);
        match (self.open(), change) {
            (_, Some(Change::Opened(_))) => State::Onset,
            (Some(spike), _) if at - spike.start < hold => State::Spike,
            _ => State::Calm,
        }
    }

    /// The direction in which a point deviates, if that is rare.
    fn rare(&self, verdict: &Verdict) -> Option<Direction> {
        verdict.direction.filter(|direction| verdict.surprise >= self.rarity.of(*direction))
    }

    /// Whether a spike turns into its opposite.
    fn turned(&self, spike: &Spike, verdict: &Verdict) -> bool {
        self.rare(verdict).is_some_and(|direction| direction != spike.direction)
    }

    /// Opens a spike where a deviation is rare and large enough.
    fn begin(&mut self, verdict: &Verdict, counts: bool) -> Option<Change> {
        let direction = self.rare(verdict)?;
        let sign = direction.sign();
        let mut points = self.beginning(verdict.lasting, sign);
        let before = self.recent.len() - points.len();
        let large = !counts || (matters(&points) && self.sudden(&points, before, sign));
        if !large {
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

    /// Of the last points, at most so many, those that belong to what has begun: from where on their
    /// deviations, less what is usual, add up to most.
    fn beginning(&self, most: usize, sign: f64) -> Vec<Seen> {
        let (mut sum, mut best) = (0.0, (f64::MIN, 1));
        for (index, seen) in self.recent.iter().rev().take(most).enumerate() {
            sum += seen.deviation * sign - PART;
            if sum > best.0 {
                best = (sum, index + 1);
            }
        }
        let first = self.recent.len().saturating_sub(best.1);
        self.recent.iter().skip(first).copied().collect()
    }

    /// Whether the points differ from the `before` ones that came before them, by more than chance, too:
    /// on a slow ramp everything lies above what was expected.
    fn sudden(&self, points: &[Seen], before: usize, sign: f64) -> bool {
        let earlier = || self.recent.iter().take(before).rev().take(BEFORE);
        let many = earlier().count() as f64;
        if many == 0.0 {
            return true;
        }
        let count = points.len() as f64;
        let level = earlier().map(|seen| seen.value).sum::<f64>() / many;
        let observed = points.iter().map(|seen| seen.value).sum::<f64>() / count;
        let length = count / LONGEST as f64;
        let large = (observed - level) * sign >= MATTERS * (1.0 + 0.5 * length) * level;
        let usual = earlier().map(|seen| seen.deviation.clamp(-CLIP, CLIP)).sum::<f64>() / many;
        let here = points.iter().map(|seen| seen.deviation).sum::<f64>() / count;
        let chance = (1.0 / count + 1.0 / many).sqrt();
        let sure = sure(usual * sign, many) * (1.0 - 0.1 * length);
        large && (here - usual) * sign >= sure * chance
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

/// By how many standard deviations a spike differs from so many points before it, which deviate by `usual` of them in its
/// direction on average.
fn sure(usual: f64, many: f64) -> f64 {
    SURE + (ON_THE_WAY * (usual * many.sqrt() - FREE).max(0.0)).min(MORE)
}

/// Whether the difference is worth the attention.
fn matters(points: &[Seen]) -> bool {
    let observed: f64 = points.iter().map(|seen| seen.value).sum();
    let expected: f64 = points.iter().map(|seen| seen.expected).sum();
    (observed - expected).abs() >= MATTERS * expected
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

    /// Whether a point belongs to the spike rather than to what was expected.
    fn holds(&self, seen: &Seen) -> bool {
        let mean = self.deviations / self.spike.steps.max(1) as f64;
        seen.deviation * self.spike.direction.sign() >= (mean / 2.0).clamp(1.5, 4.0)
    }

    fn add(&mut self, seen: &Seen, step: i64) {
        let spike = &mut self.spike;
        let sign = spike.direction.sign();
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
