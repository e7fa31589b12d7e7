//! The HTTP API: JSON under `/api/v1/`, the page at `/`, health and metrics.
//!
//! Reads go to the blocking pool, a bounded number at once. Every answer carries
//! generation and boundary, every number whether it is exact.

mod error;
mod events;
mod headers;
mod openapi;
mod parameters;
mod routes;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use twofold_data::minute::Minute;

use crate::index::Index;
use crate::query::History;

pub use error::ApiError;

/// Reads that run at once; more wait.
const READS: usize = 8;

/// What the API answers from.
#[derive(Clone)]
pub struct Sources {
    /// The index.
    pub index: Arc<dyn Index>,
    /// The batch layer's exact tables, for `?exact=true`.
    pub history: Option<Arc<dyn History>>,
    /// The raw lines, for `/lines`.
    pub lines: Option<Arc<dyn LineSource>>,
}

/// Where raw lines come from.
pub trait LineSource: Send + Sync {
    /// The lines that a filter admits, each as a JSON object.
    ///
    /// # Errors
    /// Says what could not be read.
    fn lines(&self, filter: &LineFilter) -> Result<Vec<Value>, String>;
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
    /// Only lines with this text in them.
    pub contains: Option<String>,
    /// Only lines that no format matched.
    pub malformed: bool,
    /// At most so many.
    pub limit: usize,
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    sources: Sources,
    reads: Arc<Semaphore>,
    metrics: PrometheusHandle,
}

/// A server that listens, and does not answer yet.
pub struct Server {
    listener: TcpListener,
    router: Router,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Listens on `address` (port 0: any free one).
    ///
    /// # Errors
    /// Where the address is taken or not ours.
    pub async fn bind(address: SocketAddr, sources: Sources) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared =
            Shared { sources, reads: Arc::new(Semaphore::new(READS)), metrics: recorder() };
        let router = headers::guarded(routes::router(shared), address);
        Ok(Self { listener, router, address })
    }

    /// Answers until `shutdown` is done.
    ///
    /// # Errors
    /// Of the system.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        axum::serve(self.listener, self.router).with_graceful_shutdown(shutdown).await
    }
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
    /// Asks on the blocking pool.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Sources) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let _permit =
            self.reads.acquire().await.map_err(|_| ApiError::internal("shutting down"))?;
        let sources = self.sources.clone();
        let answer = tokio::task::spawn_blocking(move || question(&sources)).await;
        answer.map_err(|error| ApiError::internal(error.to_string()))?
    }
}
