//! Keys: cut to a length, and where their case means nothing, in lower case.

use crate::scan::find_no_host;

/// The most bytes that a key may have; a longer one is cut at a character
/// boundary, in both layers alike.
pub const KEY_BYTES: usize = 256;

/// The key, cut to [`KEY_BYTES`].
#[inline]
pub fn cut_key(key: &str) -> &str {
    if key.len() <= KEY_BYTES { key } else { &key[..key.floor_char_boundary(KEY_BYTES)] }
}

/// The client as it is counted: its address or host name as written.
#[inline]
pub fn client(client: &str) -> &str {
    cut_key(client)
}

/// The virtual host as it is counted: in lower case; `None` if the line left it empty.
pub fn host<'a>(host: &'a str, scratch: &'a mut String) -> Option<&'a str> {
    (!host.is_empty() && host != "-").then(|| lower(cut_key(host), scratch))
}

/// The host of a referrer, in lower case and without port; `None` where it has none.
pub fn referrer_host<'a>(url: &'a str, scratch: &'a mut String) -> Option<&'a str> {
    let rest = without_scheme(url)?;
    match plain_host(rest) {
        Some(host) => Some(cut_key(host)),
        None => any_host(rest, scratch),
    }
}

/// The host that a text begins with, as nearly every referrer's is: in lower case, and a path follows.
fn plain_host(text: &str) -> Option<&str> {
    let (host, path) = text.split_at_checked(find_no_host(text.as_bytes())?)?;
    (!host.is_empty() && path.starts_with('/')).then_some(host)
}

#[inline(never)]
fn any_host<'a>(rest: &'a str, scratch: &'a mut String) -> Option<&'a str> {
    let end = memchr::memchr3(b'/', b'?', b'#', rest.as_bytes()).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let start = memchr::memrchr(b'@', authority.as_bytes()).map_or(0, |at| at + 1);
    let host = authority.get(start..)?;
    let host = without_port(host);
    (!host.is_empty()).then(|| lower(cut_key(host), scratch))
}

/// What follows `://`; nearly every referrer is one of the web's.
fn without_scheme(url: &str) -> Option<&str> {
    if let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) {
        return Some(rest);
    }
    let bytes = url.as_bytes();
    let mut colons = memchr::memchr_iter(b':', bytes);
    let scheme = colons.find(|at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(b"://")))?;
    url.get(scheme + 3..)
}

/// `[::1]:8080` and `example.com:8080` without their ports.
fn without_port(host: &str) -> &str {
    let end = match host.starts_with('[') {
        true => memchr::memchr(b']', host.as_bytes()).map(|at| at + 1),
        false => memchr::memchr(b':', host.as_bytes()),
    };
    end.and_then(|end| host.get(..end)).unwrap_or(host)
}

/// Copies only where something changes.
fn lower<'a>(text: &'a str, scratch: &'a mut String) -> &'a str {
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return text;
    }
    scratch.clear();
    scratch.push_str(text);
    scratch.make_ascii_lowercase();
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn referrers_are_counted_by_host() {
        for (url, expected) in [
            ("https://www.Example.com/a?b", Some("www.example.com")),
            ("http://example.com:8080", Some("example.com")),
            ("http://user:pw@example.com/", Some("example.com")),
            ("http://[2001:DB8::1]:80/x", Some("[2001:db8::1]")),
            ("android-app://com.google.android.gm", Some("com.google.android.gm")),
            ("-", None),
            ("", None),
            ("/relative", None),
            ("https:///x", None),
            ("http://[", Some("[")),
        ] {
            assert_eq!(referrer_host(url, &mut String::new()), expected, "{url}");
        }
    }

    #[test]
    fn long_keys_are_cut_between_characters() {
        let long = "é".repeat(200);
        assert_eq!(cut_key(&long).len(), 256);
        let odd = format!("a{long}");
        assert_eq!(cut_key(&odd).len(), 255);
    }

    #[test]
    fn hosts_are_lower_case_and_not_empty() {
        assert_eq!(host("Shop.Example", &mut String::new()), Some("shop.example"));
        assert_eq!(host("", &mut String::new()), None);
        assert_eq!(host("-", &mut String::new()), None);
    }
}
