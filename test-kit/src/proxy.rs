//! An HTTP proxy in front of a real server, which misbehaves on demand.
//!
//! ```no_run
//! use twofold_test_kit::proxy::{Proxy, Verdict};
//!
//! // Every fifth call fails; the server never sees it.
//! let proxy = Proxy::start("http://127.0.0.1:9200", |call| match call.number % 5 {
//!     4 => Verdict::answer(503, "slow down"),
//!     _ => Verdict::Pass,
//! });
//! let url = proxy.url(); // What the client is told.
//! // Later: the server is well again.
//! proxy.set(|_| Verdict::Pass);
//! ```
//!
//! The client's headers go on as they came, `Host` included, so that signatures (S3) stay valid.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use bytes::Bytes;
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::tls::{self, Certificate};

/// A request on its way to the server.
#[derive(Debug, Clone)]
pub struct Call {
    /// How many came before it through this proxy.
    pub number: u64,
    /// `GET`, `PUT`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer on its way back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers; the length is set anew from the body.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON, compressed or not; `None` where it is none.
    pub fn json(&self) -> Option<Value> {
        let compressed = self.headers.get(header::CONTENT_ENCODING).is_some();
        match compressed {
            true => serde_json::from_reader(GzDecoder::new(&self.body[..])).ok(),
            false => serde_json::from_slice(&self.body).ok(),
        }
    }

    /// The same answer with another body.
    #[must_use]
    pub fn with_json(mut self, body: &Value) -> Self {
        self.headers.remove(header::CONTENT_ENCODING);
        Self { body: body.to_string().into(), ..self }
    }
}

/// What becomes of a call.
pub enum Verdict {
    /// It goes to the server and its answer back.
    Pass,
    /// It waits so long, and then passes.
    Delay(Duration),
    /// The client gets this; the server never sees the call.
    Answer(Answer),
    /// The server does it, and the client gets what this makes of the answer: a 500 for
    /// a put that was done, or a bulk answer with a refused item.
    Change(Box<dyn FnOnce(Answer) -> Answer + Send>),
    /// The connection breaks before the server has seen the call.
    Break,
    /// The server does it, and the connection breaks instead of the answer.
    BreakAfter,
}

impl Verdict {
    /// An answer of the proxy's own, as text.
    pub fn answer(status: u16, body: impl Into<String>) -> Self {
        let body = Bytes::from(body.into());
        Self::Answer(Answer { status, headers: HeaderMap::new(), body })
    }

    /// The server does it; the client is told something else.
    pub fn change(change: impl FnOnce(Answer) -> Answer + Send + 'static) -> Self {
        Self::Change(Box::new(change))
    }
}

type Decide = Arc<dyn Fn(&Call) -> Verdict + Send + Sync>;

/// A running proxy; it ends with this value.
pub struct Proxy {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    server: String,
    client: reqwest::Client,
    decide: Mutex<Decide>,
    calls: AtomicU64,
}

impl Proxy {
    /// In front of `server` (`http://host:port`), on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// Where it can't listen.
    pub fn start(server: &str, decide: impl Fn(&Call) -> Verdict + Send + Sync + 'static) -> Self {
        Self::listen(server, None, Arc::new(decide))
    }

    /// The same, talking TLS to its clients.
    ///
    /// # Panics
    /// Where it can't listen.
    pub fn with_tls(
        server: &str,
        certificate: &Certificate,
        decide: impl Fn(&Call) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        Self::listen(server, Some(certificate), Arc::new(decide))
    }

    fn listen(server: &str, certificate: Option<&Certificate>, decide: Decide) -> Self {
        tls::install();
        let client =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let shared = Arc::new(Shared {
            server: server.trim_end_matches('/').to_owned(),
            client: client.build().expect("a client"),
            decide: Mutex::new(decide),
            calls: AtomicU64::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let handle = Handle::new();
        let files = certificate.map(|made| (made.certificate.clone(), made.key.clone()));
        let scheme = if files.is_some() { "https" } else { "http" };
        let running = handle.clone();
        let thread = std::thread::spawn(move || serve(listener, files, router, running));
        Self { address, scheme, shared, handle, thread: Some(thread) }
    }

    /// What clients are told: `http://127.0.0.1:port`, or `https://localhost:port`.
    pub fn url(&self) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}", self.scheme, self.address.port())
    }

    /// From now on, calls are judged by this.
    pub fn set(&self, decide: impl Fn(&Call) -> Verdict + Send + Sync + 'static) {
        *self.shared.decide.lock().expect("no judge panics") = Arc::new(decide);
    }

    /// How many calls came.
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.handle.shutdown();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    listener: TcpListener,
    files: Option<(std::path::PathBuf, std::path::PathBuf)>,
    router: Router,
    handle: Handle<SocketAddr>,
) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let outcome = runtime.block_on(async {
        let service = router.into_make_service();
        match files {
            None => axum_server::from_tcp(listener)?.handle(handle).serve(service).await,
            Some((certificate, key)) => {
                let config = RustlsConfig::from_pem_file(certificate, key).await?;
                let server = axum_server::from_tcp_rustls(listener, config)?;
                server.handle(handle).serve(service).await
            }
        }
    });
    outcome.expect("the proxy serves");
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let Ok(call) = read(&shared, request).await else { return broken() };
    let decide = Arc::clone(&shared.decide.lock().expect("no judge panics"));
    match decide(&call) {
        Verdict::Pass => forward(&shared, call).await.map_or_else(broken, sent),
        Verdict::Delay(time) => {
            tokio::time::sleep(time).await;
            forward(&shared, call).await.map_or_else(broken, sent)
        }
        Verdict::Answer(answer) => sent(answer),
        Verdict::Change(change) => {
            forward(&shared, call).await.map_or_else(broken, |answer| sent(change(answer)))
        }
        Verdict::Break => broken(),
        Verdict::BreakAfter => {
            let _ = forward(&shared, call).await;
            broken()
        }
    }
}

async fn read(shared: &Shared, request: Request) -> Result<Call, axum::Error> {
    let (parts, body) = request.into_parts();
    Ok(Call {
        number: shared.calls.fetch_add(1, Ordering::Relaxed),
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, usize::MAX).await?,
    })
}

async fn forward(shared: &Shared, call: Call) -> Option<Answer> {
    let method = reqwest::Method::from_bytes(call.method.as_bytes()).ok()?;
    let mut headers = call.headers;
    // Of this hop alone; the length is that of the body as it was read.
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::EXPECT] {
        headers.remove(name);
    }
    let url = format!("{}{}", shared.server, call.target);
    let answer = shared.client.request(method, url).headers(headers).body(call.body).send().await;
    let answer = answer.ok()?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Some(Answer { status, headers, body: answer.bytes().await.ok()? })
}

fn sent(answer: Answer) -> Response<Body> {
    let mut headers = answer.headers;
    headers.remove(header::CONNECTION);
    headers.remove(header::TRANSFER_ENCODING);
    // The answer to a HEAD says a length and has no body.
    if !answer.body.is_empty() {
        headers.remove(header::CONTENT_LENGTH);
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// A body that fails before its first byte: the server closes the connection with nothing sent. The
/// answer to a HEAD has no body; there, the status has to do.
fn broken() -> Response<Body> {
    let failure = std::io::Error::other("broken on purpose");
    let mut response =
        Response::new(Body::from_stream(futures::stream::iter([Err::<Bytes, _>(failure)])));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
