//! `cargo xtask bench nab --at DIR`: `twofold spikes` on the Numenta Anomaly Benchmark, beside the detectors
//! whose scores stand in it.
//!
//! Scored as the benchmark does (Lavin and Ahmad 2015): the first point above the threshold in a window
//! around a labelled anomaly gets up to 1, more the earlier it is; one outside costs up to `FALSE`; a
//! window without any costs 1. The threshold is the best one for all files of a group, and 100 is
//! perfect. DIR is a clone of <https://github.com/numenta/NAB>.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::run;

/// What a false alarm costs in the benchmark's standard profile.
const FALSE: f64 = 0.11;

/// At most so many points, and this share of a file, are not scored: detectors learn from them.
const PROBATION: (usize, f64) = (750, 0.15);

/// The detectors whose scores are in the benchmark, and that judge each point by those before it.
const OTHERS: [&str; 12] = [
    "ARTime",
    "numenta",
    "contextOSE",
    "htmjava",
    "numentaTM",
    "knncad",
    "relativeEntropy",
    "randomCutForest",
    "twitterADVec",
    "windowedGaussian",
    "skyline",
    "bayesChangePt",
];

/// Groups of files, by parts of their names.
const GROUPS: [(&str, &[&str]); 3] = [
    ("all 58 series", &[""]),
    ("counts: mentions, requests, trips", &["realTweets", "elb_request_count", "nyc_taxi"]),
    ("mentions", &["realTweets"]),
];

/// Prints the table.
pub fn main(arguments: &[String]) -> Result<(), String> {
    let place = arguments.iter().skip_while(|argument| *argument != "--at").nth(1);
    let at = Path::new(place.ok_or("give --at DIR, a clone of https://github.com/numenta/NAB")?);
    run::cargo(&["build", "--release", "--workspace", "--bin", "twofold"])?;
    let files = files(at)?;
    let ours = files.iter().map(|file| scores(at, file)).collect::<Result<Vec<_>, String>>()?;
    println!("| detector | {} |\n|---|--:|--:|--:|", GROUPS.map(|(name, _)| name).join(" | "));
    println!("{}", row("twofold", &files, &ours));
    for name in OTHERS {
        let theirs: Result<Vec<_>, String> =
            files.iter().map(|file| published(at, name, file)).collect();
        println!("{}", row(name, &files, &theirs?));
    }
    Ok(())
}

/// A series: its name below `data/`, and its windows as first and last time.
struct File {
    name: String,
    windows: Vec<[String; 2]>,
}

fn files(at: &Path) -> Result<Vec<File>, String> {
    let path = at.join("labels/combined_windows.json");
    let body = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let windows: BTreeMap<String, Vec<[String; 2]>> =
        serde_json::from_slice(&body).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(windows.into_iter().map(|(name, windows)| File { name, windows }).collect())
}

/// The score of each point, with its time.
type Scores = Vec<(String, f64)>;

/// What the binary says of a file.
fn scores(at: &Path, file: &File) -> Result<Scores, String> {
    let path = at.join("data").join(&file.name);
    column(&run::output(Command::new(run::twofold()).arg("spikes").arg(&path))?, "time", "score")
}

fn published(at: &Path, detector: &str, file: &File) -> Result<Scores, String> {
    let (folder, name) = file.name.split_once('/').ok_or("a file without a folder")?;
    let path = at.join(format!("results/{detector}/{folder}/{detector}_{name}"));
    let body = std::fs::read_to_string(&path);
    column(
        &body.map_err(|error| format!("{}: {error}", path.display()))?,
        "timestamp",
        "anomaly_score",
    )
}

fn column(table: &str, time: &str, score: &str) -> Result<Scores, String> {
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let place = |name: &str| {
        head.iter().position(|one| *one == name).ok_or_else(|| format!("no column {name}"))
    };
    let (time, score) = (place(time)?, place(score)?);
    let rows = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let value = cells.get(score).and_then(|cell| cell.parse().ok());
        let value: f64 = value.ok_or_else(|| format!("no score in `{line}`"))?;
        Ok((cells[time].to_owned(), value))
    })
    .collect()
}

fn row(name: &str, files: &[File], scores: &[Scores]) -> String {
    let group = |parts: &[&str]| {
        let inside =
            |(file, _): &(&File, &Scores)| parts.iter().any(|part| file.name.contains(part));
        let group: Vec<_> = files.iter().zip(scores).filter(inside).collect();
        format!("{:.1}", best(&group))
    };
    format!("| {name} | {} |", GROUPS.map(|(_, parts)| group(parts)).join(" | "))
}

/// A point that counts: its score, what it is worth, and in which window it lies.
struct Counted {
    score: f64,
    worth: f64,
    window: Option<usize>,
}

/// The best score of any threshold, 0 for what detects nothing and 100 for what is perfect.
fn best(files: &[(&File, &Scores)]) -> f64 {
    let (mut points, mut windows) = (Vec::new(), 0);
    for (file, scores) in files {
        windows += count(file, scores, windows, &mut points);
    }
    points.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut hits, mut falsely) = (BTreeMap::<usize, f64>::new(), 0.0);
    let mut best = 0.0f64;
    for (at, point) in points.iter().enumerate() {
        match point.window {
            None => falsely += point.worth * FALSE,
            Some(window) => {
                let hit = hits.entry(window).or_insert(point.worth);
                *hit = hit.max(point.worth);
            }
        }
        let threshold = points.get(at + 1).is_none_or(|next| next.score < point.score);
        if threshold {
            let missed = (windows - hits.len()) as f64;
            let sum = hits.values().sum::<f64>() + falsely - missed;
            let nothing = -(windows as f64);
            best = best.max(100.0 * (sum - nothing) / (windows as f64 - nothing));
        }
    }
    best
}

/// Adds a file's points; its windows are numbered from `first` on. Returns how many windows it has.
fn count(file: &File, scores: &Scores, first: usize, points: &mut Vec<Counted>) -> usize {
    let probation = PROBATION.0.min((PROBATION.1 * scores.len() as f64) as usize);
    let windows: Vec<(usize, usize)> =
        file.windows.iter().filter_map(|window| places(window, scores)).collect();
    for (at, (_, score)) in scores.iter().enumerate().skip(probation) {
        let inside = windows.iter().position(|(from, to)| (*from..=*to).contains(&at));
        let worth = match inside {
            Some(window) => {
                let (from, to) = windows[window];
                sigmoid(-((to - at + 1) as f64) / (to - from + 1) as f64) / sigmoid(-1.0)
            }
            None => match windows.iter().rev().find(|(_, to)| *to < at) {
                Some((from, to)) => sigmoid((at - to) as f64 / (to - from) as f64),
                None => -1.0,
            },
        };
        points.push(Counted { score: *score, worth, window: inside.map(|window| first + window) });
    }
    windows.iter().filter(|(_, to)| *to >= probation).count()
}

/// The first and the last point of a window. Times are compared as texts of one form.
fn places([from, to]: &[String; 2], scores: &Scores) -> Option<(usize, usize)> {
    let cut = |text: &str| text.chars().take(19).collect::<String>();
    let (from, to) = (cut(from), cut(to));
    let first = scores.iter().position(|(time, _)| cut(time) >= from)?;
    let last = scores.iter().rposition(|(time, _)| cut(time) <= to)?;
    (first <= last).then_some((first, last))
}

/// The benchmark's: 1 at the begin of a window (at −1), 0 at its end, towards −1 after it.
fn sigmoid(position: f64) -> f64 {
    if position > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(scores: &[f64]) -> Scores {
        let time = |at: usize| format!("2026-03-09 {:02}:{:02}:00", at / 60, at % 60);
        scores.iter().enumerate().map(|(at, score)| (time(at), *score)).collect()
    }

    #[test]
    fn a_perfect_detector_has_a_hundred_and_a_blind_one_nothing() {
        let window = ["2026-03-09 01:00:00.000000".into(), "2026-03-09 01:09:00.000000".into()];
        let file = File { name: "one".into(), windows: vec![window] };
        let mut perfect = vec![0.0; 120];
        perfect[60] = 1.0;
        assert!((best(&[(&file, &series(&perfect))]) - 100.0).abs() < 1e-9);
        assert_eq!(best(&[(&file, &series(&[0.0; 120]))]), 0.0);
        // Later in the window is worth less, and a false alarm costs.
        let mut late = vec![0.0; 120];
        late[66] = 1.0;
        let late = best(&[(&file, &series(&late))]);
        assert!((50.0..100.0).contains(&late), "{late}");
        perfect[100] = 1.0;
        let falsely = best(&[(&file, &series(&perfect))]);
        assert!((94.0..95.0).contains(&falsely), "{falsely}");
    }
}
