//! Where the tree is kept: tiles as C2SP tlog-tiles lays them out, the positions of the entries, the newest signed head, the key.
//!
//! ```text
//! tile/0/000   tile/0/x001/000   tile/1/000.p/3   positions   checkpoint   key
//! ```
//!
//! `positions` has eight bytes (big-endian) for each entry: positions of a log may have gaps, indexes have none. Nothing here is
//! synced, and nothing has to be: all of it follows from the log. Whatever a crash of the machine leaves torn is noticed when
//! the tree is opened, for the whole tree is hashed then, and it is built anew.

mod ledger;
mod reading;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

pub use ledger::{Broken, Ledger};
pub use reading::Tiles;

use crate::hash::{HASH_BYTES, Hash};

const CHECKPOINT: &str = "checkpoint";
const KEY: &str = "key";
const POSITIONS: &str = "positions";
const TILES: &str = "tile";
const POSITION_BYTES: usize = 8;

/// The path of a tile below the directory; `width` for one that is not full.
fn tile_path(directory: &Path, level: u32, index: u64, width: Option<usize>) -> PathBuf {
    let mut groups = vec![format!("{:03}", index % 1_000)];
    let mut rest = index / 1_000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1_000));
        rest /= 1_000;
    }
    let mut path = directory.join(TILES).join(level.to_string());
    let last = groups.len() - 1;
    for (at, group) in groups.into_iter().rev().enumerate() {
        let partial = width.is_some() && at == last;
        path.push(if partial { format!("{group}.p") } else { group });
    }
    if let Some(width) = width {
        path.push(width.to_string());
    }
    path
}

/// A file that is there whole or not at all, for whoever reads it meanwhile.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = fs::File::create(&new)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&new, path)
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

fn hashes_of(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    rest.is_empty().then(|| hashes.iter().map(|bytes| Hash(*bytes)).collect())
}

fn none_if_missing<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
