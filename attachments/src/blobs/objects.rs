//! Objects of an S3-compatible store.

use std::{ops::Range, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Error, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3Builder, S3ConditionalPut},
    buffered::BufWriter,
    path::Path as ObjectPath,
};
use tokio::io::AsyncWriteExt;

use super::{BlobError, Blobs, Stored};
use crate::Place;

/// What of a file is in memory at a time while it is put; S3 takes no smaller parts.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// How long a store that does not answer is asked again.
const RETRIED_FOR: Duration = Duration::from_secs(10);

/// Where a bucket is. What is not given comes from the environment, as everywhere (`AWS_REGION`, `AWS_ACCESS_KEY_ID` …).
#[derive(Clone, Default)]
pub struct S3 {
    /// The bucket's name.
    pub bucket: String,
    /// What the names of all objects begin with; empty for none.
    pub prefix: String,
    /// `https://…`, or `http://…` for a store in the same house; Amazon's own when not given.
    pub endpoint: Option<String>,
    /// Which region.
    pub region: Option<String>,
    /// Who asks, and with which secret.
    pub credentials: Option<(String, String)>,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3(s3://{}/{})", self.bucket, self.prefix)
    }
}

/// A bucket, or a part of one.
#[derive(Debug, Clone)]
pub struct ObjectBlobs {
    store: Arc<dyn ObjectStore>,
    prefix: ObjectPath,
}

fn unavailable(error: impl std::fmt::Display) -> BlobError {
    BlobError::Unavailable(error.to_string())
}

impl ObjectBlobs {
    /// Objects of any store, below a prefix.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { store, prefix: ObjectPath::from(prefix) }
    }

    /// Objects of an S3-compatible store. Nothing is asked of it yet.
    pub fn s3(place: &S3) -> Result<Self, BlobError> {
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&place.bucket)
            .with_conditional_put(S3ConditionalPut::Disabled)
            // one goes at a time, and not every store that is compatible otherwise knows the request for many
            .with_disable_bulk_delete(true)
            // somebody waits for the answer
            .with_retry(RetryConfig { max_retries: 3, retry_timeout: RETRIED_FOR, ..RetryConfig::default() });
        if let Some(endpoint) = &place.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = &place.region {
            builder = builder.with_region(region);
        }
        if let Some((id, secret)) = &place.credentials {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        Ok(Self::new(Arc::new(builder.build().map_err(unavailable)?), &place.prefix))
    }

    fn path(&self, place: Place) -> ObjectPath {
        place.to_string().split('/').fold(self.prefix.clone(), ObjectPath::join)
    }

    async fn copy(&self, place: Place, file: &Path) -> std::io::Result<()> {
        let mut file = tokio::fs::File::open(file).await?;
        let mut writer = BufWriter::with_capacity(self.store.clone(), self.path(place), PART_BYTES)
            // one part after the other: memory is scarcer than time
            .with_max_concurrency(1);
        if let Err(error) = tokio::io::copy(&mut file, &mut writer).await {
            writer.abort().await.ok();
            return Err(error);
        }
        writer.shutdown().await
    }
}

#[async_trait]
impl Blobs for ObjectBlobs {
    async fn put(&self, place: Place, file: &Path) -> Result<(), BlobError> {
        self.copy(place, file).await.map_err(unavailable)
    }

    async fn read(&self, place: Place, range: Range<u64>) -> Result<Bytes, BlobError> {
        let wanted = range.end.saturating_sub(range.start);
        match self.store.get_range(&self.path(place), range).await {
            Ok(bytes) if bytes.len() as u64 == wanted => Ok(bytes),
            Ok(_) | Err(Error::NotFound { .. }) => Err(BlobError::Missing(place)),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn remove(&self, place: Place) -> Result<(), BlobError> {
        match self.store.delete(&self.path(place)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn list(&self) -> BoxStream<'_, Result<Stored, BlobError>> {
        let ours = move |object: object_store::ObjectMeta| {
            let parts: Vec<_> =
                object.location.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_owned()).collect();
            let place = parts.join("/").parse().ok()?;
            Some(Stored { place, since: object.last_modified.into() })
        };
        let found = self.store.list(Some(&self.prefix)).map_err(unavailable);
        found.try_filter_map(move |object| std::future::ready(Ok(ours(object)))).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::tests::cipher;
    use object_store::memory::InMemory;

    #[tokio::test]
    async fn an_object_is_kept_read_listed_and_removed() {
        let store = Arc::new(InMemory::new());
        let blobs = ObjectBlobs::new(store.clone(), "some/where");
        let (place, directory) = (cipher().place(), tempfile::tempdir().unwrap());
        let file = directory.path().join("new");
        // more than one part
        let bytes: Vec<u8> = (0..u32::try_from(PART_BYTES).unwrap()).flat_map(|n| [n.to_le_bytes()[0], 7]).collect();
        std::fs::write(&file, &bytes).unwrap();
        blobs.put(place, &file).await.unwrap();
        assert_eq!(blobs.read(place, 6_000_000..6_000_100).await.unwrap(), bytes[6_000_000..6_000_100]);
        let past_the_end = bytes.len() as u64 - 1..bytes.len() as u64 + 1;
        assert!(matches!(blobs.read(place, past_the_end).await, Err(BlobError::Missing(_))));
        store.put(&ObjectPath::from("some/where/foreign"), Bytes::new().into()).await.unwrap();
        store.put(&ObjectPath::from("some/whereelse/x"), Bytes::new().into()).await.unwrap();
        let listed: Vec<_> = blobs.list().map(|found| found.unwrap().place).collect().await;
        assert_eq!(listed, [place]);
        for _ in 0..2 {
            blobs.remove(place).await.unwrap();
        }
        assert!(matches!(blobs.read(place, 0..1).await, Err(BlobError::Missing(_))));
    }
}
