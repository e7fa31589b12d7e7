//! `cargo xtask bench spikes`: what the detector finds in generated weeks whose spikes are known, how
//! soon, what it finds besides, and what that costs. Writes the figures into `docs/spikes.md`.

mod cost;
mod course;
mod possible;
mod table;
mod whole;

use course::{Course, courses};

use crate::run;

/// Requests a minute, on average over a weekday.
const VOLUMES: [f64; 5] = [30.0, 100.0, 300.0, 1000.0, 3000.0];

/// How many courses of four weeks there are of each volume.
const SEEDS: u64 = 30;

const PAGE: &str = "docs/spikes.md";

/// The end of each part's figures.
const TO: &str = "<!-- to here -->";

/// A part of the measurement: its name, and what gives its figures.
type Part = (&'static str, fn() -> Result<String, String>);

/// What is measured, each by itself if its name is given: its figures stand between two lines of the page.
const PARTS: [Part; 3] =
    [("detector", detector), ("whole", whole::measure), ("cost", cost::measure)];

/// All courses of one volume.
pub struct Measured {
    /// Requests a minute.
    pub volume: f64,
    /// The series of requests: rises and outages.
    pub requests: Vec<Course>,
    /// The series of 404s: scanners.
    pub not_found: Vec<Course>,
}

/// Measures, and writes the page's figures anew.
pub fn main(arguments: &[String]) -> Result<(), String> {
    let wanted =
        |name: &str| PARTS.iter().all(|(part, _)| !is(arguments, part)) || is(arguments, name);
    for (name, measure) in PARTS.into_iter().filter(|(name, _)| wanted(name)) {
        let figures = measure()?;
        println!("{figures}");
        write(name, &figures)?;
    }
    Ok(())
}

fn is(arguments: &[String], part: &str) -> bool {
    arguments.iter().any(|argument| argument == part)
}

fn write(part: &str, figures: &str) -> Result<(), String> {
    let path = run::root().join(PAGE);
    let page = std::fs::read_to_string(&path).map_err(|error| format!("{PAGE}: {error}"))?;
    let from = format!("<!-- from here: written by `cargo xtask bench spikes {part}` -->");
    let lost = || format!("{PAGE} has lost the marks of {part}");
    let (before, rest) = page.split_once(&from).ok_or_else(lost)?;
    let (_, after) = rest.split_once(TO).ok_or_else(lost)?;
    run::write(&path, &format!("{before}{from}\n\n{}\n\n{TO}{after}", figures.trim_end()))
}

fn detector() -> Result<String, String> {
    let measured: Vec<Measured> = VOLUMES.map(|volume| measure(volume, 1001..=1000 + SEEDS)).into();
    Ok(table::page(&measured))
}

fn measure(volume: f64, seeds: std::ops::RangeInclusive<u64>) -> Measured {
    let (requests, not_found) = seeds
        .map(|seed| {
            let [requests, not_found] = courses(volume, seed);
            (requests, not_found)
        })
        .unzip();
    Measured { volume, requests, not_found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twofold_data::generate::Kind;

    /// The figures that ARCHITECTURE.md promises, on seeds of their own.
    #[test]
    fn the_promised_figures_hold() {
        for volume in [300.0, 3000.0] {
            let Measured { requests, not_found, .. } = measure(volume, 101..=106);
            let promised = table::promised(&requests);
            assert!(promised.all > 50 && promised.recall() >= 0.95, "{volume}: {promised:?}");
            assert!(promised.mean_delay() < 1.0, "{volume}: {promised:?}");
            for courses in [&requests, &not_found] {
                let rate = table::false_alarms_a_week(courses);
                assert!(rate <= 0.5, "{volume}: {rate} false alarms a week");
            }
            let outages = table::cell(&requests, |label| label.kind == Kind::Outage);
            let scanners = table::cell(&not_found, |label| label.kind == Kind::Scanner);
            assert!(outages.all > 5 && outages.found == outages.all, "{outages:?}");
            assert!(scanners.all > 5 && scanners.found == scanners.all, "{scanners:?}");
            let ramps: u64 = requests.iter().map(|course| course.on_ramps).sum();
            assert!(ramps <= 3, "{volume}: {ramps} alarms on slow ramps");
        }
    }
}
