//! A bucket of Amazon S3, or of a server that speaks like it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::client::SpawnedReqwestConnector;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::profile::Profile;
use super::steady::Steady;
use super::{Store, StoreError};

/// One answer may take so long, body included: an archive file over a slow line.
const PATIENCE: Duration = Duration::from_secs(120);

/// A call is tried again for so long.
const TRIED: Duration = Duration::from_secs(170);

/// How the server is found and spoken to. What is empty comes from the environment
/// (`AWS_ENDPOINT_URL`, `AWS_REGION`, …) or from the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The server's URL; Amazon's without.
    pub endpoint: String,
    /// The region; `us-east-1` where nobody says.
    pub region: String,
    /// The profile in `~/.aws/credentials` and `~/.aws/config`.
    pub profile: String,
    /// Whether a server may be talked to without encryption.
    pub allow_http: bool,
    /// Whether the bucket is part of the host's name and not of the path; the endpoint
    /// then has it in it.
    pub virtual_hosted: bool,
}

/// The environment's variables, name and value.
pub type Environment = BTreeMap<String, String>;

/// The variables of this process.
pub fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What is below `prefix` of the bucket. Credentials are those of the usual chain: environment,
/// web identity, profile, container, instance.
///
/// # Errors
/// Where options, environment and profile don't add up. The server is not asked.
pub fn open(
    bucket: &str,
    prefix: &str,
    options: &Options,
    environment: &Environment,
) -> Result<Store, StoreError> {
    let store = Steady(client(bucket, options, environment)?);
    if prefix.is_empty() {
        return Ok(Arc::new(store));
    }
    let prefix = Path::parse(prefix).map_err(|error| StoreError::s3(bucket, error))?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

/// Makes the bucket on a server of one's own, unless it is there. (At Amazon, buckets have
/// owners, regions and policies: they are made with its tools.)
///
/// # Errors
/// Where it is not there afterwards.
pub async fn make_bucket(
    bucket: &str,
    options: &Options,
    environment: &Environment,
) -> Result<(), StoreError> {
    let inside = client(bucket, options, environment)?;
    let looked = inside.list_with_delimiter(None).await;
    if looked.is_ok() {
        return Ok(());
    }
    // The client knows objects only. To one that takes the server itself for its bucket, a
    // bucket is an object; it misses an ETag in the answer, which does not matter.
    let server = Options { virtual_hosted: true, ..options.clone() };
    let server = client(bucket, &server, environment)?;
    let made = server.put(&Path::from(bucket), PutPayload::new()).await;
    match inside.list_with_delimiter(None).await {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::s3(bucket, made.err().unwrap_or(error))),
    }
}

fn client(
    bucket: &str,
    options: &Options,
    environment: &Environment,
) -> Result<AmazonS3, StoreError> {
    let runtime = runtime().map_err(|error| StoreError::s3(bucket, error))?;
    // It may be there already: `main` installs the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = configured(bucket, options, environment)?
        .with_http_connector(SpawnedReqwestConnector::new(runtime.handle().clone()));
    builder.build().map_err(|error| StoreError::s3(bucket, error))
}

/// The runtime on which all connections live. The layers wait for a store on small runtimes of
/// their own; a connection that stands on one of those stands still while that one
/// does not run, and would hold up the next who is given it.
fn runtime() -> Result<&'static Runtime, String> {
    // Made once only: one too many would be dropped here, where a runtime must not be.
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let fresh = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let made = builder.worker_threads(1).thread_name("s3").enable_all().build();
        made.map_err(|error| error.to_string())
    };
    RUNTIME.get_or_init(fresh).as_ref().map_err(Clone::clone)
}

fn configured(
    bucket: &str,
    options: &Options,
    environment: &Environment,
) -> Result<AmazonS3Builder, StoreError> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_virtual_hosted_style_request(options.virtual_hosted)
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(300),
                ..BackoffConfig::default()
            },
            max_retries: 10,
            retry_timeout: TRIED,
        })
        .with_client_options(ClientOptions::new().with_timeout(PATIENCE));
    let profile = Profile::find(&options.profile, environment)?;
    for (key, value) in profile.settings() {
        builder = builder.with_config(key, value);
    }
    for (name, value) in environment.iter().filter(|(name, _)| name.starts_with("AWS_")) {
        let key: Option<AmazonS3ConfigKey> = name.to_ascii_lowercase().parse().ok();
        // Named credentials are meant, whatever else lies in the environment.
        let hidden = profile.is_named() && profile.has_keys() && is_credential(key.as_ref());
        if let Some(key) = key.filter(|_| !hidden) {
            builder = builder.with_config(key, value);
        }
    }
    if !options.region.is_empty() {
        builder = builder.with_region(&options.region);
    }
    if !options.endpoint.is_empty() {
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, &options.endpoint);
    }
    let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    let endpoint = endpoint.iter().find_map(|key| builder.get_config_value(key));
    if let Some(endpoint) = endpoint.filter(|endpoint| endpoint.starts_with("http://")) {
        let allowed = options.allow_http
            || environment.get("AWS_ALLOW_HTTP").is_some_and(|value| value == "true");
        if !allowed {
            return Err(StoreError::Unencrypted(endpoint));
        }
        builder = builder.with_allow_http(true);
    }
    Ok(builder)
}

fn is_credential(key: Option<&AmazonS3ConfigKey>) -> bool {
    matches!(
        key,
        Some(
            AmazonS3ConfigKey::AccessKeyId
                | AmazonS3ConfigKey::SecretAccessKey
                | AmazonS3ConfigKey::Token
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(
        options: &Options,
        environment: &[(&str, &str)],
        key: AmazonS3ConfigKey,
    ) -> Option<String> {
        let environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        configured("b", options, &environment.collect()).unwrap().get_config_value(&key)
    }

    #[test]
    fn options_win_over_the_environment_and_that_over_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials");
        std::fs::write(
            &file,
            "[default]\naws_access_key_id = of-profile\naws_secret_access_key = s1\nregion = eu-central-1\n\
             [other]\naws_access_key_id = of-other\naws_secret_access_key = s2\n",
        )
        .unwrap();
        let file = file.to_str().unwrap();
        let home = [("AWS_SHARED_CREDENTIALS_FILE", file), ("AWS_CONFIG_FILE", "/nonexistent")];
        let (plain, key) = (Options::default(), AmazonS3ConfigKey::AccessKeyId);
        assert_eq!(value(&plain, &home, key).as_deref(), Some("of-profile"));
        assert_eq!(
            value(&plain, &home, AmazonS3ConfigKey::Region).as_deref(),
            Some("eu-central-1")
        );
        let keys = [("AWS_ACCESS_KEY_ID", "of-environment"), ("AWS_SECRET_ACCESS_KEY", "s3")];
        let both = [home.as_slice(), &keys].concat();
        assert_eq!(value(&plain, &both, key).as_deref(), Some("of-environment"));
        let named = Options { profile: "other".into(), region: "x".into(), ..Options::default() };
        assert_eq!(value(&named, &both, key).as_deref(), Some("of-other"));
        assert_eq!(value(&named, &both, AmazonS3ConfigKey::Region).as_deref(), Some("x"));
    }

    #[test]
    fn plain_http_has_to_be_meant() {
        let endpoint = "http://seaweed:8333".to_owned();
        let refused = Options { endpoint, ..Options::default() };
        let error = configured("b", &refused, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("s3.allow_http"), "{error}");
        let allowed = Options { allow_http: true, ..refused };
        assert!(configured("b", &allowed, &BTreeMap::new()).is_ok());
    }
}
