//! Who is let in, over a real socket and real TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::{Client, StatusCode, header};
use twofold_serving::api::access::{Access, Tls};
use twofold_serving::api::{Server, Sources};
use twofold_serving::index::sqlite::SqliteIndex;
use twofold_serving::secret::Secret;
use twofold_test_kit::tls::{self, Certificate};

const TOKEN: &str = "a-token-of-tests-0123456789";

struct Site {
    address: SocketAddr,
    url: String,
    _folder: tempfile::TempDir,
}

async fn site(listen: &str, access: Access) -> std::io::Result<Site> {
    tls::install();
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(SqliteIndex::open(&folder.path().join("index.db")).unwrap());
    let sources = Sources { index, history: None, archive: None };
    let server = Server::bind_with(listen.parse().unwrap(), sources, access).await?;
    let (address, url) = (server.address, server.url());
    tokio::spawn(server.run(std::future::pending()));
    Ok(Site { address, url, _folder: folder })
}

fn with_token() -> Access {
    Access { token: Secret::new(TOKEN), ..Access::default() }
}

#[tokio::test]
async fn every_route_but_the_probes_asks_for_the_token() {
    let site = site("127.0.0.1:0", with_token()).await.unwrap();
    let client = Client::new();
    for path in [
        "/",
        "/app.js",
        "/metrics",
        "/api/v1/status",
        "/api/v1/events",
        "/api/v1/openapi.json",
        "/nothing",
    ] {
        let answer = client.get(format!("{}{path}", site.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let challenge = answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.contains("Bearer") && challenge.contains("Basic"), "{challenge}");
        assert!(answer.text().await.unwrap().contains("Authorization: Bearer"));
    }
    for path in ["/health", "/ready"] {
        let answer = client.get(format!("{}{path}", site.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let status = format!("{}/api/v1/status", site.url);
    let as_bearer = client.get(&status).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(as_bearer.status(), StatusCode::OK);
    let as_browser = client.get(&status).basic_auth("me", Some(TOKEN)).send().await.unwrap();
    assert_eq!(as_browser.status(), StatusCode::OK);
    let wrong = client.get(&status).bearer_auth("a-token-of-tests-012345678").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn tls_is_spoken_and_only_tls() {
    let certificate = Certificate::new();
    let tls = Tls { certificate: certificate.certificate.clone(), key: certificate.key.clone() };
    // Not loopback: this needs both.
    let access = Access { tls: Some(tls), ..with_token() };
    let site = site("0.0.0.0:0", access).await.unwrap();
    assert!(site.url.starts_with("https://"));
    let pem = std::fs::read(&certificate.certificate).unwrap();
    let authority = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = Client::builder().tls_certs_only([authority]).build().unwrap();
    let port = site.address.port();
    let status = format!("https://localhost:{port}/api/v1/status");
    let answer = client.get(&status).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(client.get(&status).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert!(Client::new().get(&status).send().await.is_err(), "the certificate is not known");
    assert!(client.get(format!("http://localhost:{port}/health")).send().await.is_err());
}

#[tokio::test]
async fn a_server_for_others_does_not_start_open() {
    let says = async |access: Access| site("0.0.0.0:0", access).await.err().unwrap().to_string();
    assert!(says(Access::default()).await.contains("TWOFOLD_SERVE_TOKEN"));
    assert!(says(with_token()).await.contains("serve.certificate"));
    let files = Tls { certificate: "/nonexistent/c.pem".into(), key: "/nonexistent/k.pem".into() };
    let missing = Access { tls: Some(files), ..with_token() };
    assert!(says(missing).await.contains("/nonexistent/c.pem"));
    let certificate = Certificate::new();
    let swapped =
        Tls { certificate: certificate.key.clone(), key: certificate.certificate.clone() };
    let swapped = Access { tls: Some(swapped), ..with_token() };
    assert!(says(swapped).await.contains("no certificate with its key"));
}

#[tokio::test]
async fn behind_a_proxy_its_word_is_enough() {
    let access = Access { behind_proxy: true, ..Access::default() };
    let site = site("0.0.0.0:0", access).await.unwrap();
    let status = format!("http://127.0.0.1:{}/api/v1/status", site.address.port());
    // A proxy passes on the name by which it was asked.
    let answer = Client::new().get(&status).header(header::HOST, "logs.example.org").send().await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}
