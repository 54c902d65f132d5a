//! Where sealed files are kept: one implementation for a directory, one for object stores.

mod files;
mod objects;

use std::{ops::Range, path::Path, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::Place;
pub use files::FileBlobs;
pub use objects::{ObjectBlobs, S3};

/// Why a stored file is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is not there, or shorter than it should be.
    #[error("{0} is not there, or is cut off")]
    Missing(Place),
    /// The disk or the store does not answer as it should.
    #[error("the store of attachments is unavailable: {0}")]
    Unavailable(String),
}

/// A stored file that was found.
#[derive(Debug, Clone, Copy)]
pub struct Stored {
    /// Where.
    pub place: Place,
    /// Since when.
    pub since: SystemTime,
}

/// A store of sealed files. Files never change: they are put once, and removed.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Puts a whole file there, which may be moved away from where it is. It survives a crash when this returns.
    async fn put(&self, place: Place, file: &Path) -> Result<(), BlobError>;

    /// These bytes of a file, all of them.
    async fn read(&self, place: Place, range: Range<u64>) -> Result<Bytes, BlobError>;

    /// Removes a file; one that is not there is no error.
    async fn remove(&self, place: Place) -> Result<(), BlobError>;

    /// All files there are. What is nobody's of ours is passed over.
    fn list(&self) -> BoxStream<'_, Result<Stored, BlobError>>;
}
