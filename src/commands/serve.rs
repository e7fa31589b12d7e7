//! `twofold serve`, and the server that `run` and `demo` start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use twofold_batch::archive::Archive;
use twofold_batch::audit::{Unasked, audit};
use twofold_batch::history::History;
use twofold_data::class::PageRules;
use twofold_serving::api::access::{Access, Tls};
use twofold_serving::api::{ArchiveSource, LineFilter, Lines, Server, Sources};
use twofold_serving::index::Index;
use twofold_serving::query::{Sliced, Slices, Slicing};
use twofold_serving::secret::Secret;

use super::tail::AllLines;
use super::{configured, flag, parts, spikes, stop};
use crate::cli::{Listen, Serve};
use crate::config::{self, Config, Layers};
use crate::place::{Place, Store};

/// How many records one question may search in the archive; older ones are said to be left out.
const MOST_SEARCHED: u64 = 20_000_000;

/// Serves until it is told to stop.
pub fn run(arguments: &Serve, mut layers: Layers) -> anyhow::Result<ExitCode> {
    listen(&mut layers, &arguments.listen)?;
    let mut config = configured(layers, &arguments.data)?;
    if !arguments.source.is_empty() {
        config.source.paths.clone_from(&arguments.source);
    }
    let place = Place::to_read(&config)?;
    let server = start(&config, &place)?;
    eprintln!("listening on {}", server.url);
    let index: Arc<dyn Index> = place.index()?;
    if index.is_read_only() {
        eprintln!(
            "twofold: {} is read-only: what is stored is served, and no spikes are looked for",
            place.folder().display()
        );
        stop::wait();
    } else {
        spikes::judge(&config, &index, stop::flag())?;
    }
    server.stop();
    Ok(ExitCode::SUCCESS)
}

/// Sets what the flags say of where to serve.
pub fn listen(layers: &mut Layers, arguments: &Listen) -> anyhow::Result<()> {
    for (key, value) in [
        ("serve.listen", &arguments.address),
        ("serve.token_file", &arguments.token_file),
        ("serve.certificate", &arguments.certificate),
        ("serve.key", &arguments.key),
    ] {
        flag(layers, key, value.as_deref())?;
    }
    flag(layers, "serve.behind_proxy", arguments.behind_proxy.then_some("true"))
}

/// Where to listen, and for whom; an error if that is not safe.
pub fn reach(serve: &config::Serve) -> anyhow::Result<(SocketAddr, Access)> {
    let listen = &serve.listen;
    let address: SocketAddr = listen.parse().with_context(|| {
        format!("`serve.listen` is `{listen}`; write ADDRESS:PORT, such as 127.0.0.1:8080")
    })?;
    let access = access(serve)?;
    access.check(address)?;
    Ok((address, access))
}

fn access(serve: &config::Serve) -> anyhow::Result<Access> {
    let given = |text: &String| (!text.is_empty()).then(|| PathBuf::from(text));
    let tls = match (given(&serve.certificate), given(&serve.key)) {
        (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
        (None, None) => None,
        _ => anyhow::bail!(
            "serve.certificate and serve.key belong together; only one of them is set"
        ),
    };
    let token = match given(&serve.token_file) {
        None => serve.token.clone(),
        Some(file) => {
            let read = std::fs::read_to_string(&file);
            let text =
                read.with_context(|| format!("cannot read serve.token_file, {}", file.display()))?;
            anyhow::ensure!(
                !text.trim().is_empty(),
                "serve.token_file, {}, is empty",
                file.display()
            );
            Secret::new(text.trim())
        }
    };
    Ok(Access { token, tls, behind_proxy: serve.behind_proxy })
}

/// Done once a server is told to stop.
pub type Told = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server on a thread of its own.
pub struct Running {
    /// Where clients find it.
    pub url: String,
    shutdown: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Answers on a thread of its own, until it is stopped; `kept` is dropped after the runtime.
    pub fn start<F>(
        runtime: Runtime,
        url: String,
        kept: impl Send + 'static,
        serve: impl FnOnce(Told) -> F,
    ) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let (shutdown, told) = oneshot::channel::<()>();
        let serving = serve(Box::pin(async {
            let _ = told.await;
        }));
        let thread = std::thread::spawn(move || {
            if let Err(error) = runtime.block_on(serving) {
                tracing::error!(%error, "the server stopped");
            }
            drop(runtime);
            drop(kept);
        });
        Self { url, shutdown, thread }
    }

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
    let (address, access) = reach(&config.serve)?;
    let sources = Sources {
        index: place.index()?,
        history: Some(Arc::new(History::open(place.history()?)?)),
        archive: Some(Arc::new(Archived::new(config, place.archive()?))),
    };
    // The stores have runtimes of their own, which must not be dropped within this one's.
    let kept = (sources.history.clone(), sources.archive.clone());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let server =
        runtime.block_on(Server::bind_with(address, sources, access)).with_context(|| {
            format!("cannot listen on {address}; choose another port with --listen 127.0.0.1:PORT")
        })?;
    let url = server.url();
    Ok(Running::start(runtime, url, kept, |told| server.run(told)))
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
