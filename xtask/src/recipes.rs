//! The README's recipes for reading the archive, run against a real one with the
//! real DuckDB and Polars, and compared with what twofold itself says.

use std::path::Path;
use std::process::Command;

use crate::run;

const LINES: u64 = 20_000;

/// Runs each Python recipe of the README and checks its answer.
pub fn main(python: &Path) -> Result<(), String> {
    let folder = run::scratch("recipes")?;
    let log = folder.join("access.log");
    let data = folder.join("data");
    let lines = LINES.to_string();
    run::seen(twofold().args(["generate", "--seed", "7", "--lines", &lines, "--out"]).arg(&log))?;
    run::seen(
        twofold()
            .args(["run", "--to-end", "--no-serve", "--data"])
            .arg(&data)
            .arg("--source")
            .arg(&log),
    )?;
    let report = run::output(twofold().args(["report", "--json", "--data"]).arg(&data))?;
    let report: serde_json::Value =
        serde_json::from_str(&report).map_err(|error| format!("report --json: {error}"))?;
    let recipes = recipes()?;
    if recipes.len() < 2 {
        return Err("README.md has no Python recipes for DuckDB and Polars any more".into());
    }
    for (number, recipe) in recipes.iter().enumerate() {
        check(
            python,
            &folder,
            &recipe.replace("twofold-data", &data.display().to_string()),
            &report,
        )
        .map_err(|error| format!("recipe {} of README.md: {error}", number + 1))?;
    }
    println!("{} recipes of the README agree with `twofold report`", recipes.len());
    Ok(())
}

fn twofold() -> Command {
    Command::new(run::twofold())
}

/// A recipe prints the number of requests on its last line.
fn check(
    python: &Path,
    folder: &Path,
    recipe: &str,
    report: &serde_json::Value,
) -> Result<(), String> {
    let script = folder.join("recipe.py");
    std::fs::write(&script, recipe).map_err(|error| error.to_string())?;
    let printed = run::output(Command::new(python).arg(&script))?;
    let requests = printed.lines().last().unwrap_or_default().trim();
    if requests.parse().ok() == report["requests"].as_u64() {
        return Ok(());
    }
    Err(format!("it says {requests} requests, `twofold report` says {}", report["requests"]))
}

fn recipes() -> Result<Vec<String>, String> {
    let path = run::root().join("README.md");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("README.md: {error}"))?;
    let blocks = text.split("```python\n").skip(1);
    Ok(blocks.filter_map(|block| block.split("```").next()).map(str::to_owned).collect())
}
