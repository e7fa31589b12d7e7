//! All series at once, as the real program sees them: how often somebody is told of nothing.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::course::{BESIDE, DAYS, LEARNT};
use crate::bench::log::generate;
use crate::run;

/// Requests a minute, and how many courses of four weeks there are of each.
const COURSES: [(u64, u64); 2] = [(30, 2), (100, 1)];

/// Spikes that begin within so many minutes are one event, as alerts and the page have it.
const TOGETHER: i64 = 10;

/// What all series of a volume have shown.
#[derive(Default)]
struct Events {
    weeks: f64,
    /// Events that a label explains, slow ramps aside.
    right: u64,
    /// Events on slow ramps.
    on_ramps: u64,
    /// Others with a spike in the whole traffic: of these somebody is told.
    wrong: u64,
    /// Others in single hosts or pages alone: they stand in the list.
    wrong_keys: u64,
}

/// Lines are generated and go through the whole program; its list is held against the labels.
pub fn measure() -> Result<String, String> {
    run::cargo(&["build", "--release", "--workspace", "--bin", "twofold"])?;
    let mut page = String::from(
        "| requests a minute | weeks | events that are labelled | on slow ramps | false a week: told | in the list only \
         |\n|--:|--:|--:|--:|--:|--:|\n",
    );
    for (volume, courses) in COURSES {
        let mut events = Events::default();
        for seed in 3001..3001 + courses {
            course(volume, seed, &mut events)?;
        }
        let Events { weeks, right, on_ramps, wrong, wrong_keys } = events;
        let a_week = |count: u64| count as f64 / weeks;
        page += &format!(
            "| {volume} | {weeks:.1} | {right} | {on_ramps} | {:.2} | {:.2} |\n",
            a_week(wrong),
            a_week(wrong_keys)
        );
    }
    Ok(page)
}

fn course(volume: u64, seed: u64, events: &mut Events) -> Result<(), String> {
    let place = run::scratch("bench-spikes-whole")?;
    let (log, answers) = (place.join("access.log"), place.join("answers.json"));
    let (days, seed) = (DAYS.to_string(), seed.to_string());
    let dated = ["--days", &days, "--seed", &seed, "--start", "2026-03-09"];
    let into = answers.to_string_lossy();
    let more = [&dated[..], &["--answers", &into]].concat();
    generate("spikes", volume * 1440 * u64::from(DAYS), &more, &log)?;
    twofold(&place, &["run", "--source", &log.to_string_lossy(), "--to-end", "--data=data"])?;
    let listed = twofold(&place, &["spikes", "--data=data", "--json"])?;
    let listed: Value = serde_json::from_str(&listed).map_err(|error| error.to_string())?;
    let labels = run::json(&answers)?;
    judge(&listed["spikes"], &labels["spikes"], events);
    std::fs::remove_dir_all(&place).map_err(|error| error.to_string())
}

fn twofold(place: &Path, arguments: &[&str]) -> Result<String, String> {
    run::output(Command::new(run::twofold()).args(arguments).current_dir(place))
}

/// A stretch of minutes.
struct Stretch {
    start: i64,
    end: i64,
    /// What it is: the kind of a label, the scope of a spike.
    what: String,
}

impl Stretch {
    fn touches(&self, other: &Self) -> bool {
        self.start < other.end + BESIDE && other.start - BESIDE < self.end
    }
}

/// Puts spikes that begin together into events, and each of these to the label that explains it.
fn judge(listed: &Value, labels: &Value, events: &mut Events) {
    let first = minute("2026-03-09T00:00:00Z") + LEARNT * 1440;
    let mut labels: Vec<Stretch> = stretches(labels, "kind");
    // A ramp explains an event only where nothing else does.
    labels.sort_by_key(|label| label.what == "ramp");
    let live = |one: &&Value| one["found"] == "speed";
    let live: Vec<Value> = listed.as_array().into_iter().flatten().filter(live).cloned().collect();
    let mut spikes = stretches(&Value::from(live), "scope");
    spikes.retain(|spike| spike.start >= first);
    spikes.sort_by_key(|spike| spike.start);
    let groups = spikes.chunk_by(|before, after| after.start - before.start <= TOGETHER);
    for group in groups {
        let label = labels.iter().find(|label| group.iter().any(|spike| spike.touches(label)));
        match label.map(|label| label.what.as_str()) {
            Some("ramp") => events.on_ramps += 1,
            Some(_) => events.right += 1,
            None if group.iter().any(|spike| spike.what == "all") => events.wrong += 1,
            None => events.wrong_keys += 1,
        }
    }
    events.weeks += (f64::from(DAYS) - LEARNT as f64) / 7.0;
}

fn stretches(list: &Value, what: &str) -> Vec<Stretch> {
    let stretch = |one: &Value| {
        // A label says when it starts in words; a spike has that as `@timestamp`.
        let start = one["@timestamp"].as_str().or(one["start"].as_str()).map_or(0, minute);
        let end = match one["until"].as_str() {
            Some(until) => minute(until),
            None => start + one["minutes"].as_i64().unwrap_or(0),
        };
        Stretch { start, end, what: one[what].as_str().unwrap_or_default().to_owned() }
    };
    list.as_array().into_iter().flatten().map(stretch).collect()
}

/// The minute of `2026-03-09T00:00…`, since 2026-03-01: all of it lies in March and April.
fn minute(text: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| {
        text.get(range).and_then(|part| part.parse::<i64>().ok()).unwrap_or(0)
    };
    let days = (part(5..7) - 3) * 31 + part(8..10) - 1;
    days * 1440 + part(11..13) * 60 + part(14..16)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_begins_together_is_one_event_and_a_label_explains_it() {
        let spike = |start: &str, until: &str, scope: &str| json!({ "@timestamp": start, "until": until, "scope": scope, "found": "speed" });
        let listed = json!([
            spike("2026-03-20T10:00Z", "2026-03-20T10:05Z", "all"),
            spike("2026-03-20T10:04Z", "2026-03-20T10:05Z", "page"),
            spike("2026-03-21T10:00Z", "2026-03-21T10:01Z", "all"),
            spike("2026-03-22T10:00Z", "2026-03-22T10:01Z", "host"),
            spike("2026-03-23T10:00Z", "2026-03-23T10:01Z", "all"),
            spike("2026-03-09T10:00Z", "2026-03-09T10:01Z", "all"),
        ]);
        let labels = json!([
            { "kind": "ramp", "start": "2026-03-23T09:00Z", "minutes": 480 },
            { "kind": "rise", "start": "2026-03-20T09:58Z", "minutes": 10 },
        ]);
        let mut events = Events::default();
        judge(&listed, &labels, &mut events);
        let Events { right, on_ramps, wrong, wrong_keys, .. } = events;
        assert_eq!((right, on_ramps, wrong, wrong_keys), (1, 1, 1, 1));
    }
}
