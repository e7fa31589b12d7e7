//! A season: what a series does at each time of a day or of a week.

use super::level::rate;

/// A profile over one period, learnt as it goes by, and the level that it is moved by.
#[derive(Debug, Clone)]
pub(super) struct Season {
    /// The period in seconds.
    period: i64,
    slots: Vec<Slot>,
    /// By how much the series lies above its profile at present.
    offset: f64,
    /// The least part that a new period has in the profile.
    forget: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    value: f64,
    /// How many periods it has seen.
    seen: f64,
    /// By how much the last period deviated from the profile, and this one so far.
    last: f64,
    now: Mean,
    /// Which period this one is, and in which one a spike was left out.
    turn: i64,
    left_out: Option<i64>,
}

/// The mean of what was added.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

/// Seconds in a day.
pub(super) const DAY: i64 = 86_400;

/// Midnight of a Monday before all data: 1970 began on a Thursday.
pub(super) const MONDAY: i64 = -3 * DAY;

/// How fast the offset follows, per point.
const FOLLOW: f64 = 0.005;

impl Season {
    /// A season of `period` seconds in at most `most` slots; `None` where the step is too long for one.
    pub(super) fn new(period: i64, step: i64, most: i64, forget: f64) -> Option<Self> {
        let slots = (period / step.max(1)).min(most);
        let slots = (slots >= 2).then(|| vec![Slot::default(); slots as usize])?;
        Some(Self { period, slots, offset: 0.0, forget })
    }

    /// By how much the series lies above the profile at present.
    pub(super) fn above(&self) -> f64 {
        self.offset
    }

    /// The profile at a time, between the middles of two slots; `None` in the first period.
    pub(super) fn profile(&self, at: i64) -> Option<f64> {
        let (slot, into) = self.place(at);
        let count = self.slots.len();
        let towards = if into < 0.5 { (slot + count - 1) % count } else { (slot + 1) % count };
        let (near, far) = (self.slots[slot], self.slots[towards]);
        let share = if far.is_known() { (into - 0.5).abs() } else { 0.0 };
        near.is_known().then_some(near.value * (1.0 - share) + far.value * share)
    }

    /// Learns the value at a time, which counts as no further than `limit` from what was expected; or
    /// as far as the last period lay off in the same direction: what comes once is a spike, what comes
    /// again belongs to the season.
    pub(super) fn learn(&mut self, at: i64, step: i64, value: f64, limit: f64) {
        let share = step as f64 * self.slots.len() as f64 / self.period as f64;
        let share = share.min(1.0);
        let profile = self.profile(at);
        let (index, _) = self.place(at);
        let turn = self.turn(at);
        let slot = &mut self.slots[index];
        slot.turn_to(turn);
        let (weight, error) = match profile {
            None => (share / (slot.seen + share), value - self.offset - slot.value),
            Some(profile) => {
                let error = value - self.offset - profile;
                slot.now.sum += error;
                slot.now.count += 1.0;
                let error = error.clamp(slot.last.min(-limit), slot.last.max(limit));
                (rate(slot.seen, self.forget) * share, error)
            }
        };
        slot.value += weight * error;
        slot.seen += share;
        if profile.is_some() {
            self.offset += FOLLOW * error.clamp(-limit, limit);
        }
    }

    /// Whether a spike at a time is left out: the first period has nothing to hold it against, and would have it expected
    /// in the second. What comes again then is learnt.
    pub(super) fn leaves_out(&mut self, at: i64) -> bool {
        let (unknown, turn, (index, _)) =
            (self.profile(at).is_none(), self.turn(at), self.place(at));
        unknown && *self.slots[index].left_out.get_or_insert(turn) == turn
    }

    /// In which period a time lies.
    fn turn(&self, at: i64) -> i64 {
        (at - MONDAY).div_euclid(self.period)
    }

    /// The slot of a time, and how far into it the time lies, 0 to 1.
    fn place(&self, at: i64) -> (usize, f64) {
        let into = (at - MONDAY).rem_euclid(self.period) as f64 / self.period as f64;
        let place = into * self.slots.len() as f64;
        ((place as usize).min(self.slots.len() - 1), place.fract())
    }
}

impl Slot {
    /// Whether it has seen a whole period, but for what sums of shares fall short of one.
    fn is_known(&self) -> bool {
        self.seen > 0.999
    }

    /// Begins another period, if it is one.
    fn turn_to(&mut self, turn: i64) {
        if turn != self.turn {
            self.last = self.now.sum / self.now.count.max(1.0);
            self.now = Mean::default();
            self.turn = turn;
        }
    }
}
