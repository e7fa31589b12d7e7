//! The faults at full count: kill -9 and the rest, by the tests themselves.

use std::process::Command;

use crate::run;

/// Runs the fault tests with full counts and writes RELIABILITY.md.
pub fn main(arguments: &[String]) -> Result<(), String> {
    let rounds = run::option(arguments, "--rounds")?.unwrap_or(100);
    let seed = run::option(arguments, "--seed")?.unwrap_or(1);
    run::cargo(&["build", "--release", "--bin", "twofold"])?;
    let printed = run::output(
        Command::new("cargo")
            .args(["test", "--release", "--test", "kill", "--", "--nocapture", "--test-threads=1"])
            .env("TWOFOLD_KILLS", rounds.to_string())
            .env("TWOFOLD_SEED", seed.to_string())
            .current_dir(run::root()),
    )?;
    let findings: Vec<&str> = printed.lines().filter(|line| line.starts_with("fault: ")).collect();
    if findings.is_empty() {
        return Err(format!("the fault tests said nothing:\n{printed}"));
    }
    let path = run::root().join("RELIABILITY.md");
    std::fs::write(&path, page(&findings, rounds, seed)).map_err(|error| error.to_string())?;
    println!("{}", findings.join("\n"));
    Ok(())
}

fn page(findings: &[&str], rounds: u64, seed: u64) -> String {
    let mut text = String::from(
        "# Reliability\n\nWhat was done to the real binary, and what was left afterwards. Written by:\n\n",
    );
    text += &format!("    cargo xtask faults --rounds {rounds} --seed {seed}\n\n");
    text += "| fault | times | outcome |\n|---|---|---|\n";
    for finding in findings {
        text += &format!("| {} |\n", finding.trim_start_matches("fault: "));
    }
    text
}
