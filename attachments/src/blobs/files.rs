//! Files of a directory, each synced with its name before it counts.

use std::{
    fs::{DirBuilder, File},
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use tokio::task::spawn_blocking;

use super::{BlobError, Blobs, Stored};
use crate::Place;

/// A directory.
#[derive(Debug, Clone)]
pub struct FileBlobs {
    root: PathBuf,
}

fn unavailable(error: impl std::fmt::Display) -> BlobError {
    BlobError::Unavailable(error.to_string())
}

fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

impl FileBlobs {
    /// Files of this directory, which is made at need.
    pub fn open(root: &Path) -> io::Result<Self> {
        make(root)?;
        Ok(Self { root: root.to_owned() })
    }

    fn path(&self, place: Place) -> PathBuf {
        self.root.join(place.to_string())
    }

    async fn blocking<T: Send + 'static>(
        work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        spawn_blocking(work).await.map_err(unavailable)?
    }
}

/// A file's name to the disk, and those of the directories above it up to the root: which of them are new, a crash decides.
fn keep(file: &Path, to: &Path, root: &Path) -> io::Result<()> {
    let directory = to.parent().unwrap_or(root);
    make(directory)?;
    std::fs::rename(file, to)?;
    File::open(directory)?.sync_all()?;
    File::open(root)?.sync_all()
}

fn read(path: &Path, place: Place, range: &Range<u64>) -> Result<Bytes, BlobError> {
    let wrong = |error: io::Error| {
        let missing = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof);
        if missing { BlobError::Missing(place) } else { unavailable(error) }
    };
    let mut file = File::open(path).map_err(wrong)?;
    file.seek(SeekFrom::Start(range.start)).map_err(wrong)?;
    let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).map_err(unavailable)?];
    file.read_exact(&mut bytes).map_err(wrong)?;
    Ok(bytes.into())
}

/// The files of one of the 256 directories.
fn list(root: &Path, directory: u8) -> Result<Vec<Stored>, BlobError> {
    let directory = format!("{directory:02x}");
    let entries = match std::fs::read_dir(root.join(&directory)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries.map_err(unavailable)?,
    };
    let mut found = vec![];
    for entry in entries {
        let entry = entry.map_err(unavailable)?;
        let Ok(place) = format!("{directory}/{}", entry.file_name().to_string_lossy()).parse() else { continue };
        match entry.metadata().and_then(|about| about.modified()) {
            Ok(since) => found.push(Stored { place, since }),
            // removed meanwhile
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unavailable(error)),
        }
    }
    Ok(found)
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, place: Place, file: &Path) -> Result<(), BlobError> {
        let (from, to, root) = (file.to_owned(), self.path(place), self.root.clone());
        Self::blocking(move || keep(&from, &to, &root).map_err(unavailable)).await
    }

    async fn read(&self, place: Place, range: Range<u64>) -> Result<Bytes, BlobError> {
        let path = self.path(place);
        Self::blocking(move || read(&path, place, &range)).await
    }

    async fn remove(&self, place: Place) -> Result<(), BlobError> {
        let path = self.path(place);
        Self::blocking(move || match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable(error)),
            Ok(()) | Err(_) => Ok(()),
        })
        .await
    }

    fn list(&self) -> BoxStream<'_, Result<Stored, BlobError>> {
        futures::stream::iter(0..=u8::MAX)
            .then(|directory| {
                let root = self.root.clone();
                Self::blocking(move || list(&root, directory))
            })
            .flat_map(|found| {
                let (files, error) = match found {
                    Ok(files) => (files, None),
                    Err(error) => (vec![], Some(Err(error))),
                };
                futures::stream::iter(files.into_iter().map(Ok).chain(error))
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::tests::cipher;

    #[tokio::test]
    async fn a_file_is_kept_read_listed_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::open(&directory.path().join("attachments")).unwrap();
        let (place, new) = (cipher().place(), directory.path().join("new"));
        std::fs::write(&new, b"0123456789").unwrap();
        blobs.put(place, &new).await.unwrap();
        assert_eq!(blobs.read(place, 2..5).await.unwrap(), "234");
        assert!(matches!(blobs.read(place, 8..11).await, Err(BlobError::Missing(_))));
        std::fs::write(directory.path().join("attachments/07/foreign"), b"").unwrap();
        let listed: Vec<_> = blobs.list().map(|found| found.unwrap().place).collect().await;
        assert_eq!((listed, new.exists()), (vec![place], false));
        for _ in 0..2 {
            blobs.remove(place).await.unwrap();
        }
        assert!(matches!(blobs.read(place, 0..1).await, Err(BlobError::Missing(_))));
        assert_eq!(blobs.list().count().await, 0);
    }
}
