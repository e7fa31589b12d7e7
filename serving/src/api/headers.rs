//! What every answer is sent with, and whom it is not sent to.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use super::access::{Access, CHALLENGE};
use super::error::ApiError;

/// Nothing from outside, no inline script: log content can't become code.
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a container's or a load balancer's probe asks, which has no token.
const PROBES: [&str; 2] = ["/health", "/ready"];

/// The router behind the checks.
pub fn guarded(router: Router, address: SocketAddr, access: Access) -> Router {
    // A proxy passes on the name by which it was asked.
    let by_name = address.ip().is_loopback() && !access.behind_proxy;
    let access = Arc::new(access);
    let guard = move |request, next| guard(request, next, by_name, Arc::clone(&access));
    router.layer(middleware::from_fn(guard))
}

async fn guard(request: Request, next: Next, by_name: bool, access: Arc<Access>) -> Response {
    if by_name && !is_local(request.headers().get(header::HOST)) {
        let why = "this server answers only to localhost; ask it as 127.0.0.1 or localhost\n";
        return (StatusCode::MISDIRECTED_REQUEST, why).into_response();
    }
    let probe = PROBES.contains(&request.uri().path());
    let admitted = probe || access.admits(request.headers().get(header::AUTHORIZATION));
    let mut response = match admitted {
        true => next.run(request).await,
        false => ([CHALLENGE], ApiError::unauthorized()).into_response(),
    };
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
