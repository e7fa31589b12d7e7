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
use twofold_batch::audit::{Unasked, audit};
use twofold_batch::history::History;
use twofold_data::class::PageRules;
use twofold_serving::api::{ArchiveSource, LineFilter, Lines, Server, Sources};
use twofold_serving::index::Index;
use twofold_serving::query::{Sliced, Slices, Slicing};

use super::tail::AllLines;
use super::{configured, flag, parts, spikes, stop};
use crate::cli::Serve;
use crate::config::{Config, Layers};
use crate::place::{Place, Store};

/// How many records one question may search in the archive; older ones are said to be left out.
const MOST_SEARCHED: u64 = 20_000_000;

/// Serves until it is told to stop.
pub fn run(arguments: &Serve, mut layers: Layers) -> anyhow::Result<ExitCode> {
    flag(&mut layers, "serve.listen", arguments.listen.as_deref())?;
    let mut config = configured(layers, &arguments.data)?;
    if !arguments.source.is_empty() {
        config.source.paths.clone_from(&arguments.source);
    }
    let place = Place::open(&config)?;
    let server = start(&config, &place)?;
    eprintln!("listening on http://{}", server.address);
    let index: Arc<dyn Index> = place.index()?;
    spikes::judge(&config, &index, stop::flag())?;
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
        archive: Some(Arc::new(Archived::new(config, place.archive()?))),
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

/// What only the archive can tell.
struct Archived {
    lines: AllLines,
    store: Store,
    rules: PageRules,
}

impl Archived {
    fn new(config: &Config, store: Store) -> Self {
        let lines = AllLines::new(config, Arc::clone(&store));
        Self { lines, store, rules: parts::rules(config) }
    }

    fn archive(&self) -> Result<Archive, String> {
        Archive::open(Arc::clone(&self.store)).map_err(|error| error.to_string())
    }
}

impl ArchiveSource for Archived {
    fn lines(&self, wanted: &LineFilter) -> Result<Lines, String> {
        self.lines.page(wanted).map_err(|error| format!("{error:#}"))
    }

    fn audit(&self, index: &dyn Index) -> Result<Value, String> {
        let audit = audit(&self.archive()?, index, &Unasked);
        let audit = audit.map_err(|error| error.to_string())?;
        serde_json::to_value(audit).map_err(|error| error.to_string())
    }
}

impl Slices for Archived {
    fn slice(&self, question: &Slicing) -> Result<Sliced, String> {
        let archive = self.archive()?;
        twofold_batch::slice::slice(&archive, question, self.rules, MOST_SEARCHED)
            .map_err(|error| error.to_string())
    }
}
