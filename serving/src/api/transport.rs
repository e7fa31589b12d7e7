//! Plain HTTP, or TLS by rustls with certificates that are renewed while we run.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;

use super::access::Tls;

/// How often certificate and key are read again.
const RENEWED: Duration = Duration::from_secs(3600);

/// What is being answered when the server stops has so long.
const GRACE: Duration = Duration::from_secs(2);

/// How a connection is spoken.
pub enum Transport {
    /// As it is.
    Plain,
    /// Encrypted, with files that are read again from time to time.
    Encrypted(RustlsConfig, Tls),
}

impl Transport {
    /// Reads certificate and key, where there are any.
    ///
    /// # Errors
    /// Where they don't read, or don't belong together.
    pub async fn load(tls: Option<Tls>) -> std::io::Result<Self> {
        let Some(tls) = tls else { return Ok(Self::Plain) };
        // It may be there already: `main` and other servers of this process install the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        for file in [&tls.certificate, &tls.key] {
            readable(file)?;
        }
        let config = RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await;
        let config = config.map_err(|error| {
            let (certificate, key) = (tls.certificate.display(), tls.key.display());
            let reason =
                format!("{certificate} and {key} are no certificate with its key: {error}");
            std::io::Error::new(error.kind(), reason)
        })?;
        Ok(Self::Encrypted(config, tls))
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Encrypted(..) => "https",
        }
    }

    /// Answers until `shutdown` is done.
    pub async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let handle: Handle<SocketAddr> = Handle::new();
        let stopping = handle.clone();
        tokio::spawn(async move {
            shutdown.await;
            stopping.graceful_shutdown(Some(GRACE));
        });
        let service = router.into_make_service();
        match self {
            Self::Plain => axum_server::from_tcp(listener)?.handle(handle).serve(service).await,
            Self::Encrypted(config, tls) => {
                let renewing = tokio::spawn(renew(config.clone(), tls));
                let server = axum_server::from_tcp_rustls(listener, config)?.handle(handle);
                let served = server.serve(service).await;
                renewing.abort();
                served
            }
        }
    }
}

fn readable(file: &Path) -> std::io::Result<()> {
    std::fs::File::open(file)
        .map(drop)
        .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

/// A certificate that does not read leaves the old one in place.
async fn renew(config: RustlsConfig, tls: Tls) {
    loop {
        tokio::time::sleep(RENEWED).await;
        if let Err(error) = config.reload_from_pem_file(&tls.certificate, &tls.key).await {
            let file = tls.certificate.display();
            tracing::error!(%error, %file, "the certificate was not renewed");
        }
    }
}
