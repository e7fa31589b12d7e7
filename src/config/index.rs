//! `[index]`: where the index is, and who asks.

use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use twofold_serving::index::elastic::{Endpoint, Login};
use twofold_serving::secret::Secret;

use super::Span;

/// `[index]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Index {
    /// `http://HOST:9200` (Elasticsearch, OpenSearch) or `file:PATH`; empty: `twofold.db` below `data`.
    pub url: String,
    /// The alias that readers ask; the names of indices and templates begin with it.
    pub prefix: String,
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// A file with the password.
    pub password_file: String,
    /// An API key, as the engine's `encoded` field gives it.
    pub api_key: Secret,
    /// A file with the API key.
    pub api_key_file: String,
    /// The certificate authority (PEM) of the engine, beside the public ones.
    pub ca: String,
    /// How long a request may take.
    pub timeout: Span,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            url: String::new(),
            prefix: "twofold".into(),
            username: String::new(),
            password: Secret::default(),
            password_file: String::new(),
            api_key: Secret::default(),
            api_key_file: String::new(),
            ca: String::new(),
            timeout: Span::seconds(30),
        }
    }
}

/// What the index's URL means.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// The file below the data directory.
    Default,
    /// This file.
    File(PathBuf),
    /// An Elasticsearch or OpenSearch.
    Engine,
}

impl Index {
    /// What the URL means.
    ///
    /// # Errors
    /// If it is neither of those that an index can have.
    pub fn target(&self) -> anyhow::Result<Target> {
        if self.url.is_empty() {
            return Ok(Target::Default);
        }
        if let Some(path) = self.url.strip_prefix("file:") {
            return Ok(Target::File(PathBuf::from(path)));
        }
        anyhow::ensure!(
            self.url.starts_with("http://") || self.url.starts_with("https://"),
            "`index.url` is neither http://HOST:9200 (Elasticsearch, OpenSearch) nor file:PATH"
        );
        Ok(Target::Engine)
    }

    /// How the engine is reached.
    ///
    /// # Errors
    /// If a file with a secret can't be read, or there are two logins.
    pub fn endpoint(&self) -> anyhow::Result<Endpoint> {
        let password = secret("index.password", &self.password, &self.password_file)?;
        let api_key = secret("index.api_key", &self.api_key, &self.api_key_file)?;
        let login = match (self.username.is_empty(), api_key) {
            (true, None) => Login::Nobody,
            (true, Some(key)) => Login::ApiKey(key),
            (false, None) => Login::Basic(self.username.clone(), password.unwrap_or_default()),
            (false, Some(_)) => {
                anyhow::bail!("set either `index.username` or `index.api_key`, not both")
            }
        };
        let ca = (!self.ca.is_empty()).then(|| PathBuf::from(&self.ca));
        let timeout = self.timeout.duration();
        Ok(Endpoint { login, ca, timeout, ..Endpoint::new(&self.url) })
    }
}

/// A secret, from its key or from the file that holds it.
fn secret(key: &str, value: &Secret, file: &str) -> anyhow::Result<Option<String>> {
    if file.is_empty() {
        return Ok(Some(value.expose().to_owned()).filter(|value| !value.is_empty()));
    }
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("`{key}_file` is {file}, which cannot be read"))?;
    let text = text.trim().to_owned();
    anyhow::ensure!(!text.is_empty(), "`{key}_file` is {file}, which is empty");
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "geheim\n").unwrap();
        let url = "https://host:9200".to_owned();
        let api_key_file = file.to_string_lossy().into_owned();
        let index = Index { url, api_key_file, ..Index::default() };
        let endpoint = index.endpoint().unwrap();
        assert!(matches!(&endpoint.login, Login::ApiKey(key) if key == "geheim"));
        assert!(!format!("{endpoint:?}").contains("geheim"));
        let both = Index { username: "me".into(), ..index.clone() };
        assert!(both.endpoint().unwrap_err().to_string().contains("not both"));
        let gone = Index { api_key_file: "/no/such/file".into(), ..index };
        assert!(gone.endpoint().unwrap_err().to_string().contains("index.api_key_file"));
    }

    #[test]
    fn a_url_names_a_file_or_an_engine() {
        let target = |url: &str| Index { url: url.into(), ..Index::default() }.target();
        assert_eq!(target("").unwrap(), Target::Default);
        assert_eq!(target("file:a/b.db").unwrap(), Target::File("a/b.db".into()));
        assert_eq!(target("https://x:9200").unwrap(), Target::Engine);
        assert!(target("elastic:9200").is_err());
    }
}
