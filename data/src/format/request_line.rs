//! Telling HTTP request lines from everything else that reaches a server's port.

use crate::request::RequestLine;
use crate::scan::find;

/// Takes a request line apart where it is `METHOD target HTTP/x`.
#[inline(always)]
pub(super) fn read(text: &str) -> RequestLine<'_> {
    usual(text).unwrap_or_else(|| any(text))
}

/// Reads what nearly every request line is.
#[inline(always)]
fn usual(text: &str) -> Option<RequestLine<'_>> {
    let method = if text.starts_with("GET ") {
        3
    } else if text.starts_with("POST ") {
        4
    } else {
        return None;
    };
    let (method, rest) = (text.get(..method)?, text.get(method + 1..)?);
    let (target, protocol) = split_once(rest, b' ')?;
    let http = matches!(protocol, "HTTP/1.1" | "HTTP/2.0" | "HTTP/1.0") && !target.is_empty();
    http.then_some(RequestLine::Http { method, target, protocol })
}

#[inline(never)]
fn any(text: &str) -> RequestLine<'_> {
    http(text).unwrap_or(RequestLine::Other(text))
}

fn http(text: &str) -> Option<RequestLine<'_>> {
    let (method, rest) = split_once(text, b' ')?;
    let (target, protocol) = split_once(rest, b' ')?;
    let http = is_token(method) && !target.is_empty() && is_protocol(protocol);
    http.then_some(RequestLine::Http { method, target, protocol })
}

/// The request line of a format that has its parts in fields of their own. What
/// is absent is empty; without a method and a target it is not HTTP.
pub(super) fn from_parts<'a>(
    method: Option<&'a str>,
    target: &'a str,
    protocol: &'a str,
) -> RequestLine<'a> {
    match method {
        Some(method) if is_token(method) && !target.is_empty() => {
            RequestLine::Http { method, target, protocol: with_name(protocol) }
        }
        Some(method) if target.is_empty() => RequestLine::Other(method),
        _ => RequestLine::Other(target),
    }
}

/// Some formats hold the version alone.
fn with_name(protocol: &str) -> &str {
    match protocol {
        "0.9" => "HTTP/0.9",
        "1.0" => "HTTP/1.0",
        "1.1" => "HTTP/1.1",
        "2" | "2.0" => "HTTP/2.0",
        "3" | "3.0" => "HTTP/3.0",
        _ => protocol,
    }
}

/// Path and query of a URL, which may also be nothing but those.
pub(super) fn target_of_url(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://").filter(|_| !url.starts_with('/')) else {
        return url;
    };
    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/")
}

/// The host of a URL, without its port and what stands before an `@`.
pub(super) fn host_of_url(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://").filter(|_| !url.starts_with('/'))?;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    Some(port.map_or(host, |(host, _)| host)).filter(|host| !host.is_empty())
}

/// The parts of `text` before and after the first `byte`, which is ASCII.
#[inline]
pub(super) fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = find(byte, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Whether `text` is a `token` of RFC 9110, section 5.6.2, as methods must be.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// `HTTP/` and a version of digits and dots: `1.1`, `2`, `3.0`.
fn is_protocol(text: &str) -> bool {
    let Some(version) = text.strip_prefix("HTTP/") else { return false };
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_taken_apart() {
        for (text, parts) in [
            ("GET / HTTP/1.1", ("GET", "/", "HTTP/1.1")),
            ("POST /a?b=c&d HTTP/2.0", ("POST", "/a?b=c&d", "HTTP/2.0")),
            ("OPTIONS * HTTP/3", ("OPTIONS", "*", "HTTP/3")),
            ("CONNECT example.com:443 HTTP/1.0", ("CONNECT", "example.com:443", "HTTP/1.0")),
            (r#"GET /\"quoted\x22 HTTP/1.1"#, ("GET", r#"/\"quoted\x22"#, "HTTP/1.1")),
            ("m-search * HTTP/1.1", ("m-search", "*", "HTTP/1.1")),
        ] {
            let (method, target, protocol) = parts;
            assert_eq!(read(text), RequestLine::Http { method, target, protocol }, "{text}");
        }
    }

    #[test]
    fn parts_make_a_request_line() {
        let http = |method, target, protocol| RequestLine::Http { method, target, protocol };
        assert_eq!(from_parts(Some("GET"), "/a", "1.1"), http("GET", "/a", "HTTP/1.1"));
        assert_eq!(from_parts(Some("GET"), "/a", "HTTP/3.0"), http("GET", "/a", "HTTP/3.0"));
        assert_eq!(from_parts(Some("GET"), "/a", ""), http("GET", "/a", ""));
        assert_eq!(from_parts(Some("G T"), "/a", ""), RequestLine::Other("/a"));
        assert_eq!(from_parts(None, "/a", ""), RequestLine::Other("/a"));
        assert_eq!(from_parts(Some("GET"), "", ""), RequestLine::Other("GET"));
        assert_eq!(from_parts(None, "", ""), RequestLine::Other(""));
    }

    #[test]
    fn a_url_has_a_target() {
        for (url, target) in [
            ("https://example.org/a?b=c", "/a?b=c"),
            ("https://example.org", "/"),
            ("/a?next=https://example.org/", "/a?next=https://example.org/"),
            ("*", "*"),
        ] {
            assert_eq!(target_of_url(url), target, "{url}");
        }
    }

    #[test]
    fn everything_else_is_kept_as_it_is() {
        for text in [
            "",
            "-",
            "GET",
            "GET /",
            "GET /  HTTP/1.1",
            "GET  HTTP/1.1",
            " GET / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET /with space HTTP/1.1",
            "GET / HTTP/",
            "GET / HTTP/x",
            "GET / ICAP/1.0",
            r"\x16\x03\x01 / HTTP/1.1",
            r"\x16\x03\x01\x02\x00",
            "Gé / HTTP/1.1",
        ] {
            assert_eq!(read(text), RequestLine::Other(text), "{text}");
        }
    }
}
