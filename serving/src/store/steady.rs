//! Creating an object that must not be there yet, in spite of faults in between.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};

/// How often a create is tried.
const TRIES: u32 = 10;

/// The wait after the first failure; doubled after each, up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// A store whose creates are tried again.
///
/// S3's client does not repeat a create whose answer was lost, because it can't know
/// whether it was done. Here it can be repeated: if it was done, the repetition is told that the
/// object is there, and whoever creates looks then whose it is. S3 also answers 409 to a
/// create that meets another one under way: if that one fails, nothing is there afterwards.
#[derive(Debug)]
pub struct Steady<T>(pub T);

impl<T: ObjectStore> Steady<T> {
    async fn create(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let mut wait = FIRST;
        for tried in 1.. {
            let put = self.0.put_opts(location, payload.clone(), options.clone()).await;
            let again = match &put {
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                    matches!(self.0.head(location).await, Err(Error::NotFound { .. }))
                }
                Err(Error::Generic { .. }) => true,
                _ => false,
            };
            if !again || tried == TRIES {
                return put;
            }
            tracing::warn!(%location, error = ?put.err(), "creating an object again");
            tokio::time::sleep(wait).await;
            wait = (2 * wait).min(LONGEST);
        }
        unreachable!("the last try returns")
    }
}

impl<T: fmt::Display> fmt::Display for Steady<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait::async_trait]
impl<T: ObjectStore> ObjectStore for Steady<T> {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        match options.mode {
            PutMode::Create => self.create(location, payload, options).await,
            _ => self.0.put_opts(location, payload, options).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}
