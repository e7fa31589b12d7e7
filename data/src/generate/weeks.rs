//! Weeks of traffic whose spikes are known: what each minute gets, and the labels.
//!
//! The course is that of a real site: a daily curve, less on weekends, slow drifts, and requests that
//! come in visits, so that a minute's count varies 2.5 times as much as independent requests would. (On
//! the first of July 1995 NASA's server shows 2.7.) In it stand rises of 1.5 to 20 times and one minute
//! to an hour, scanners that collect 404s, outages, and slow ramps, which are no spikes.

use serde::Serialize;

use super::clock::{of_day, usual};
use super::random::{Random, Weighted};
use crate::minute::Minute;

/// Minutes in a day.
const DAY_MINUTES: usize = 1440;

/// The first so many minutes have no spike: a detector learns from them what is usual.
const CALM: usize = 3 * DAY_MINUTES;

/// Between the end of one spike and the begin of the next lie at least so many minutes, and so many
/// more by chance.
const APART: (usize, u64) = (360, 480);

/// Weekends have this part of a weekday's traffic.
const WEEKEND: f64 = 0.6;

/// So many hours before and after midnight the traffic goes over from the one to the other.
const TURN: f64 = 5.0;

/// The standard deviation of the slow drift, as a part of the traffic, and what is left of it after a minute.
const DRIFT: (f64, f64) = (0.05, 0.97);

/// How many requests a visit makes within a minute, and how often.
pub const VISITS: [(u64, f64); 3] = [(1, 0.6), (2, 0.2), (4, 0.2)];

/// How many 404s a scanner makes in a minute, for each request a minute that is usual on average.
const SCANNED: f64 = 0.3;

/// How long (minutes) a ramp goes up to twice the traffic, and as long down again.
const RAMP: usize = 240;

/// What a label says is in the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// More requests, by few clients for one page.
    Rise,
    /// 404s by one client that looks for holes.
    Scanner,
    /// No request at all.
    Outage,
    /// Slowly to twice the traffic and back, which is no spike.
    Ramp,
}

/// What stands in the traffic, and where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Label {
    /// What it is.
    pub kind: Kind,
    /// Its first minute.
    #[serde(serialize_with = "as_text")]
    pub start: Minute,
    /// How many minutes it lasts.
    pub minutes: u32,
    /// How many times the usual traffic there is; of a scanner, how many times the requests.
    pub times: f64,
    /// How many requests a minute would have been usual, on average over it.
    pub usual: f64,
    /// Whether a detector should find it.
    pub spike: bool,
}

/// What one minute gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// Requests as always.
    pub usual: u32,
    /// Requests of a rise.
    pub rise: u32,
    /// 404s of a scanner.
    pub scanner: u32,
}

impl Due {
    /// All requests.
    pub fn all(self) -> u32 {
        self.usual + self.rise + self.scanner
    }
}

/// Minutes of traffic with labelled spikes.
#[derive(Debug, Clone, PartialEq)]
pub struct Weeks {
    /// The first minute.
    pub start: Minute,
    /// What each minute gets.
    pub due: Vec<Due>,
    /// What stands in it, in order.
    pub labels: Vec<Label>,
}

impl Weeks {
    /// So many days from `start` (seconds since the Unix epoch, a full minute) on, with `per_minute`
    /// requests a minute on an average weekday. The same seed gives the same weeks.
    pub fn new(start: i64, days: u32, per_minute: f64, seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5EED_0F5B_1CE5);
        let minutes = days as usize * DAY_MINUTES;
        let rates = rates(start, minutes, per_minute, &mut random);
        let labels = labels(start, &rates, &mut random);
        let due = drawn(start, &rates, &labels, per_minute, &mut random);
        Self { start: Minute(start.div_euclid(60)), due, labels }
    }
}

/// How many requests are to be expected in each minute, without what is labelled.
fn rates(start: i64, minutes: usize, per_minute: f64, random: &mut Random) -> Vec<f64> {
    let (mut drift, fresh) = (0.0, DRIFT.0 * (1.0 - DRIFT.1 * DRIFT.1).sqrt());
    let mut rate = |minute: usize| {
        drift = DRIFT.1 * drift + fresh * random.normal();
        let second = minute as u64 * 60;
        let day = usual(of_day(start, second)) * weekend(start + second as i64);
        per_minute * day * (1.0 + drift).max(0.0)
    };
    (0..minutes).map(&mut rate).collect()
}

/// The part of a weekday's traffic that there is at a time: a weekend comes and goes over
/// some hours around midnight.
fn weekend(at: i64) -> f64 {
    let hour = at as f64 / 3600.0;
    // 1970 began on a Thursday: its first Saturday, 48 hours later.
    let into = (hour - 48.0).rem_euclid(168.0);
    let from_edge = if into > 108.0 { into - 168.0 } else { into.min(48.0 - into) };
    let share = (0.5 + from_edge / (2.0 * TURN)).clamp(0.0, 1.0);
    1.0 - (1.0 - WEEKEND) * share
}

/// Factors and lengths of rises, each pair as often as any other; scanners, outages and ramps between them.
fn labels(start: i64, rates: &[f64], random: &mut Random) -> Vec<Label> {
    const TIMES: [f64; 6] = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0];
    const LENGTHS: [usize; 4] = [1, 3, 10, 60];
    let mut labels = Vec::new();
    let mut at = CALM + random.below(APART.1) as usize;
    loop {
        let times = TIMES[random.below(6) as usize];
        let (kind, length, times) = match random.below(10) {
            0 => (Kind::Scanner, 10, 1.0 + SCANNED),
            1 => (Kind::Outage, 20, 0.0),
            2 => (Kind::Ramp, 2 * RAMP, 2.0),
            _ => (Kind::Rise, LENGTHS[random.below(4) as usize], times),
        };
        if at + length > rates.len() {
            return labels;
        }
        labels.push(Label {
            kind,
            start: Minute(start.div_euclid(60) + at as i64),
            minutes: length as u32,
            times,
            usual: rates[at..at + length].iter().sum::<f64>() / length as f64,
            spike: kind != Kind::Ramp,
        });
        at += length + APART.0 + random.below(APART.1) as usize;
    }
}

fn drawn(
    start: i64,
    rates: &[f64],
    labels: &[Label],
    per_minute: f64,
    random: &mut Random,
) -> Vec<Due> {
    let mean: f64 = VISITS.iter().map(|(requests, share)| *requests as f64 * share).sum();
    let visit = Weighted::new(&VISITS.map(|(_, share)| share));
    let mut labels = labels.iter().peekable();
    let mut due = Vec::with_capacity(rates.len());
    for (at, rate) in rates.iter().enumerate() {
        let minute = start.div_euclid(60) + at as i64;
        let into = |label: &&&Label| minute - label.start.0 < i64::from(label.minutes);
        while labels.peek().is_some_and(|label| label.start.0 <= minute && !into(&label)) {
            labels.next();
        }
        let label = labels.peek().filter(|label| label.start.0 <= minute);
        let (times, more, scanned) = match label {
            None => (1.0, 0.0, 0.0),
            Some(label) => match label.kind {
                Kind::Rise => (1.0, label.times - 1.0, 0.0),
                Kind::Scanner => (1.0, 0.0, SCANNED * per_minute),
                Kind::Outage => (0.0, 0.0, 0.0),
                Kind::Ramp => (1.0 + slope((minute - label.start.0) as usize), 0.0, 0.0),
            },
        };
        let visits = random.poisson(rate * times / mean);
        let usual = (0..visits).map(|_| VISITS[visit.draw(random)].0 as u32).sum();
        let rise = random.poisson(rate * more) as u32;
        due.push(Due { usual, rise, scanner: random.poisson(scanned) as u32 });
    }
    due
}

/// How much a ramp adds after so many minutes, as a part of the usual traffic.
fn slope(into: usize) -> f64 {
    1.0 - into.abs_diff(RAMP) as f64 / RAMP as f64
}

fn as_text<S: serde::Serializer>(minute: &Minute, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&minute.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 2026-03-09.
    const MONDAY: i64 = 1_773_014_400;

    #[test]
    fn weeks_are_as_busy_as_they_should_be() {
        let weeks = Weeks::new(MONDAY, 7, 200.0, 5);
        let mean = |days: std::ops::Range<usize>| {
            let minutes = days.start * DAY_MINUTES..days.end * DAY_MINUTES;
            let usual = weeks.due[minutes].iter().map(|due| f64::from(due.usual)).sum::<f64>();
            usual / (days.len() * DAY_MINUTES) as f64
        };
        let (calm, weekend) = (mean(0..3), mean(5..7));
        assert!((180.0..220.0).contains(&calm) && weekend < 0.8 * calm, "{calm} {weekend}");
        assert_eq!(weeks, Weeks::new(MONDAY, 7, 200.0, 5));
        assert_ne!(weeks.due, Weeks::new(MONDAY, 7, 200.0, 6).due);
    }

    #[test]
    fn labels_say_what_is_in_the_minutes() {
        let weeks = Weeks::new(MONDAY, 28, 100.0, 1);
        assert!(weeks.labels.len() > 30);
        for label in &weeks.labels {
            let from = (label.start.0 - weeks.start.0) as usize;
            let minutes = &weeks.due[from..from + label.minutes as usize];
            let of = |count: fn(&Due) -> u32| minutes.iter().map(count).sum::<u32>();
            match label.kind {
                Kind::Rise => {
                    let ratio =
                        f64::from(of(|due| due.all())) / f64::from(of(|due| due.usual).max(1));
                    assert!(ratio > 1.2 && minutes.len() < 61, "{label:?}: {ratio}");
                }
                Kind::Scanner => assert!(of(|due| due.scanner) > 100),
                Kind::Outage => assert_eq!(of(|due| due.all()), 0),
                Kind::Ramp => assert!(!label.spike && minutes.len() == 480),
            }
        }
        let kinds = |kind| weeks.labels.iter().filter(|label| label.kind == kind).count();
        assert!([Kind::Scanner, Kind::Outage, Kind::Ramp].into_iter().all(|kind| kinds(kind) > 0));
    }
}
