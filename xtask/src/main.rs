//! twofold's chores: `cargo xtask test`, `lint`, `faults`, `bench`.

mod bench;
mod faults;
mod recipes;
mod run;

use std::process::ExitCode;

const HELP: &str = "cargo xtask COMMAND

  test    [--without python] [FILTER…]   all tests, and the README's recipes against a real archive
  lint                                   clippy on everything, warnings are errors
  faults  [--rounds N] [--seed S]        kill -9 at random instants; writes RELIABILITY.md
  bench   [NAME…] [--lines N] [--runs N] measure; writes BENCHMARKS.md";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match command.as_str() {
        "test" => test(&rest),
        "lint" => lint(),
        "faults" => faults::main(&rest),
        "bench" => bench::main(&rest),
        _ => Err(HELP.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The release profile is the only one that is compiled, so that after
/// `cargo run --release -- demo` no dependency is compiled again.
fn test(arguments: &[String]) -> Result<(), String> {
    let without_python = arguments.windows(2).any(|pair| pair == ["--without", "python"]);
    let filter: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--") && *argument != "python")
        .collect();
    run::cargo(&["build", "--release", "--bin", "twofold"])?;
    run::cargo(&[&["test", "--release", "--workspace"], filter.as_slice()].concat())?;
    if without_python {
        println!("NOT RUN: the README's recipes (--without python)");
        return Ok(());
    }
    recipes::main()
}

fn lint() -> Result<(), String> {
    run::cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"])
}
