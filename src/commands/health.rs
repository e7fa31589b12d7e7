//! `twofold health`: asks a running server, as a container's health check does.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::cli::Health;
use crate::output;

/// Exit status 1 if the server does not answer, or not with 200.
pub fn run(arguments: &Health) -> anyhow::Result<ExitCode> {
    let url = format!("{}/health", arguments.url.trim_end_matches('/'));
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into();
    let mut answer = agent.get(&url).call().with_context(|| {
        format!("{url} is not healthy; does `twofold serve` or `run` listen there?")
    })?;
    let body = answer.body_mut().read_to_string().unwrap_or_default();
    output::text(&format!("{}\n", body.trim()))?;
    Ok(ExitCode::SUCCESS)
}
