//! The HTTP API: JSON under `/api/v1/`, the page at `/`, health and metrics.
//!
//! Reads go to the blocking pool, a bounded number at once. Every answer carries
//! generation and boundary, every number whether it is exact.

pub mod access;
mod answers;
mod archive;
mod error;
mod events;
mod headers;
mod kept;
mod monitor;
mod openapi;
mod parameters;
mod routes;
mod transport;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use twofold_data::minute::{MINUTE_MS, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::Filter;

use crate::index::Index;
use crate::query::{History, Slices};

pub use access::Access;
pub use error::ApiError;
pub use kept::kept_page;
pub use monitor::Monitor;
use transport::Transport;

/// Reads that run at once; more wait.
const READS: usize = 8;

/// What the API answers from.
#[derive(Clone)]
pub struct Sources {
    /// The index.
    pub index: Arc<dyn Index>,
    /// The batch layer's exact tables, for `?exact=true`.
    pub history: Option<Arc<dyn History>>,
    /// The archive, for `/lines`, `/slice` and `/audit`.
    pub archive: Option<Arc<dyn ArchiveSource>>,
}

/// Whether this process's parts get on; else what stands still, for probes of readiness.
fn ready() -> Result<&'static str, ApiError> {
    let stalled = crate::pulse::stalled();
    if stalled.is_empty() { Ok("ready\n") } else { Err(ApiError::stalled(&stalled)) }
}

/// What only the archive can tell.
pub trait ArchiveSource: Slices + Send + Sync {
    /// The lines that a filter admits.
    ///
    /// # Errors
    /// Says what could not be read.
    fn lines(&self, filter: &LineFilter) -> Result<Lines, String>;

    /// The audit of archive and index, as `twofold audit --json` tells it.
    ///
    /// # Errors
    /// Says what could not be read.
    fn audit(&self, index: &dyn Index) -> Result<Value, String>;
}

/// A page of lines.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Lines {
    /// The lines, each as a JSON object: those of the archive and those that are not archived yet.
    pub lines: Vec<Value>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<String>,
    /// Whether all that is not archived yet was looked through, too.
    pub complete: bool,
}

/// Which lines are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineFilter {
    /// From this minute on.
    pub from: Option<Minute>,
    /// Up to this minute, itself left out.
    pub to: Option<Minute>,
    /// Only this client.
    pub client: Option<String>,
    /// Only this path.
    pub path: Option<String>,
    /// Only this status.
    pub status: Option<u16>,
    /// Only requests that this filter admits.
    pub only: Filter,
    /// Only lines with this text in them.
    pub contains: Option<String>,
    /// Only lines that no format matched.
    pub malformed: bool,
    /// Only lines after this one, in the order of partitions and offsets.
    pub after: Option<(Partition, u64)>,
    /// At most so many.
    pub limit: usize,
}

/// What a filter looks at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Event time (ms); of what is no request the instant that it counts for.
    pub time: i64,
    /// `request`, `blank`, or why it is malformed.
    pub outcome: &'a str,
    /// The client.
    pub client: Option<&'a str>,
    /// The path without query.
    pub path: Option<&'a str>,
    /// The status, where it is a request.
    pub status: Option<u16>,
}

impl LineFilter {
    /// The span of event time (ms): its beginning, and its end, itself left out.
    pub fn span(&self) -> (i64, i64) {
        let from = self.from.map_or(i64::MIN, |from| from.0.saturating_mul(MINUTE_MS));
        let to = self.to.map_or(i64::MAX, |to| to.0.saturating_mul(MINUTE_MS));
        (from, to)
    }

    /// Whether a line is wanted, as far as its fields tell.
    pub fn admits(&self, seen: &Seen<'_>) -> bool {
        let (from, to) = self.span();
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        (from..to).contains(&seen.time)
            && (!self.malformed || !matches!(seen.outcome, "request" | "blank"))
            && self.status.is_none_or(|status| seen.status == Some(status))
            && is(&self.client, seen.client)
            && is(&self.path, seen.path)
    }

    /// Whether a record comes after the last one of the page before.
    pub fn follows(&self, partition: &Partition, offset: u64) -> bool {
        self.after.as_ref().is_none_or(|(known, last)| (known, last) < (partition, &offset))
    }

    /// Whether a line has the text that is wanted.
    pub fn admits_text(&self, line: &str) -> bool {
        self.contains.as_ref().is_none_or(|part| line.contains(part.as_str()))
    }
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    sources: Sources,
    reads: Arc<Semaphore>,
    /// Searches of the archive: one at once.
    searches: Arc<Semaphore>,
    audited: Arc<archive::Audited>,
    answers: Arc<answers::Answers>,
    news: Arc<events::News>,
    metrics: PrometheusHandle,
}

/// A server that listens, and does not answer yet.
pub struct Server {
    listener: TcpListener,
    router: Router,
    transport: Transport,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Listens on `address` (port 0: any free one), in plain HTTP and for everybody.
    ///
    /// # Errors
    /// Where the address is taken, not ours, or not on loopback.
    pub async fn bind(address: SocketAddr, sources: Sources) -> std::io::Result<Self> {
        Self::bind_with(address, sources, Access::default()).await
    }

    /// Listens on `address` for those whom `access` admits.
    ///
    /// # Errors
    /// Where the address is taken or not ours, certificate or key don't read, or
    /// [`access::AccessError`] is in the way.
    pub async fn bind_with(
        address: SocketAddr,
        sources: Sources,
        access: Access,
    ) -> std::io::Result<Self> {
        access.check(address).map_err(std::io::Error::other)?;
        let transport = Transport::load(access.tls.clone()).await?;
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let router = headers::guarded(routes::router(Shared::new(sources)), address, access);
        Ok(Self { listener, router, transport, address })
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("{}://{}", self.transport.scheme(), self.address)
    }

    /// Answers until `shutdown` is done.
    ///
    /// # Errors
    /// Of the system.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        self.transport.serve(self.listener, self.router, shutdown).await
    }
}

/// Answers one GET of `target` (path and query) without a connection, so that any target can be
/// tried quickly; `None` where that is no target. The events never end: don't ask for them.
///
/// # Errors
/// Where the answer's body fails.
pub async fn answer(sources: Sources, target: &str) -> Result<Option<(u16, Vec<u8>)>, String> {
    let Ok(request) = Request::builder().uri(target).body(Body::empty()) else { return Ok(None) };
    let Ok(response) = routes::router(Shared::new(sources)).oneshot(request).await;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    Ok(Some((status, body.map_err(|error| error.to_string())?.to_vec())))
}

/// The process's recorder of metrics: there can be only one.
fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics was there first; /metrics stays empty");
        }
        handle
    };
    RECORDER.get_or_init(install).clone()
}

impl Shared {
    fn new(sources: Sources) -> Self {
        Self {
            sources,
            reads: Arc::new(Semaphore::new(READS)),
            searches: Arc::new(Semaphore::new(1)),
            audited: Arc::default(),
            answers: Arc::default(),
            news: Arc::default(),
            metrics: recorder(),
        }
    }

    /// Asks on the blocking pool.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Sources) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.within(&self.reads, question).await
    }

    /// Asks the archive: that takes longer, so that only one asks at once.
    async fn search<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Sources) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.within(&self.searches, question).await
    }

    async fn within<T: Send + 'static>(
        &self,
        most: &Semaphore,
        question: impl FnOnce(&Sources) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let _permit = most.acquire().await.map_err(|_| ApiError::internal("shutting down"))?;
        let sources = self.sources.clone();
        let answer = tokio::task::spawn_blocking(move || question(&sources)).await;
        answer.map_err(|error| ApiError::internal(error.to_string()))?
    }
}
