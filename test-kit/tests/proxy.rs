//! The proxy passes what it should, and breaks what it should.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use twofold_test_kit::proxy::{Proxy, Verdict};
use twofold_test_kit::tls::Certificate;

/// A server that says what it was asked, and counts.
fn server() -> (Proxy, Arc<AtomicU64>) {
    let seen = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&seen);
    let server = Proxy::start("http://127.0.0.1:9", move |call| {
        counted.fetch_add(1, Ordering::Relaxed);
        let body = String::from_utf8_lossy(&call.body).into_owned();
        Verdict::answer(200, format!("{} {} {body}", call.method, call.target))
    });
    (server, seen)
}

fn put(url: &str) -> Result<(u16, String), ureq::Error> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let mut answer = config.new_agent().put(format!("{url}/a/b?c=d")).send("body")?;
    Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
}

#[test]
fn calls_pass_or_fail_as_told() {
    let (server, seen) = server();
    let proxy = Proxy::start(&server.url(), |call| match call.number {
        0 => Verdict::Pass,
        1 => Verdict::answer(503, "not now"),
        2 => Verdict::change(|mut answer| {
            answer.status = 500;
            answer
        }),
        _ => Verdict::Delay(Duration::from_millis(300)),
    });
    let whole = "PUT /a/b?c=d body".to_owned();
    assert_eq!(put(&proxy.url()).unwrap(), (200, whole.clone()));
    assert_eq!(put(&proxy.url()).unwrap(), (503, "not now".to_owned()));
    assert_eq!(seen.load(Ordering::Relaxed), 1, "the server never saw the second call");
    assert_eq!(put(&proxy.url()).unwrap(), (500, whole.clone()));
    let begin = Instant::now();
    assert_eq!(put(&proxy.url()).unwrap(), (200, whole));
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert_eq!((seen.load(Ordering::Relaxed), proxy.calls()), (3, 4));
}

#[test]
fn connections_break_before_and_after() {
    let (server, seen) = server();
    let proxy = Proxy::start(&server.url(), |_| Verdict::Break);
    assert!(put(&proxy.url()).is_err());
    assert_eq!(seen.load(Ordering::Relaxed), 0);
    proxy.set(|_| Verdict::BreakAfter);
    assert!(put(&proxy.url()).is_err());
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    proxy.set(|_| Verdict::Pass);
    assert_eq!(put(&proxy.url()).unwrap().0, 200);
}

#[tokio::test]
async fn tls_is_spoken_to_who_trusts_the_certificate() {
    let (server, _) = server();
    let certificate = Certificate::new();
    let proxy = Proxy::with_tls(&server.url(), &certificate, |_| Verdict::Pass);
    let pem = std::fs::read(&certificate.certificate).unwrap();
    let authority = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
    assert_eq!(client.get(proxy.url()).send().await.unwrap().status(), 200);
    assert!(reqwest::Client::new().get(proxy.url()).send().await.is_err());
}
