//! Files as they come: sealed chunk by chunk, and removed again unless they are kept.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{fs::File, io::AsyncWriteExt};
use uuid::Uuid;

use crate::{
    CHUNK_BYTES, Cipher,
    seal::{MAGIC, SEALED_CHUNK_BYTES},
};

/// A file that goes away unless it is moved elsewhere.
#[derive(Debug)]
pub(crate) struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %self.0.display(), "an unfinished upload could not be removed");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// A sealed file being written. At most one chunk of it is in memory.
#[derive(Debug)]
pub struct Writer {
    file: File,
    cipher: Arc<Cipher>,
    chunk: Vec<u8>,
    number: u64,
    size: u64,
    temporary: Temporary,
}

impl Writer {
    /// Begins a file in this directory.
    pub(crate) async fn begin(directory: &Path, cipher: Cipher) -> io::Result<Self> {
        let path = directory.join(Uuid::new_v4().to_string());
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path).await?;
        let temporary = Temporary(path);
        file.write_all(&MAGIC).await?;
        let chunk = Vec::with_capacity(SEALED_CHUNK_BYTES);
        Ok(Self { file, cipher: Arc::new(cipher), chunk, number: 0, size: 0, temporary })
    }

    /// How much was written.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Writes what comes next.
    pub async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            // a full chunk waits until it is known that it is not the last
            if self.chunk.len() == CHUNK_BYTES {
                self.seal(false).await?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    async fn seal(&mut self, last: bool) -> io::Result<()> {
        self.cipher.seal(self.number, last, &mut self.chunk);
        self.file.write_all(&self.chunk).await?;
        self.number += 1;
        self.chunk.clear();
        Ok(())
    }

    /// Ends the file; it is on the disk when this returns.
    pub async fn finish(mut self) -> io::Result<Spooled> {
        self.seal(true).await?;
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok(Spooled { cipher: self.cipher, size: self.size, temporary: self.temporary })
    }
}

/// A whole sealed file that is not kept yet.
#[derive(Debug)]
pub struct Spooled {
    cipher: Arc<Cipher>,
    size: u64,
    temporary: Temporary,
}

impl Spooled {
    /// What opens it.
    pub(crate) fn cipher(&self) -> &Arc<Cipher> {
        &self.cipher
    }

    /// In bytes, before sealing.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.temporary.0
    }
}
