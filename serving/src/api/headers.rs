//! What every answer is sent with, and whom it is not sent to.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

/// Nothing from outside, no inline script: log content can't become code.
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The router behind the checks.
pub fn guarded(router: Router, address: SocketAddr) -> Router {
    let loopback = address.ip().is_loopback();
    router.layer(middleware::from_fn(move |request, next| guard(request, next, loopback)))
}

async fn guard(request: Request, next: Next, loopback: bool) -> Response {
    if loopback && !is_local(request.headers().get(header::HOST)) {
        let why = "this server answers only to localhost; ask it as 127.0.0.1 or localhost\n";
        return (StatusCode::MISDIRECTED_REQUEST, why).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page elsewhere may make a browser ask us under its own name (DNS rebinding).
fn is_local(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let loopback = name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    loopback || name == "[::1]" || name.eq_ignore_ascii_case("localhost")
}
