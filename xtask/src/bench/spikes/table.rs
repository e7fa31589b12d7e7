//! The figures as tables.

use std::fmt::Write;

use twofold_data::generate::{Kind, Label};

use super::Measured;
use super::course::Course;
use super::possible;

const TIMES: [f64; 6] = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0];
const LENGTHS: [u32; 4] = [1, 3, 10, 60];

/// Classes of volume: requests a minute that were to be expected at the spike's time.
const BANDS: [(f64, f64); 6] = [
    (0.0, 10.0),
    (10.0, 30.0),
    (30.0, 60.0),
    (60.0, 200.0),
    (200.0, 1000.0),
    (1000.0, f64::INFINITY),
];

/// How many labels of some kind there are, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// Labels.
    pub all: u32,
    /// Those that were found.
    pub found: u32,
    /// The sum of their delays, in minutes.
    pub delay: u32,
}

impl Cell {
    /// The part that was found, 0 to 1.
    pub fn recall(self) -> f64 {
        f64::from(self.found) / f64::from(self.all.max(1))
    }

    /// How many minutes after its first one a spike is found, on average.
    pub fn mean_delay(self) -> f64 {
        f64::from(self.delay) / f64::from(self.found.max(1))
    }

    /// `97 % (58) +0.3`: found, of how many, and the mean delay in minutes.
    fn text(self) -> String {
        match self {
            Self { all: 0, .. } => "–".to_owned(),
            Self { found: 0, all, .. } => format!("0 % ({all})"),
            _ => format!("{:.0} % ({}) +{:.1}", self.recall() * 100.0, self.all, self.mean_delay()),
        }
    }
}

/// The labels that `wanted` admits.
pub fn cell(courses: &[Course], wanted: impl Fn(&Label) -> bool) -> Cell {
    let mut cell = Cell::default();
    for (label, delay) in courses.iter().flat_map(|course| &course.found) {
        if wanted(label) {
            cell.all += 1;
            cell.found += u32::from(delay.is_some());
            cell.delay += delay.unwrap_or(0);
        }
    }
    cell
}

/// What is promised to be found: rises to twice and more that last three minutes and more.
pub fn promised(courses: &[Course]) -> Cell {
    cell(courses, is_promised)
}

fn is_promised(label: &Label) -> bool {
    label.kind == Kind::Rise && label.times >= 2.0 && label.minutes >= 3
}

/// The part of the labels that `wanted` admits which could be found at best, 0 to 1.
fn at_best(courses: &[Course], wanted: impl Fn(&Label) -> bool) -> f64 {
    let labels = courses.iter().flat_map(|course| &course.found).map(|(label, _)| label);
    let chances: Vec<f64> = labels.filter(|label| wanted(label)).map(possible::of).collect();
    chances.iter().sum::<f64>() / chances.len().max(1) as f64
}

/// False alarms in one series, a week.
pub fn false_alarms_a_week(courses: &[Course]) -> f64 {
    let weeks: f64 = courses.iter().map(|course| course.weeks).sum();
    courses.iter().map(|course| course.false_alarms).sum::<u64>() as f64 / weeks.max(1.0)
}

/// Everything as Markdown.
pub fn page(measured: &[Measured]) -> String {
    let mut page = by_volume(measured) + "\n" + &by_expectation(measured);
    for one in measured {
        let _ = write!(page, "\n{}", in_full(one));
    }
    page
}

fn by_volume(measured: &[Measured]) -> String {
    let mut page = String::from(
        "| requests a minute | rises ≥ 2 ×, ≥ 3 min found | possible | after, min | false alarms a week: requests | 404s \
         | outages | scanners | alarms on slow ramps |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Measured { volume, requests, not_found } in measured {
        let (promised, outages) = (promised(requests), cell(requests, |l| l.kind == Kind::Outage));
        let scanners = cell(not_found, |label| label.kind == Kind::Scanner);
        let on_ramps: u64 = requests.iter().map(|course| course.on_ramps).sum();
        let ramps: u64 = requests.iter().map(|course| course.ramps).sum();
        let _ = writeln!(
            page,
            "| {volume} | {:.1} % of {} | {:.1} % | {:.2} | {:.2} | {:.2} | {} of {} | {} of {} | {on_ramps} on {ramps} |",
            promised.recall() * 100.0,
            promised.all,
            at_best(requests, is_promised) * 100.0,
            promised.mean_delay(),
            false_alarms_a_week(requests),
            false_alarms_a_week(not_found),
            outages.found,
            outages.all,
            scanners.found,
            scanners.all,
        );
    }
    page
}

/// The volume that is needed: a rise of a small count is hard to tell from chance.
fn by_expectation(measured: &[Measured]) -> String {
    let courses: Vec<Course> = measured.iter().flat_map(|one| one.requests.clone()).collect();
    let mut page = String::from(
        "| expected a minute | rises ≥ 2 ×, ≥ 3 min | possible | of these 2 ×, 3 min | possible \
         |\n|--:|--:|--:|--:|--:|\n",
    );
    for (from, to) in BANDS {
        let inside = |label: &Label| (from..to).contains(&label.usual);
        let least = |label: &Label| is_promised(label) && label.times == 2.0 && label.minutes == 3;
        let _ = writeln!(
            page,
            "| {} | {} | {:.0} % | {} | {:.0} % |",
            if to.is_finite() { format!("{from} to {to}") } else { format!("from {from}") },
            cell(&courses, |label| inside(label) && is_promised(label)).text(),
            at_best(&courses, |label| inside(label) && is_promised(label)) * 100.0,
            cell(&courses, |label| inside(label) && least(label)).text(),
            at_best(&courses, |label| inside(label) && least(label)) * 100.0,
        );
    }
    page
}

/// By size, length and hour.
fn in_full(one: &Measured) -> String {
    let mut page = format!("**{} requests a minute**\n\n| hour | minutes |", one.volume);
    TIMES.iter().for_each(|times| page += &format!(" {times} × |"));
    page += "\n|---|--:|--:|--:|--:|--:|--:|--:|\n";
    for (hour, busy) in [("busy", true), ("quiet", false)] {
        for minutes in LENGTHS {
            let _ = write!(page, "| {hour} | {minutes} |");
            for times in TIMES {
                let wanted = |label: &Label| {
                    label.kind == Kind::Rise
                        && (label.usual >= one.volume) == busy
                        && label.minutes == minutes
                        && label.times == times
                };
                let _ = write!(page, " {} |", cell(&one.requests, wanted).text());
            }
            page.push('\n');
        }
    }
    page
}
