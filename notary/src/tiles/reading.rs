//! Reading what is kept: by the server while it writes, and by a verifier on a copy.

use std::{
    cmp::Ordering,
    fs, io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{CHECKPOINT, KEY, POSITION_BYTES, POSITIONS, hashes_of, none_if_missing, tile_path};
use crate::{
    checkpoint::{Checkpoint, NoCheckpoint},
    edge::{Edge, TILE_WIDTH, width},
    hash::Hash,
    key::VerifierKey,
    tree::FullTiles,
};

/// The directory.
#[derive(Debug, Clone)]
pub struct Tiles {
    directory: PathBuf,
}

impl Tiles {
    /// What is kept there. Nothing is looked at yet.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Where.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The newest signed head, unchecked; none before the first.
    pub fn note(&self) -> io::Result<Option<String>> {
        none_if_missing(fs::read_to_string(self.directory.join(CHECKPOINT)))
    }

    /// The newest signed head, checked.
    pub fn checkpoint(&self, key: &VerifierKey) -> io::Result<Option<Result<Checkpoint, NoCheckpoint>>> {
        Ok(self.note()?.map(|note| Checkpoint::verify(&note, key)))
    }

    /// The key as its text; none before the first start.
    pub fn key(&self) -> io::Result<Option<String>> {
        none_if_missing(fs::read_to_string(self.directory.join(KEY)))
    }

    /// The edge of the tree of this size; none when its tiles are not there as they must be.
    pub fn edge(&self, size: u64) -> io::Result<Option<Edge>> {
        let mut rows = vec![];
        for level in 0.. {
            let wide = width(size, level);
            let index = size.checked_shr(8 * (level + 1)).unwrap_or(0);
            if wide == 0 && index == 0 {
                break;
            }
            let row = if wide == 0 { Some(vec![]) } else { self.row(level, index, wide)? };
            let Some(row) = row else { return Ok(None) };
            rows.push(row);
        }
        Ok(Edge::new(size, rows))
    }

    /// The beginning of a tile that was not full, or is by now.
    fn row(&self, level: u32, index: u64, wide: usize) -> io::Result<Option<Vec<Hash>>> {
        let partial = none_if_missing(fs::read(tile_path(&self.directory, level, index, Some(wide))))?;
        let bytes = match partial {
            Some(bytes) => Some(bytes),
            None => none_if_missing(fs::read(tile_path(&self.directory, level, index, None)))?,
        };
        Ok(bytes.and_then(|bytes| hashes_of(&bytes)).and_then(|row| row.get(..wide).map(<[Hash]>::to_vec)))
    }

    /// The positions of `count` entries from this index on; fewer where there are no more.
    pub fn positions(&self, index: u64, count: usize) -> io::Result<Vec<u64>> {
        let Some(file) = none_if_missing(fs::File::open(self.directory.join(POSITIONS)))? else { return Ok(vec![]) };
        let mut bytes = vec![0; count * POSITION_BYTES];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], index * POSITION_BYTES as u64 + read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        Ok(bytes[..read].as_chunks().0.iter().map(|bytes| u64::from_be_bytes(*bytes)).collect())
    }

    /// The index of the entry at a position, among the first `size`.
    pub fn index_of(&self, position: u64, size: u64) -> io::Result<Option<u64>> {
        let (mut begin, mut end) = (0, size);
        while begin < end {
            let middle = begin + (end - begin) / 2;
            let Some(&found) = self.positions(middle, 1)?.first() else { return Ok(None) };
            match found.cmp(&position) {
                Ordering::Less => begin = middle + 1,
                Ordering::Equal => return Ok(Some(middle)),
                Ordering::Greater => end = middle,
            }
        }
        Ok(None)
    }

    /// The hashes of the leaves of one tile of leaves (256 of them, fewer at the edge of the tree of this size).
    pub fn leaves(&self, tile: u64, size: u64) -> io::Result<Vec<Hash>> {
        if tile < size / TILE_WIDTH as u64 {
            return self.full_tile(0, tile);
        }
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the last tile of leaves is not there");
        self.row(0, tile, width(size, 0))?.ok_or_else(missing)
    }
}

impl FullTiles for Tiles {
    fn full_tile(&self, level: u32, index: u64) -> io::Result<Vec<Hash>> {
        let path = tile_path(&self.directory, level, index, None);
        let bytes =
            fs::read(&path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        let torn = || io::Error::new(io::ErrorKind::InvalidData, format!("{} is not a whole tile", path.display()));
        hashes_of(&bytes).filter(|row| row.len() == TILE_WIDTH).ok_or_else(torn)
    }
}
