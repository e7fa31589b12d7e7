//! Where archive and history are kept: a folder, or a bucket of S3.

pub mod conformance;
mod explain;
mod profile;
pub mod s3;
mod steady;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

pub use explain::explain;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;

/// An object store, shared.
pub type Store = Arc<dyn ObjectStore>;

/// A place that an object store can be at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    /// What is below a prefix of a bucket.
    Bucket {
        /// The bucket, which must be there.
        bucket: String,
        /// The prefix; may be empty.
        prefix: String,
    },
}

/// Why a store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is no location.
    #[error("`{0}` is no place for an archive; write s3://BUCKET/PREFIX or a folder")]
    Location(String),
    /// The folder can't be made or read.
    #[error("cannot use the folder {}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The server must not be talked to like that.
    #[error(
        "the S3 endpoint {0} is not encrypted; if that is meant (a server of your own), set s3.allow_http = true"
    )]
    Unencrypted(String),
    /// A profile of `~/.aws` that gives no credentials.
    #[error("the AWS profile `{name}`: {reason}")]
    Profile {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that S3's client doesn't take.
    #[error("cannot use s3://{bucket}: {reason}")]
    S3 {
        /// The bucket.
        bucket: String,
        /// What is wrong.
        reason: String,
    },
}

impl StoreError {
    fn s3(bucket: &str, reason: impl fmt::Display) -> Self {
        Self::S3 { bucket: bucket.to_owned(), reason: reason.to_string() }
    }
}

impl Location {
    /// The location of this name below.
    pub fn below(&self, name: &str) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder.join(name)),
            Self::Bucket { bucket, prefix } => Self::Bucket {
                bucket: bucket.clone(),
                prefix: format!("{prefix}/{name}").trim_start_matches('/').to_owned(),
            },
        }
    }

    /// The store at this place; a folder is made if it is not there.
    ///
    /// # Errors
    /// Where it can't be; of a bucket nothing is asked yet.
    pub fn open(&self, options: &s3::Options) -> Result<Store, StoreError> {
        match self {
            Self::Folder(path) => folder(path),
            Self::Bucket { bucket, prefix } => {
                s3::open(bucket, prefix, options, &s3::environment())
            }
        }
    }

    /// The store at this place, to be read: nothing is made, and a folder that is not there holds
    /// nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_to_read(&self, options: &s3::Options) -> Result<Store, StoreError> {
        match self {
            Self::Folder(path) if !path.is_dir() => Ok(Arc::new(InMemory::new())),
            place => place.open(options),
        }
    }
}

fn folder(path: &Path) -> Result<Store, StoreError> {
    let failed = |reason: String| StoreError::Folder { path: path.to_owned(), reason };
    std::fs::create_dir_all(path).map_err(|error| failed(error.to_string()))?;
    let store = LocalFileSystem::new_with_prefix(path);
    Ok(Arc::new(store.map_err(|error| failed(error.to_string()))?))
}

impl FromStr for Location {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong = || StoreError::Location(text.to_owned());
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(wrong());
            }
            let prefix = prefix.trim_matches('/').to_owned();
            return Ok(Self::Bucket { bucket: bucket.to_owned(), prefix });
        }
        let path = text.strip_prefix("file:").unwrap_or(text);
        let path = path.strip_prefix("//").map_or(path, |rooted| rooted);
        if path.is_empty() || path.contains("://") {
            return Err(wrong());
        }
        Ok(Self::Folder(path.into()))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_urls_or_folders() {
        let bucket = |prefix: &str| Location::Bucket { bucket: "b".into(), prefix: prefix.into() };
        for (text, location) in [
            ("s3://b", bucket("")),
            ("s3://b/", bucket("")),
            ("s3://b/a/c/", bucket("a/c")),
            ("file:archive/", Location::Folder("archive/".into())),
            ("file:///srv/archive", Location::Folder("/srv/archive".into())),
            ("/srv/archive", Location::Folder("/srv/archive".into())),
        ] {
            assert_eq!(text.parse::<Location>().unwrap(), location, "{text}");
        }
        for text in ["", "s3://", "s3:///a", "gs://b/a", "file:"] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
        assert_eq!(bucket("").below("history"), bucket("history"));
        assert_eq!(bucket("a").below("history").to_string(), "s3://b/a/history");
    }
}
