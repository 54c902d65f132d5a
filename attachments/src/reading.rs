//! Reading sealed files: a range of a kept one, piece by piece, and a spooled one on the thread of a decoder.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use tidings_event_store::KeyError;

use crate::{
    BlobError, Blobs, CHUNK_BYTES, Cipher, Place, Spooled,
    seal::{Layout, SEALED_CHUNK_BYTES},
};

/// How many chunks are fetched at a time.
const CHUNKS_AT_A_TIME: u64 = 4;

/// Why a kept file cannot be read on. Nothing wrong was given out.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A chunk is not what was sealed there.
    #[error("chunk {number} of {place} was changed, or belongs elsewhere")]
    Damaged {
        /// Of which file.
        place: Place,
        /// The first is 0.
        number: u64,
    },
    /// A key of it is destroyed.
    #[error("a key of {0} is destroyed")]
    Forgotten(Place),
    /// The bytes.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The keys.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A range of a kept file on its way out.
pub(crate) struct Reading {
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) cipher: Cipher,
    pub(crate) layout: Layout,
    /// What is left to give out.
    pub(crate) range: Range<u64>,
}

impl Reading {
    /// What comes next; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        let (chunk, Range { start, end }) = (CHUNK_BYTES as u64, self.range.clone());
        if start >= end {
            return Ok(None);
        }
        let first = start / chunk;
        let last = ((end - 1) / chunk).min(first + CHUNKS_AT_A_TIME - 1);
        let sealed = self.layout.sealed(first).start..self.layout.sealed(last).end;
        let place = self.cipher.place();
        let mut sealed = BytesMut::from(self.blobs.read(place, sealed).await?);
        let mut opened = BytesMut::with_capacity(sealed.len());
        for number in first..=last {
            let mut piece = sealed.split_to(sealed.len().min(SEALED_CHUNK_BYTES));
            let plain = self.cipher.open(number, number == self.layout.last(), &mut piece);
            opened.extend_from_slice(plain.ok_or(ReadError::Damaged { place, number })?);
        }
        let skipped = usize::try_from(start - first * chunk).unwrap_or(usize::MAX);
        let mut opened = opened.split_off(skipped.min(opened.len()));
        opened.truncate(usize::try_from(end - start).unwrap_or(usize::MAX));
        self.range.start += opened.len() as u64;
        Ok(Some(opened.freeze()))
    }

    /// This, and then the rest.
    pub(crate) fn stream_after(self, first: Bytes) -> impl Stream<Item = Result<Bytes, ReadError>> + Send {
        stream::try_unfold((Some(first), self), |(first, mut rest)| async move {
            match first {
                Some(first) => Ok(Some((first, (None, rest)))),
                None => Ok(rest.next().await?.map(|next| (next, (None, rest)))),
            }
        })
    }
}

/// A spooled file as a decoder reads it. Holds one chunk.
pub(crate) struct SpooledReader {
    file: File,
    cipher: Arc<Cipher>,
    size: u64,
    at: u64,
    /// The chunk that is open, by its number.
    open: Option<(u64, Vec<u8>)>,
}

impl SpooledReader {
    pub(crate) fn of(spooled: &Spooled) -> io::Result<Self> {
        let file = File::open(spooled.path())?;
        Ok(Self { file, cipher: spooled.cipher().clone(), size: spooled.size(), at: 0, open: None })
    }

    fn chunk(&mut self, number: u64) -> io::Result<&[u8]> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != number) {
            let layout = Layout::of(self.size);
            let Range { start, end } = layout.sealed(number);
            self.file.seek(SeekFrom::Start(start))?;
            let mut sealed = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
            self.file.read_exact(&mut sealed)?;
            let plain = self.cipher.open(number, number == layout.last(), &mut sealed).map(<[u8]>::len);
            sealed.truncate(plain.ok_or_else(|| io::Error::other("a spooled chunk does not open"))?);
            self.open = Some((number, sealed));
        }
        Ok(self.open.as_ref().map_or(&[], |(_, chunk)| chunk))
    }
}

impl Read for SpooledReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size {
            return Ok(0);
        }
        let (number, within) = (self.at / CHUNK_BYTES as u64, self.at % CHUNK_BYTES as u64);
        let chunk = self.chunk(number)?;
        let rest = chunk.get(usize::try_from(within).map_err(io::Error::other)?..).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for SpooledReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
