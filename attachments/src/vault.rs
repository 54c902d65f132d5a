//! All there is to do with the bytes of attachments.

use std::{
    io::{self, BufReader},
    ops::Range,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, stream::BoxStream};
use tidings_domain::{AttachmentId, KeyId};
use tidings_event_store::{KeyError, keys::Keyring};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{
    BlobError, Blobs, Cipher, Part, Place, ReadError, Spooled, Stored, Writer,
    picture::{self, Picture},
    reading::{Reading, SpooledReader},
    seal::Layout,
};

/// How many pictures are decoded at a time: each may take a whole core, and much memory.
const DECODERS: usize = 2;

/// No upload takes so long: what is older was left by a crash.
const LEFT_BEHIND: Duration = Duration::from_hours(24);

/// Why a file is not kept.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The disk.
    #[error("an upload cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The store.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The account is being forgotten.
    #[error("a key of {0} is destroyed")]
    Forgotten(Place),
}

/// What was seen of an uploaded file.
#[derive(Debug)]
pub struct Looked {
    /// Of a picture.
    pub picture: Option<Picture>,
    /// The file, to be kept.
    pub file: Spooled,
}

/// The bytes of all attachments. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    blobs: Arc<dyn Blobs>,
    keyring: Keyring,
    spool: PathBuf,
    decoders: Arc<Semaphore>,
}

impl Vault {
    /// Keeps files there; what comes is written to the directory `spool` first, which is made at need and emptied of what a
    /// crash left long ago. It must be of the same file system as a directory where files are kept.
    pub fn open(blobs: Arc<dyn Blobs>, keyring: Keyring, spool: &Path) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(spool)?;
        for left in std::fs::read_dir(spool)? {
            let left = left?;
            // whatever is younger may be somebody's who is at work
            let age = left.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age > LEFT_BEHIND {
                std::fs::remove_file(left.path())?;
            }
        }
        Ok(Self { blobs, keyring, spool: spool.to_owned(), decoders: Arc::new(Semaphore::new(DECODERS)) })
    }

    async fn cipher(&self, place: Place, author_key: KeyId) -> Result<Option<Cipher>, KeyError> {
        Cipher::of(&self.keyring, place, author_key).await
    }

    /// Begins a file that is not kept yet.
    pub async fn begin(&self, place: Place, author_key: KeyId) -> Result<Writer, VaultError> {
        let cipher = self.cipher(place, author_key).await?.ok_or(VaultError::Forgotten(place))?;
        Ok(Writer::begin(&self.spool, cipher).await?)
    }

    /// Looks whether a file of this type is a picture, on a thread where that may take its time.
    pub async fn look(&self, file: Spooled, media_type: &str) -> Result<Looked, VaultError> {
        if !media_type.starts_with("image/") || file.size() > picture::MAX_LOOKED_AT_BYTES {
            return Ok(Looked { picture: None, file });
        }
        let Ok(_turn) = self.decoders.acquire().await else { return Ok(Looked { picture: None, file }) };
        let (reader, media_type) = (SpooledReader::of(&file)?, media_type.to_owned());
        let looked = spawn_blocking(move || picture::look(BufReader::new(reader), &media_type)).await;
        let picture = looked.unwrap_or_else(|panic| {
            tracing::error!(error = %panic, "a decoder of pictures gave up");
            None
        });
        Ok(Looked { picture, file })
    }

    /// Keeps a file; it survives a crash when this returns.
    pub async fn keep(&self, file: Spooled) -> Result<(), VaultError> {
        Ok(self.blobs.put(file.cipher().place(), file.path()).await?)
    }

    /// Keeps a small file that is in memory.
    pub async fn keep_bytes(&self, place: Place, author_key: KeyId, bytes: &[u8]) -> Result<(), VaultError> {
        let mut writer = self.begin(place, author_key).await?;
        writer.write(bytes).await?;
        self.keep(writer.finish().await?).await
    }

    /// A range of a file of `size` bytes, piece by piece. The first piece is known to be right when this returns; each
    /// further one before it is given out.
    pub async fn read(
        &self,
        place: Place,
        author_key: KeyId,
        size: u64,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, ReadError>> + Send + use<>, ReadError> {
        let cipher = self.cipher(place, author_key).await?.ok_or(ReadError::Forgotten(place))?;
        let blobs = self.blobs.clone();
        let mut reading = Reading { blobs, cipher, layout: Layout::of(size), range };
        let first = reading.next().await?.unwrap_or_default();
        Ok(reading.stream_after(first))
    }

    /// Removes the files of an attachment that were stored under this key.
    pub async fn remove(&self, id: AttachmentId, key: KeyId) -> Result<(), BlobError> {
        for part in [Part::File, Part::Thumbnail] {
            self.blobs.remove(Place { id, key, part }).await?;
        }
        Ok(())
    }

    /// All files there are.
    pub fn list(&self) -> BoxStream<'_, Result<Stored, BlobError>> {
        self.blobs.list()
    }
}

#[cfg(test)]
mod tests;
