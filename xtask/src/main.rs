//! twofold's chores: `cargo xtask test`, `stack`, `compose`, `kibana`, `lint`, `faults`, `instructions`, `bench`.

mod bench;
mod compose;
mod faults;
mod image;
mod instructions;
mod python;
mod recipes;
mod run;
mod stack;
mod test;

use std::process::ExitCode;

const HELP: &str = "cargo xtask COMMAND

  test    [--without WHAT]… [FILTER…]    all tests: on their own, on real servers, the README's recipes;
                                         WHAT is kafka, elasticsearch, s3, browser, python or valgrind
  stack   up|down|status|…               real Kafka, Elasticsearch and S3 on this machine; `stack` alone says more
  compose                                docker-compose.yaml for real, until its page is filled; needs a container engine
  kibana                                 write kibana/ from the tables of views and measures
  lint                                   clippy on everything, warnings are errors
  faults  [--rounds N] [--kills N] [--outage S] [--seed S]
                                         kill -9 and what else goes wrong, also on real servers; writes RELIABILITY.md
  instructions [--record]                count instructions per line of the hot paths (valgrind), as `test` does
  bench   [NAME…] [--peers] [--charts] [--lines N] [--runs N]
                                         measure; writes BENCHMARKS.md
  bench   spikes [detector|whole|cost]  what the spike detector finds in generated weeks, and its cost;
                                         writes docs/spikes.md
  bench   nab --at DIR                   the same detector on the Numenta Anomaly Benchmark";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match command.as_str() {
        "test" => test::main(&rest),
        "stack" => stack::main(&rest),
        "kibana" => kibana(),
        "lint" => lint(),
        "faults" => faults::main(&rest),
        "instructions" => instructions::main(&rest),
        "compose" => compose::up::main(),
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

fn lint() -> Result<(), String> {
    run::cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// The test that holds the files against the tables writes them, too.
fn kibana() -> Result<(), String> {
    let bless = "env.TWOFOLD_BLESS='1'";
    run::cargo(&[
        "--config",
        bless,
        "test",
        "--release",
        "--workspace",
        "--test",
        "kibana",
        "committed",
    ])
}
