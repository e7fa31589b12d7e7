//! Instructions per line of the hot paths, counted by callgrind and held against what is recorded:
//! a time depends on what else the machine does, a count does not.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::run;

/// The functions of `data/examples/hot_path.rs` that are counted.
const PATHS: [&str; 3] = ["parse", "classify", "fold"];

/// So much more than recorded is an error: another processor's `memchr` makes a few percent.
const TOLERANCE: f64 = 1.05;

/// `cargo xtask instructions [--record]`
pub fn main(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [] => check(),
        [only] if only == "--record" => record(),
        _ => Err("cargo xtask instructions [--record]".into()),
    }
}

/// Fails where a path needs more instructions than recorded.
pub fn check() -> Result<(), String> {
    let recorded = run::json(&recorded())?;
    let counted = Value::Object(counted()?);
    let mut slower = Vec::new();
    for path in PATHS {
        let number = |counts: &Value| counts[path].as_f64();
        let counts = number(&counted).zip(number(&recorded));
        let (now, before) = counts.ok_or_else(|| format!("`{path}` is not recorded: {RECORD}"))?;
        match verdict(now, before) {
            Verdict::AsRecorded(said) => println!("{path}: {said}"),
            Verdict::Stale(said) => {
                println!("{path}: {said}; record it, so that it stays: {RECORD}")
            }
            Verdict::Slower(said) => slower.push(format!("{path} needs {said}")),
        }
    }
    if slower.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}, with {}. Make it cheaper, or, if it is worth that, accept it: {RECORD}",
        slower.join(", "),
        recorded["compiler"].as_str().unwrap_or("another compiler")
    ))
}

const RECORD: &str = "cargo xtask instructions --record";

/// What a count is, held against the recorded one; each says so.
#[derive(Debug, PartialEq)]
enum Verdict {
    AsRecorded(String),
    /// So much less that the record would let a slower path pass.
    Stale(String),
    Slower(String),
}

fn verdict(now: f64, before: f64) -> Verdict {
    let change = (now / before - 1.0) * 100.0;
    let said = format!("{now:.0} instructions a line, {before:.0} recorded ({change:+.1} %)");
    if now > before * TOLERANCE {
        Verdict::Slower(said)
    } else if now * TOLERANCE < before {
        Verdict::Stale(said)
    } else {
        Verdict::AsRecorded(said)
    }
}

fn record() -> Result<(), String> {
    let mut counted = counted()?;
    counted.insert(
        "compiler".into(),
        json!(run::output(Command::new("rustc").arg("--version"))?.trim()),
    );
    let text = serde_json::to_string_pretty(&counted).map_err(|error| error.to_string())?;
    run::write(&recorded(), &(text + "\n"))
}

fn recorded() -> PathBuf {
    run::root().join("xtask").join("instructions.json")
}

/// Instructions per line of every path.
fn counted() -> Result<Map<String, Value>, String> {
    run::cargo(&["build", "--release", "--workspace", "--example", "hot_path"])?;
    let each = PATHS.iter().map(|path| Ok(((*path).to_owned(), json!(count(path)?))));
    each.collect()
}

fn count(path: &str) -> Result<f64, String> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    valgrind.arg(format!("--toggle-collect=hot_path::{path}"));
    valgrind.arg(run::target().join("release").join("examples").join("hot_path")).arg(path);
    let output = valgrind.output().map_err(|error| {
        format!(
            "valgrind: {error}; `apt install valgrind`, or leave it out with --without valgrind"
        )
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    let records = String::from_utf8_lossy(&output.stdout);
    let number = |text: &str, after: &str| -> Option<f64> {
        let rest = text.split_once(after)?.1.trim_start();
        rest.split_whitespace().next()?.parse().ok()
    };
    let counted = number(&said, "Collected :").filter(|count| *count > 0.0);
    let lines = number(&format!("={records}"), "=");
    counted
        .zip(lines)
        .map(|(count, lines)| (count / lines).round())
        .ok_or_else(|| format!("callgrind counted nothing in `{path}`: {}\n{said}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_instructions_than_recorded_are_an_error() {
        let said = |text: &str| text.to_owned();
        for (now, verdict_of_it) in [
            (1100.0, Verdict::Slower(said("1100 instructions a line, 1000 recorded (+10.0 %)"))),
            (1049.0, Verdict::AsRecorded(said("1049 instructions a line, 1000 recorded (+4.9 %)"))),
            (960.0, Verdict::AsRecorded(said("960 instructions a line, 1000 recorded (-4.0 %)"))),
            (700.0, Verdict::Stale(said("700 instructions a line, 1000 recorded (-30.0 %)"))),
        ] {
            assert_eq!(verdict(now, 1000.0), verdict_of_it);
        }
    }
}
