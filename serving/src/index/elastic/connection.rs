//! Requests to the engine through the official client: retries, errors, the credentials.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use elasticsearch::Elasticsearch;
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, TransportBuilder};
use elasticsearch::http::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::index::IndexError;

/// How the engine is reached.
#[derive(Clone)]
pub struct Endpoint {
    /// Where it is: `http://host:9200`.
    pub url: String,
    /// Who asks.
    pub login: Login,
    /// The certificate authority (PEM) that signed its certificate, beside the public ones.
    pub ca: Option<PathBuf>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long a request is tried again before the index counts as away.
    pub patience: Duration,
}

/// Who asks.
#[derive(Clone)]
pub enum Login {
    /// Anybody: the engine has no access control, or the URL carries it.
    Nobody,
    /// A user with a password.
    Basic(String, String),
    /// An API key as the engine's `encoded` field gives it.
    ApiKey(String),
}

/// Secrets don't show.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Basic(..) => "Basic(…)",
            Self::ApiKey(_) => "ApiKey(…)",
        })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {:?}", shown(&self.url), self.login)
    }
}

impl Endpoint {
    /// The engine at `url`, without access control.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            login: Login::Nobody,
            ca: None,
            timeout: Duration::from_secs(30),
            patience: Duration::from_secs(20),
        }
    }
}

/// A URL without its user and password.
fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        Err(_) => "the configured URL".to_owned(),
    }
}

/// A client with its own small runtime, so that the index is synchronous.
pub(super) struct Connection {
    client: Elasticsearch,
    runtime: Option<Runtime>,
    shown: String,
    patience: Duration,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropped within a server's runtime, ours may not block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// The engine's name for it, such as `index_not_found_exception`.
    pub(super) kind: String,
    pub(super) reason: String,
}

impl Refusal {
    /// Whether what was asked for is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.status == 404
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        is_passing(self.status, &self.kind)
    }
}

/// Too many requests, a failing or starting node, a disk that is full.
pub(super) fn is_passing(status: u16, kind: &str) -> bool {
    status == 429 || status >= 500 || kind == "cluster_block_exception"
}

/// Why a request has no good answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The engine says no.
    Refused(Refusal),
    /// It doesn't answer, or is too busy to; how long it was tried depends on the request.
    Away(String),
    /// It can't be asked at all.
    Broken(String),
}

impl From<Failure> for IndexError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(Refusal { status: 401, .. }) => Self::Failed(
                "it refuses the credentials (401): set `index.api_key`, or `index.username` and \
                 `index.password`, or the files that hold them"
                    .into(),
            ),
            Failure::Refused(Refusal { status: 403, kind, reason })
                if kind != "cluster_block_exception" =>
            {
                Self::Failed(format!("the credentials may not do this (403): {reason}"))
            }
            Failure::Refused(refusal) if refusal.is_passing() => {
                Self::Unavailable(format!("{} ({})", refusal.reason, refusal.status))
            }
            Failure::Refused(Refusal { status, kind, reason }) => {
                Self::Failed(format!("{kind}: {reason} ({status})"))
            }
            Failure::Away(reason) => Self::Unavailable(reason),
            Failure::Broken(reason) => Self::Failed(reason),
        }
    }
}

impl Connection {
    pub(super) fn open(endpoint: &Endpoint) -> Result<Self, IndexError> {
        let shown = shown(&endpoint.url);
        let failed = |reason: String| IndexError::Failed(format!("{shown}: {reason}"));
        let mut url = Url::parse(&endpoint.url).map_err(|error| {
            failed(format!("{error}; the index's URL looks like http://host:9200"))
        })?;
        let login = login(&mut url, &endpoint.login);
        let mut builder =
            TransportBuilder::new(SingleNodeConnectionPool::new(url)).timeout(endpoint.timeout);
        builder = match login {
            Login::Nobody => builder,
            Login::Basic(user, password) => builder.auth(Credentials::Basic(user, password)),
            Login::ApiKey(key) => builder.auth(Credentials::EncodedApiKey(key)),
        };
        if let Some(path) = &endpoint.ca {
            let name = |error: &dyn fmt::Display| {
                failed(format!("the certificate authority {}: {error}", path.display()))
            };
            let pem = std::fs::read(path).map_err(|error| name(&error))?;
            let certificates = Certificate::from_pem(&pem).map_err(|error| name(&error))?;
            builder = builder.cert_validation(CertificateValidation::Full(certificates));
        }
        let transport = builder.build().map_err(|error| failed(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("index-client")
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let (client, runtime) = (Elasticsearch::new(transport), Some(runtime));
        Ok(Self { client, runtime, shown, patience: endpoint.patience })
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Asks, and waits until there is an answer: tries again, with growing pauses, while
    /// the engine is away or too busy. For requests that are safe to repeat.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<T, Failure> {
        let mut retry = Retry::new(self.patience);
        loop {
            match self.once(method, path, body.clone()) {
                Err(Failure::Refused(refusal)) if refusal.is_passing() => {
                    let reason = format!("{} ({})", refusal.reason, refusal.status);
                    if !retry.pause(&reason) {
                        return Err(Failure::Refused(refusal));
                    }
                }
                Err(Failure::Away(reason)) => {
                    if !retry.pause(&reason) {
                        return Err(Failure::Away(reason));
                    }
                }
                result => return result,
            }
        }
    }

    /// As [`Self::ask`], with a JSON body.
    pub(super) fn ask_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, Failure> {
        self.ask(method, path, Some(body.to_string().into()))
    }

    /// Asks once.
    pub(super) fn once<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<T, Failure> {
        let mut headers = HeaderMap::new();
        if path.contains("/_bulk") {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        }
        let answer = async {
            let response = self.client.send(method, path, headers, None::<&()>, body, None).await?;
            let status = response.status_code().as_u16();
            Ok((status, response.bytes().await?))
        };
        let (status, bytes) =
            self.block_on(answer)?.map_err(|error: elasticsearch::Error| self.away(&error))?;
        if !(200..300).contains(&status) {
            return Err(Failure::Refused(refusal(status, &bytes)));
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::Broken(format!(
                "{}: the answer to {path} is not understood: {error}",
                self.shown
            ))
        })
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.block_on(future)),
            None => Err(Failure::Broken("the index is closed".into())),
        }
    }

    /// The innermost cause says what happened: "connection refused", "unknown issuer".
    fn away(&self, error: &elasticsearch::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let text = format!("{}: {cause}", self.shown);
        if text.contains("certificate") {
            let hint = "if it has a certificate authority of its own, name that with `index.ca`";
            return Failure::Broken(format!("{text}; {hint}"));
        }
        Failure::Away(text)
    }
}

/// Takes user and password out of the URL, where they are, so that no message shows them.
fn login(url: &mut Url, login: &Login) -> Login {
    let password = url.password().unwrap_or_default().to_owned();
    let user = url.username().to_owned();
    // Only a URL that can't have a user at all refuses this.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    match login {
        Login::Nobody if !user.is_empty() => Login::Basic(user, password),
        other => other.clone(),
    }
}

/// The engine's own words for a refusal.
fn refusal(status: u16, bytes: &[u8]) -> Refusal {
    #[derive(Deserialize)]
    struct Body {
        error: Value,
    }
    let body: Option<Body> = serde_json::from_slice(bytes).ok();
    let text = |name: &str| {
        let error = &body.as_ref()?.error;
        Some(error.get(name)?.as_str()?.to_owned())
    };
    let raw = || String::from_utf8_lossy(bytes.get(..300).unwrap_or(bytes)).into_owned();
    Refusal {
        status,
        kind: text("type").unwrap_or_default(),
        reason: text("reason").unwrap_or_else(raw),
    }
}

/// Growing pauses with jitter, so that several processes don't come back at the same instant.
#[derive(Debug)]
pub(super) struct Retry {
    until: Instant,
    pause: Duration,
}

/// The first and the longest pause.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

impl Retry {
    pub(super) fn new(patience: Duration) -> Self {
        Self { until: Instant::now() + patience, pause: PAUSES.0 }
    }

    /// Sleeps, and returns true; or false if it has been tried for long enough.
    pub(super) fn pause(&mut self, why: &str) -> bool {
        if Instant::now() >= self.until {
            return false;
        }
        tracing::debug!(why, "trying the index again");
        metrics::counter!("twofold_index_retries_total").increment(1);
        std::thread::sleep(self.pause.mul_f64(0.5 + chance()));
        self.pause = PAUSES.1.min(self.pause * 2);
        true
    }
}

/// A random number of `0.0..1.0`.
fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1u64 << 53) as f64
}

/// A name that nobody else has.
pub(super) fn token() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_secret() {
        let endpoint = Endpoint {
            login: Login::ApiKey("geheim".into()),
            ..Endpoint::new("https://user:geheim@search.example:9243/path")
        };
        assert_eq!(format!("{endpoint:?}"), "https://search.example:9243/path as ApiKey(…)");
        let basic = Login::Basic("user".into(), "geheim".into());
        assert!(!format!("{basic:?}").contains("geheim"));
        let connection = Connection::open(&endpoint).unwrap();
        assert!(!format!("{connection:?}").contains("geheim"));
    }

    #[test]
    fn a_url_may_carry_the_login() {
        let mut url = Url::parse("http://me:pass@host:9200").unwrap();
        assert!(matches!(login(&mut url, &Login::Nobody), Login::Basic(user, _) if user == "me"));
        assert_eq!(url.as_str(), "http://host:9200/");
    }
}
