//! The detector of one series: judges a point by what came before it, then learns it.

use super::damper::{Damper, FRESH};
use super::forecast::{Forecasts, Lesson, Said};
use super::level::Level;
use super::novelty::{Novel, Novelty};
use super::scale::Scale;
use super::stretch::Direction;
use super::surprise::{Deviations, Surprise};
use super::trail::{LENGTHS, Mean, Trail};

/// One observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The start of its step: seconds since the Unix epoch.
    pub at: i64,
    /// What was observed.
    pub value: f64,
    /// The part of the step that has been observed, 0 to 1. Of a part only a rise is judged, and
    /// nothing is learnt.
    pub coverage: f64,
}

impl Point {
    /// A step that is complete.
    pub fn whole(at: i64, value: f64) -> Self {
        Self { at, value, coverage: 1.0 }
    }
}

/// What history says of a time of the week: see [`super::History`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// A robust centre of what was observed.
    pub centre: f64,
    /// A robust standard deviation of what was observed.
    pub spread: f64,
}

/// What the detector says of a point.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Verdict {
    /// How much it stands out, 0 to 1: near 1 where nothing like it was seen before. What
    /// follows shortly on a high score, and is no more than that, scores low.
    pub score: f64,
    /// What was expected, of the part of the step that was observed.
    pub expected: f64,
    /// Minus the decimal logarithm of how often it deviates as much by chance, alone or with the
    /// points before it.
    pub surprise: f64,
    /// How many points that deviation lasts already.
    pub lasting: usize,
    /// Above or below what was expected.
    pub direction: Option<Direction>,
    /// By how many standard deviations this point alone deviates.
    pub deviation: f64,
}

/// Points further off than this many standard deviations are learnt as if they were not.
const CLIP: f64 = 3.0;

/// So many times a count that was expected is a huge spike.
const HUGE: f64 = 3.0;

/// How many points are only learnt before the first is judged.
const WARM_UP: f64 = 10.0;

/// The detector of one series of a regular step. Its memory does not grow with the series.
#[derive(Debug, Clone)]
pub struct Detector {
    step: i64,
    scale: Scale,
    seen: f64,
    forecasts: Forecasts,
    trail: Trail,
    surprise: Surprise,
    novelty: Novelty,
    damper: Damper,
    /// The mean size of a value, on the scale.
    size: Level,
}

/// A point that was judged, and what is to be learnt from it.
#[derive(Debug)]
pub struct Judged {
    /// What the detector says of it.
    pub verdict: Verdict,
    placed: Placed,
}

/// In what state of the series a point is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing is the matter.
    Calm,
    /// A spike begins at the point: of its size it teaches only so much that a series which
    /// always has spikes gets used to them.
    Onset,
    /// A spike goes on: what is expected stays as it is, so that the spike doesn't become the
    /// measure of itself.
    Spike,
}

/// A point on the scale, and what follows from it.
#[derive(Debug)]
struct Placed {
    place: f64,
    said: Said,
    expected: f64,
    means: [Mean; LENGTHS.len()],
    /// The standard deviation over each length, and the deviation in it.
    spreads: Deviations,
    deviations: Deviations,
    novelty: Novel,
}

impl Judged {
    /// Leaves the point in the trail of those after it.
    pub(super) fn leave(&self, trail: &mut Trail, state: State) {
        self.placed.leave(trail, state);
    }
}

impl Placed {
    /// What belongs to a spike leaves no trace in the means after it.
    fn leave(&self, trail: &mut Trail, state: State) {
        let place = if state == State::Calm { self.place } else { self.expected };
        trail.push(place, self.said);
    }
}

impl Detector {
    /// The detector of a series with so many seconds between two points.
    pub fn new(step: i64) -> Self {
        Self::on(Scale::Counts, step.max(1))
    }

    fn on(scale: Scale, step: i64) -> Self {
        Self {
            step,
            scale,
            seen: 0.0,
            forecasts: Forecasts::new(step),
            trail: Trail::default(),
            surprise: Surprise::default(),
            novelty: Novelty::default(),
            damper: Damper::default(),
            size: Level::new(0.001),
        }
    }

    /// Judges a point by what came before it, and learns nothing.
    pub fn judge(&self, point: &Point, usual: Option<&Usual>) -> Judged {
        self.judge_after(&self.trail, point, usual)
    }

    /// The last points.
    pub(super) fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Judges a point that comes after those of `trail`.
    pub(super) fn judge_after(
        &self,
        trail: &Trail,
        point: &Point,
        usual: Option<&Usual>,
    ) -> Judged {
        let placed = self.place(trail, point, usual);
        Judged { verdict: self.verdict(point, &placed), placed }
    }

    /// Learns a point that was judged.
    pub fn learn(&mut self, point: &Point, judged: &Judged, state: State) {
        if !self.scale.admits(point.value) {
            // A series that turns out not to consist of counts starts again.
            *self = Self::on(Scale::Reals, self.step);
            let judged = self.judge(point, None);
            self.take(point.at, &judged.placed, State::Calm);
        } else if point.coverage >= 1.0 {
            self.take(point.at, &judged.placed, state);
        }
    }

    /// Whether the series consists of counts.
    pub fn counts(&self) -> bool {
        self.scale == Scale::Counts
    }

    fn place(&self, trail: &Trail, point: &Point, usual: Option<&Usual>) -> Placed {
        let place = self.scale.to(point.value);
        let said = self.forecasts.say(point.at, usual.map(|usual| self.scale.to(usual.centre)));
        let (whole, apart) = match self.seen {
            0.0 => (place, 0.0),
            _ => self.forecasts.together(0, &said.next()),
        };
        let expected = match point.coverage {
            part if part < 1.0 => self.scale.to(self.scale.from(whole) * part),
            _ => whole,
        };
        let floor = self.floor(usual);
        let means = trail.means(place, &said);
        let (mut spreads, mut deviations) = (Deviations::default(), Deviations::default());
        for (length, mean) in means.iter().enumerate() {
            let (expected, apart) = match length {
                0 => (expected, apart),
                _ => self.forecasts.together(length, &mean.expected),
            };
            let least = (floor / (LENGTHS[length] as f64).sqrt()).hypot(apart);
            spreads[length] = self.surprise.spread(length, least);
            deviations[length] = (mean.observed - expected) / spreads[length];
        }
        let novelty = self.novelty.of(place - expected, floor);
        Placed { place, said, expected, means, spreads, deviations, novelty }
    }

    /// The least standard deviation that is believed: history knows where a week is restless.
    fn floor(&self, usual: Option<&Usual>) -> f64 {
        let least = self.scale.floor(self.size.value);
        let spread = usual.map_or(0.0, |usual| {
            self.scale.to(usual.centre + usual.spread) - self.scale.to(usual.centre)
        });
        least.max(spread)
    }

    fn verdict(&self, point: &Point, placed: &Placed) -> Verdict {
        let expected = self.scale.from(placed.expected);
        if self.seen < WARM_UP {
            return Verdict { expected, ..Verdict::default() };
        }
        // Of a part only a rise is judged, and the point alone.
        let partial = point.coverage < 1.0;
        let counts = |index| !partial || (index == 0 && placed.deviations[0] > 0.0);
        let (most, surprise) = self.surprise.most(&placed.deviations, counts);
        let direction = match placed.deviations[most] {
            some if some > 0.0 => Some(Direction::Up),
            some if some < 0.0 => Some(Direction::Down),
            _ => None,
        };
        Verdict {
            score: self.damper.score(self.novelty.value(&placed.novelty)),
            expected,
            surprise,
            lasting: LENGTHS[most],
            direction,
            deviation: placed.deviations[0],
        }
    }

    fn lesson(&self, placed: &Placed, state: State) -> Lesson {
        let huge = || self.scale.from(placed.place) > HUGE * self.scale.from(placed.expected);
        match state {
            State::Calm => Lesson::Calm,
            State::Onset | State::Spike if self.counts() && huge() => Lesson::Huge,
            State::Onset | State::Spike => Lesson::Spike,
        }
    }

    fn take(&mut self, at: i64, placed: &Placed, state: State) {
        let fresh = self.damper.age() > FRESH || self.seen < 50.0;
        self.damper.learn(self.novelty.value(&placed.novelty));
        self.novelty.learn(&placed.novelty, fresh);
        self.surprise.learn(&placed.deviations, &placed.spreads, state);
        let calm = state == State::Calm;
        let limits = placed.spreads.map(|spread| CLIP * spread);
        let lesson = self.lesson(placed, state);
        self.forecasts.learn(at, placed.place, &placed.said, limits[0], lesson);
        if calm {
            self.forecasts.learn_means(&placed.means, &limits);
            self.size.learn(placed.place.abs(), f64::INFINITY);
        }
        placed.leave(&mut self.trail, state);
        self.seen += 1.0;
    }
}
