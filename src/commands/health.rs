//! `twofold health`: asks a running part whether it gets on, as a container's health check does.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::cli::Health;
use crate::output;

/// Exit status 1 if it does not answer, or says that its work stands still.
pub fn run(arguments: &Health) -> anyhow::Result<ExitCode> {
    let url = format!("{}/ready", arguments.url.trim_end_matches('/'));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (healthy, said) = runtime.block_on(ask(&url)).with_context(|| {
        format!("{url} does not answer; does `twofold serve` or `run`, or another part's `monitor.listen`, listen there?")
    })?;
    output::text(&format!("{}\n", said.trim()))?;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The certificate is made for the name by which others ask, and nothing secret is said here: so
/// any will do.
async fn ask(url: &str) -> Result<(bool, String), reqwest::Error> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .tls_danger_accept_invalid_certs(true)
        .build()?;
    let answer = client.get(url).send().await?;
    Ok((answer.status().is_success(), answer.text().await?))
}
