//! `twofold serve`, and the server that `run` and `demo` start.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::sync::oneshot;
use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::lines::lines;
use twofold_serving::api::{LineFilter, LineSource, Server, Sources};

use super::{configured, flag, stop};
use crate::cli::Serve;
use crate::config::{Config, Layers};
use crate::place::{Place, Store};

/// Serves until it is told to stop.
pub fn run(arguments: &Serve, mut layers: Layers) -> anyhow::Result<ExitCode> {
    flag(&mut layers, "serve.listen", arguments.listen.as_deref())?;
    let config = configured(layers, &arguments.data)?;
    let place = Place::open(&config)?;
    let server = start(&config, &place)?;
    eprintln!("listening on http://{}", server.address);
    while !stop::told() {
        stop::sleep(Duration::from_secs(3600));
    }
    server.stop();
    Ok(ExitCode::SUCCESS)
}

/// A server on a thread of its own.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Stops answering, and waits for what is being answered, for a little while.
    pub fn stop(self) {
        let _ = self.shutdown.send(());
        let until = std::time::Instant::now() + Duration::from_secs(2);
        while !self.thread.is_finished() && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Starts serving a data directory.
pub fn start(config: &Config, place: &Place) -> anyhow::Result<Running> {
    let listen = &config.serve.listen;
    let address: SocketAddr = listen.parse().with_context(|| {
        format!("`serve.listen` is `{listen}`; write ADDRESS:PORT, such as 127.0.0.1:8080")
    })?;
    anyhow::ensure!(
        address.ip().is_loopback(),
        "the API has no access control yet, so it listens on loopback only; \
         put a proxy with authentication before 127.0.0.1:{}",
        address.port()
    );
    let sources = Sources {
        index: place.index()?,
        history: Some(Arc::new(History::open(place.history()?)?)),
        lines: Some(Arc::new(ArchiveLines(place.archive()?))),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let server = runtime.block_on(Server::bind(address, sources)).with_context(|| {
        format!("cannot listen on {address}; choose another port with --listen 127.0.0.1:PORT")
    })?;
    let (shutdown, told) = oneshot::channel::<()>();
    let address = server.address;
    let thread = std::thread::spawn(move || {
        let outcome = runtime.block_on(server.run(async {
            let _ = told.await;
        }));
        if let Err(error) = outcome {
            tracing::error!(%error, "the server stopped");
        }
    });
    Ok(Running { address, shutdown, thread })
}

/// Raw lines out of the archive.
struct ArchiveLines(Store);

impl LineSource for ArchiveLines {
    fn lines(&self, wanted: &LineFilter) -> Result<Vec<Value>, String> {
        let archive = Archive::open(Arc::clone(&self.0)).map_err(|error| error.to_string())?;
        let (found, _) = lines(&archive, wanted).map_err(|error| error.to_string())?;
        found
            .iter()
            .map(|line| serde_json::to_value(line).map_err(|error| error.to_string()))
            .collect()
    }
}
