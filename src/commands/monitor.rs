//! Health, readiness and metrics of `speed`, `archive` and `batch --every`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use twofold_serving::api::Monitor;
use twofold_serving::pulse::Step;

use super::serve::Running;
use crate::config::Config;

/// Until it is dropped, the part is not ready.
pub fn starting() -> Step {
    Step::begin("it opens what it reads and writes", Duration::ZERO)
}

/// Starts answering, where that is configured.
pub fn start(config: &Config) -> anyhow::Result<Option<Running>> {
    let listen = &config.monitor.listen;
    if listen.is_empty() {
        return Ok(None);
    }
    let address: SocketAddr = listen.parse().with_context(|| {
        format!("`monitor.listen` is `{listen}`; write ADDRESS:PORT, such as 127.0.0.1:9100")
    })?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let monitor = Monitor::bind(address)
        .with_context(|| format!("`monitor.listen`: cannot listen on {address}"))?;
    let url = format!("http://{}", monitor.address);
    Ok(Some(Running::start(runtime, url, (), |told| monitor.run(told))))
}
