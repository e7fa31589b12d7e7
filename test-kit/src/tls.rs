//! Certificates for this machine.

use std::path::PathBuf;

/// A self-signed certificate for `localhost` and `127.0.0.1`, with its key, in files.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate (PEM); clients trust it as their authority.
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    _folder: tempfile::TempDir,
}

impl Certificate {
    /// A new one; the files go with it.
    ///
    /// # Panics
    /// Where it can't be made.
    pub fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) =
            (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).expect("a certificate's file");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a key's file");
        Self { certificate, key, _folder: folder }
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes ring the process's cryptography, as twofold's own `main` does.
pub fn install() {
    // It may be there already: any number of tests share a process.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
