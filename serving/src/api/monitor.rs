//! Health and metrics of a part that serves nothing else: speed layer, archiver, batch layer.
//!
//! `/health` says that the process answers, `/ready` whether its work makes progress. What is shown are
//! counts of records, never what is in them; so, unlike the API, it asks nobody for a token.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};

use axum::Router;
use axum::routing::get;

use super::recorder;
use super::transport::Transport;

/// A monitor that listens, and does not answer yet.
pub struct Monitor {
    listener: TcpListener,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Monitor {
    /// Listens on `address` (port 0: any free one). From here on, metrics are counted.
    ///
    /// # Errors
    /// Where the address is taken or not ours.
    pub fn bind(address: SocketAddr) -> std::io::Result<Self> {
        recorder();
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Answers until `shutdown` is done.
    ///
    /// # Errors
    /// Of the system.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let router = Router::new()
            .route("/health", get(async || "ok\n"))
            .route("/ready", get(async || super::ready()))
            .route("/metrics", get(async || recorder().render()));
        Transport::Plain.serve(self.listener, router, shutdown).await
    }
}
