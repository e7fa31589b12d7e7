//! Who may ask, and whether others can listen in.
//!
//! On loopback anybody may. Anywhere else a token is asked for and the connection is
//! encrypted, unless the operator says that a proxy before it does both.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::{HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// The shortest token that is taken.
const LEAST: usize = 16;

/// How a server may be reached.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// What clients have to show; empty: nothing.
    pub token: Secret,
    /// The certificate and its key; without them plain HTTP is spoken.
    pub tls: Option<Tls>,
    /// The operator's word that a proxy before the server encrypts and asks who is there.
    pub behind_proxy: bool,
}

/// Files (PEM) that TLS needs. They are read again every hour, as certificates are renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, with those that lead to its authority.
    pub certificate: PathBuf,
    /// The certificate's key.
    pub key: PathBuf,
}

/// Why a server does not start listening.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccessError {
    /// Anybody could ask.
    #[error(
        "{0} can be reached from other machines, so the API asks for a token there: set \
         TWOFOLD_SERVE_TOKEN or serve.token_file (`openssl rand -hex 32` makes one), or serve.behind_proxy if a proxy \
         before it encrypts and asks who is there"
    )]
    NoToken(SocketAddr),
    /// Anybody could listen in.
    #[error(
        "{0} can be reached from other machines, so the API speaks TLS there: name serve.certificate and \
         serve.key (PEM files), or set serve.behind_proxy if a proxy before it encrypts and asks who is there"
    )]
    NoTls(SocketAddr),
    /// Anybody could guess.
    #[error(
        "the token has {0} characters, at least {LEAST} are needed; `openssl rand -hex 32` makes one"
    )]
    Short(usize),
}

impl Access {
    /// Whether a server may listen at `address`.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn check(&self, address: SocketAddr) -> Result<(), AccessError> {
        let length = self.token.expose().chars().count();
        if length > 0 && length < LEAST {
            return Err(AccessError::Short(length));
        }
        if address.ip().is_loopback() || self.behind_proxy {
            return Ok(());
        }
        if length == 0 {
            return Err(AccessError::NoToken(address));
        }
        if self.tls.is_none() {
            return Err(AccessError::NoTls(address));
        }
        Ok(())
    }

    /// Whether the header shows the token: as `Bearer`, or as the password of `Basic`, which
    /// browsers ask their users for. Takes as long for a wrong token as for the right one.
    pub(super) fn admits(&self, header: Option<&HeaderValue>) -> bool {
        if self.token.is_empty() {
            return true;
        }
        let shown = header.and_then(|header| header.to_str().ok()).and_then(shown);
        shown.is_some_and(|shown| shown.as_bytes().ct_eq(self.token.expose().as_bytes()).into())
    }
}

/// The answer's header that makes a browser ask its user.
pub(super) const CHALLENGE: (header::HeaderName, &str) = (
    header::WWW_AUTHENTICATE,
    "Bearer realm=\"twofold\", Basic realm=\"twofold\", charset=\"UTF-8\"",
);

fn shown(header: &str) -> Option<String> {
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn access(token: &str) -> Access {
        Access { token: Secret::new(token), ..Access::default() }
    }

    #[test]
    fn only_loopback_is_open_to_everybody() {
        let (here, everywhere) = ("127.0.0.1:80".parse().unwrap(), "0.0.0.0:80".parse().unwrap());
        assert_eq!(access("").check(here), Ok(()));
        assert_eq!(access("").check("[::1]:80".parse().unwrap()), Ok(()));
        assert_eq!(access("").check(everywhere), Err(AccessError::NoToken(everywhere)));
        assert_eq!(access(TOKEN).check(everywhere), Err(AccessError::NoTls(everywhere)));
        assert_eq!(access("short").check(here), Err(AccessError::Short(5)));
        let tls = Some(Tls { certificate: "c".into(), key: "k".into() });
        assert_eq!(Access { tls, ..access(TOKEN) }.check(everywhere), Ok(()));
        assert_eq!(Access { behind_proxy: true, ..access("") }.check(everywhere), Ok(()));
    }

    #[test]
    fn the_token_is_taken_in_both_ways() {
        let admits =
            |header: &str| access(TOKEN).admits(Some(&HeaderValue::from_str(header).unwrap()));
        assert!(admits(&format!("Bearer {TOKEN}")));
        assert!(admits(&format!("basic {}", STANDARD.encode(format!("anybody:{TOKEN}")))));
        for wrong in [
            "",
            TOKEN,
            "Bearer",
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcde",
            "Basic !",
            "Basic Og==",
        ] {
            assert!(!admits(wrong), "{wrong}");
        }
        assert!(!access(TOKEN).admits(None));
        assert!(access("").admits(None));
    }
}
