//! The faults at full count: kill -9 and the rest, by the tests themselves.

use crate::run;
use crate::stack::{Server, Stack};

/// How often, how long, and by which random numbers.
struct Counts {
    rounds: u64,
    kills: u64,
    outage: u64,
    seed: u64,
}

/// A file of tests that say what they did in lines which begin with [`SAID`].
struct Faults {
    file: &'static str,
    /// Only tests with this in their names; empty: all.
    only: &'static str,
    on_servers: bool,
}

/// What a finding begins with; after it stand the columns of the table.
const SAID: &str = "fault: ";

const FAULTS: [Faults; 7] = [
    Faults { file: "kill", only: "", on_servers: false },
    Faults { file: "stack_kafka", only: "killed_shipper", on_servers: true },
    Faults { file: "stack_kafka_faults", only: "", on_servers: true },
    Faults { file: "stack_kafka_topics", only: "", on_servers: true },
    Faults { file: "stack_s3", only: "one_call_in_five", on_servers: true },
    Faults { file: "stack_lambda", only: "readers", on_servers: true },
    Faults { file: "stack_lambda_faults", only: "", on_servers: true },
];

/// Runs the fault tests with full counts and writes RELIABILITY.md.
pub fn main(arguments: &[String]) -> Result<(), String> {
    let number = |name: &str, default: u64| {
        run::option(arguments, name).map(|given| given.unwrap_or(default))
    };
    let counts = Counts {
        rounds: number("--rounds", 100)?,
        kills: number("--kills", 20)?,
        outage: number("--outage", 60)?,
        seed: number("--seed", 1)?,
    };
    run::cargo(&["build", "--release", "--workspace", "--bins"])?;
    let stack = Stack::shared();
    let started = stack.up(Server::USUAL)?;
    let findings = FAULTS.iter().map(|faults| faults.provoke(&stack, &counts));
    let findings = findings.collect::<Result<Vec<_>, String>>();
    stack.down(&started)?;
    run::write(&run::root().join("RELIABILITY.md"), &page(&findings?.concat(), &counts))
}

impl Faults {
    /// Runs the tests of the file; returns what they found.
    fn provoke(&self, stack: &Stack, counts: &Counts) -> Result<Vec<String>, String> {
        println!("faults: {}", self.file);
        let kills = if self.on_servers { counts.kills } else { counts.rounds };
        let mut tests = run::cargo_command();
        tests.args(["test", "--release", "--workspace", "--test", self.file, "--"]);
        tests.args(["--nocapture", "--test-threads=1"]).args(Some(self.only));
        if self.on_servers {
            tests.arg("--ignored").envs(stack.variables()?);
        }
        for (name, value) in [("KILLS", kills), ("SEED", counts.seed), ("OUTAGE", counts.outage)] {
            tests.env(format!("TWOFOLD_TEST_{name}"), value.to_string());
        }
        let printed = run::output(&mut tests)?;
        // A test's name may stand before what it says.
        let said = printed.lines().filter_map(|line| Some(line.split_once(SAID)?.1.to_owned()));
        let findings: Vec<String> = said.collect();
        if findings.is_empty() {
            return Err(format!("the tests of {} said nothing:\n{printed}", self.file));
        }
        println!("{}", findings.join("\n"));
        Ok(findings)
    }
}

fn page(findings: &[String], counts: &Counts) -> String {
    let Counts { rounds, kills, outage, seed } = counts;
    let mut text = String::from(
        "# Reliability\n\nWhat was done to the real binary and to the real servers around it, and what was left \
         afterwards. Written by:\n\n",
    );
    text += &format!(
        "    cargo xtask faults --rounds {rounds} --kills {kills} --outage {outage} --seed {seed}\n\n"
    );
    text += "| fault | times | outcome |\n|---|---|---|\n";
    for finding in findings {
        text += &format!("| {finding} |\n");
    }
    text
}
