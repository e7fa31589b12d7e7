//! The detector over generated weeks: which labelled spikes it finds, how soon, and what it finds besides.

use twofold_data::generate::{Due, Kind, Label, Random, Weeks};
use twofold_data::minute::Minute;
use twofold_data::spike::{Change, Direction, Point, Quantity, Series, Spike, Watch};

/// A Monday, 2026-03-09, in seconds since the Unix epoch.
const MONDAY: i64 = 1_773_014_400;

/// How many days each course has; the first three have no spike and are not judged.
pub const DAYS: u32 = 28;

/// Days that are only learnt.
pub const LEARNT: i64 = 3;

/// The share of 404s in usual traffic, as the generator has it.
const NOT_FOUND: f64 = 0.055;

/// How many minutes beside a label still belong to it.
pub const BESIDE: i64 = 2;

/// What the detector made of one course.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// Each label with how many minutes after its first one it was found, if it was.
    pub found: Vec<(Label, Option<u32>)>,
    /// Spikes that no label explains.
    pub false_alarms: u64,
    /// How many slow ramps there are, and the spikes that they have set off.
    pub ramps: u64,
    pub on_ramps: u64,
    /// How many weeks were judged.
    pub weeks: f64,
}

/// A spike, and the minute whose value made it known.
struct Announced {
    spike: Spike,
    at: Minute,
}

/// The requests of weeks with so many of them a minute on average, and their 404s, in which the scanners are.
pub fn courses(per_minute: f64, seed: u64) -> [Course; 2] {
    let weeks = Weeks::new(MONDAY, DAYS, per_minute, seed);
    let requests: Vec<f64> = weeks.due.iter().map(|due| f64::from(due.all())).collect();
    let mut random = Random::new(seed);
    let mut not_found = |due: &Due| {
        let usual = f64::from(due.usual + due.rise) * NOT_FOUND;
        (random.poisson(usual) + u64::from(due.scanner)) as f64
    };
    let errors: Vec<f64> = weeks.due.iter().map(&mut not_found).collect();
    [
        judged(&weeks, (Quantity::Requests, &requests), |label| {
            matches!(label.kind, Kind::Rise | Kind::Outage)
        }),
        judged(&weeks, (Quantity::NotFound, &errors), |label| label.kind == Kind::Scanner),
    ]
}

fn judged(
    weeks: &Weeks,
    (quantity, values): (Quantity, &[f64]),
    looked_for: impl Fn(&Label) -> bool,
) -> Course {
    let watch = Watch::new(60).with_rarity(Series::whole(quantity).rarity());
    let announced = announced(watch, weeks.start, values);
    let wanted = weeks.labels.iter().filter(|label| looked_for(label));
    let found = wanted.map(|label| (label.clone(), delay(label, &announced))).collect();
    let ramps = weeks.labels.iter().filter(|label| label.kind == Kind::Ramp).count() as u64;
    let judged_for = f64::from(DAYS) / 7.0 - LEARNT as f64 / 7.0;
    let mut course = Course { found, ramps, weeks: judged_for, ..Course::default() };
    let judged = |one: &&Announced| one.at.0 >= weeks.start.0 + LEARNT * 1440;
    for one in announced.iter().filter(judged) {
        match weeks.labels.iter().find(|label| explains(label, one)) {
            Some(label) if label.kind == Kind::Ramp => course.on_ramps += 1,
            Some(_) => {}
            None => course.false_alarms += 1,
        }
    }
    course
}

fn announced(mut watch: Watch, start: Minute, values: &[f64]) -> Vec<Announced> {
    let mut announced: Vec<Announced> = Vec::new();
    for (minute, value) in (start.0..).zip(values) {
        match watch.push(&Point::whole(minute * 60, *value), None).1 {
            Some(Change::Opened(spike)) => announced.push(Announced { spike, at: Minute(minute) }),
            Some(Change::Grown(spike) | Change::Closed(spike)) => {
                if let Some(last) = announced.last_mut() {
                    last.spike = spike;
                }
            }
            None => {}
        }
    }
    announced
}

/// How many minutes after the label's first one it was found: at the latest in the minute after its last.
fn delay(label: &Label, announced: &[Announced]) -> Option<u32> {
    let last = label.start.0 + i64::from(label.minutes);
    let right = |one: &&Announced| {
        one.spike.direction == direction(label)
            && overlaps(label, &one.spike, 0)
            && (label.start.0..=last).contains(&one.at.0)
    };
    announced.iter().find(right).map(|one| (one.at.0 - label.start.0) as u32)
}

fn direction(label: &Label) -> Direction {
    if label.kind == Kind::Outage { Direction::Down } else { Direction::Up }
}

fn overlaps(label: &Label, spike: &Spike, beside: i64) -> bool {
    let end = label.start.0 + i64::from(label.minutes);
    spike.start / 60 < end + beside && label.start.0 - beside < spike.end / 60
}

/// Whether the label is why there is this spike.
fn explains(label: &Label, one: &Announced) -> bool {
    let any = label.kind == Kind::Ramp;
    overlaps(label, &one.spike, BESIDE) && (any || one.spike.direction == direction(label))
}
