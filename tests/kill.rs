//! kill -9 of the real binary at random instants: afterwards index, archive and
//! audit are as if nothing had happened.

mod common;

use std::process::{Child, Stdio};
use std::time::Duration;

use common::random::{Random, number};
use common::{EXACT, Traffic, assert_fields, json, ok, text, twofold, without_sketches};

/// How often a test kills; `cargo xtask faults` sets more.
fn kills() -> u64 {
    number("TWOFOLD_TEST_KILLS", 20)
}

#[test]
fn a_killed_run_ends_as_if_nothing_had_happened() {
    let mut random = Random::seeded();
    let traffic = Traffic::new("demo", 60_000, 11);
    let data = traffic.data("killed");
    let run = ["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)];
    let mut survived = 0;
    for _ in 0..kills() {
        let child = twofold(&run).stderr(Stdio::null()).spawn().unwrap();
        survived += u64::from(!killed_after(child, random.below(900)));
    }
    ok(&run);
    let report = json(&["report", "--json", "--data", &data]);
    assert_fields(&report, &traffic.answers, &EXACT);
    assert_eq!(report["exact"], true);
    let audit = json(&["audit", "--json", "--data", &data]);
    assert_eq!(audit["ok"], true, "{audit}");
    assert_eq!(audit["archived"], traffic.answers["lines"]);
    assert!(ok(&["export", "--data", &data]) == std::fs::read(&traffic.log).unwrap(), "export");
    println!(
        "fault: kill -9 of `run` at a random instant | {} ({survived} had ended before) | \
         index, archive and audit equal to the generator's answers",
        kills()
    );
}

/// The speed layer alone: its rows must be those of an undisturbed run, too.
#[test]
fn a_killed_speed_layer_leaves_the_rows_of_an_undisturbed_one() {
    let mut random = Random::seeded();
    let traffic = Traffic::new("bench", 60_000, 12);
    let (killed, undisturbed) = (traffic.data("killed"), traffic.data("undisturbed"));
    fn speed<'a>(data: &'a str, log: &'a str) -> [&'a str; 6] {
        ["speed", "--to-end", "--data", data, "--source", log]
    }
    for _ in 0..kills() {
        let child =
            twofold(&speed(&killed, text(&traffic.log))).stderr(Stdio::null()).spawn().unwrap();
        killed_after(child, random.below(300));
    }
    ok(&speed(&killed, text(&traffic.log)));
    ok(&speed(&undisturbed, text(&traffic.log)));
    let report = |data: &str| json(&["report", "--json", "--data", data]);
    let (killed, undisturbed) = (report(&killed), report(&undisturbed));
    let [low, high] = [0, 1].map(|at| undisturbed["distinct_clients_bounds"][at].as_f64().unwrap());
    assert!((low..=high).contains(&killed["distinct_clients"].as_f64().unwrap()));
    assert_eq!(without_sketches(killed), without_sketches(undisturbed));
    println!(
        "fault: kill -9 of `speed` at a random instant | {} | the rows of an undisturbed run",
        kills()
    );
}

/// Whether the kill met the process alive.
fn killed_after(mut child: Child, milliseconds: u64) -> bool {
    std::thread::sleep(Duration::from_millis(milliseconds));
    let alive = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    alive
}
