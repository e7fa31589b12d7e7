//! Telling HTTP request lines from everything else that reaches a server's port.

use memchr::memchr;

use crate::request::RequestLine;

/// Takes a request line apart where it is `METHOD target HTTP/x`.
pub(super) fn read(text: &str) -> RequestLine<'_> {
    http(text).unwrap_or(RequestLine::Other(text))
}

fn http(text: &str) -> Option<RequestLine<'_>> {
    let (method, rest) = split_once(text, b' ')?;
    let (target, protocol) = split_once(rest, b' ')?;
    let http = is_token(method) && !target.is_empty() && is_protocol(protocol);
    http.then_some(RequestLine::Http { method, target, protocol })
}

/// The parts of `text` before and after the first `byte`, which is ASCII.
#[inline]
pub(super) fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr(byte, text.as_bytes())?;
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
