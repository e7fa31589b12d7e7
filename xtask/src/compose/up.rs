//! `cargo xtask compose`: `docker-compose.yaml` for real, where a container engine runs. Everything is started as a
//! user starts it, until the page is filled and exact, and then removed with its volumes.
//!
//! What Compose itself reads from the environment (`COMPOSE_FILE`, `DOCKER_HOST`, …) holds here, too.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::run;

/// Containers and volumes of their own, beside those that a user may have.
const PROJECT: &str = "twofold-check";

/// So long everything may take once the images are there.
const PATIENCE: Duration = Duration::from_secs(900);

/// Our services that go on, which may write nowhere but in their volumes.
const OURS: [&str; 4] = ["speed", "archive", "batch", "serve"];

/// Starts everything, checks it, and removes it again.
pub fn main() -> Result<(), String> {
    run::seen(&mut compose(&["up", "--detach"]))?;
    let outcome = filled().and_then(|()| OURS.into_iter().try_for_each(closed));
    if outcome.is_err() {
        println!(
            "everything is left as it is: `docker compose -p {PROJECT} ps --all`, `… logs`, `… down --volumes`"
        );
        return outcome;
    }
    run::seen(&mut compose(&["down", "--volumes"]))
}

fn compose(arguments: &[&str]) -> Command {
    let mut docker = Command::new("docker");
    docker.current_dir(run::root()).args(["compose", "--project-name", PROJECT]).args(arguments);
    docker
}

/// Waits until nothing is missing.
fn filled() -> Result<(), String> {
    let begin = Instant::now();
    let mut told = Vec::new();
    loop {
        let missing = missing()?;
        if missing != told {
            println!("{:4} s: {}", begin.elapsed().as_secs(), missing.join(", "));
        }
        if missing.is_empty() {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("after {PATIENCE:?} still: {}", missing.join(", ")));
        }
        told = missing;
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// What is not as it should be: services, and what the page says.
fn missing() -> Result<Vec<String>, String> {
    let names = run::output(&mut compose(&["config", "--services"]))?;
    let states = run::output(&mut compose(&["ps", "--all", "--format", "json"]))?;
    let states: Vec<Value> =
        states.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let state = |name: &str| states.iter().find(|state| state["Service"] == name);
    let services = names.lines().filter_map(|name| {
        let said = state(name).map_or("is not there", well);
        (!said.is_empty()).then(|| format!("{name} {said}"))
    });
    Ok(services.chain(page()).collect())
}

/// Nothing where a container is as it should be.
fn well(state: &Value) -> &'static str {
    match (state["State"].as_str(), state["Health"].as_str(), state["ExitCode"].as_i64()) {
        (Some("running"), Some("" | "healthy"), _) | (Some("exited"), _, Some(0)) => "",
        (Some("running"), Some("starting"), _) => "starts",
        (Some("running"), ..) => "is not healthy",
        (Some("created"), ..) => "waits",
        _ => "has ended",
    }
}

/// What the page has to say yet: a day of traffic, part of it exact.
fn page() -> Option<String> {
    let answer = ureq::get("http://127.0.0.1:8080/api/v1/status").call().ok();
    let text = answer.and_then(|mut answer| answer.body_mut().read_to_string().ok());
    let status: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
    // Before anything is exact the boundary lies at the beginning of time.
    let age = status["boundary_age_seconds"].as_i64().filter(|age| *age < DAY);
    match (status["records"].as_u64(), age) {
        (None, _) => Some("the page does not answer".into()),
        (Some(0), _) => Some("the page is empty".into()),
        (_, None) => Some("the page has only estimates".into()),
        _ => None,
    }
}

/// In seconds.
const DAY: i64 = 24 * 60 * 60;

/// A service of ours can't write its root.
fn closed(service: &str) -> Result<(), String> {
    let mut touch = compose(&["exec", "-T", service, "touch", "/touched"]);
    match run::output(&mut touch) {
        Err(complaint) if complaint.contains("Read-only file system") => Ok(()),
        Err(complaint) => Err(complaint),
        Ok(_) => Err(format!("{service} can write its root")),
    }
}
