//! Writing: the tree as it grows, by the one process that follows the log.

use std::{
    fs,
    io::{self, Seek, SeekFrom, Write},
};

use super::{CHECKPOINT, KEY, POSITION_BYTES, POSITIONS, TILES, Tiles, bytes_of, none_if_missing, put, tile_path};
use crate::{
    checkpoint::{Checkpoint, TreeHead},
    edge::{Edge, FullTile, TILE_WIDTH, width},
    hash::Hash,
    key::Signer,
    tree::FullTiles,
};

/// How many positions are checked at a time.
const POSITIONS_AT_ONCE: usize = 8 * 1024;

/// Why the tree does not go on.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// What is kept was signed by another key, or by nobody.
    #[error(
        "the newest signed head in {0} cannot be gone on from: {1}. If the installation's secret was changed on purpose, move that \
         directory away: a new tree is begun, and the old heads stay what they are"
    )]
    Checkpoint(String, crate::checkpoint::NoCheckpoint),
    /// The log is not the one that was signed.
    #[error("the log is not what was signed: with {size} entries its root is {found}, and {signed} was signed")]
    Rewritten {
        /// How many entries the signed tree has.
        size: u64,
        /// Its root.
        signed: Hash,
        /// What the log gives.
        found: Hash,
    },
    /// The disk.
    #[error("the notary's files: {0}")]
    Io(#[from] io::Error),
}

/// The tree, to be added to. Never signs a head that does not go on from the last one.
#[derive(Debug)]
pub struct Ledger {
    tiles: Tiles,
    signer: Signer,
    edge: Edge,
    positions: fs::File,
    last_position: u64,
    /// The size whose partial tiles are on disk.
    written: u64,
    signed: Option<Checkpoint>,
}

impl Ledger {
    /// Opens what is kept, or begins anew from nothing where it is not whole. Reads all tiles.
    pub fn open(tiles: Tiles, signer: Signer) -> Result<Self, Broken> {
        fs::create_dir_all(tiles.directory())?;
        put(&tiles.directory().join(KEY), format!("{}\n", signer.key()).as_bytes())?;
        let shown = || tiles.directory().display().to_string();
        let signed = match tiles.checkpoint(signer.key())? {
            Some(Ok(checkpoint)) => Some(checkpoint),
            Some(Err(error)) => return Err(Broken::Checkpoint(shown(), error)),
            None => None,
        };
        let whole = match &signed {
            Some(checkpoint) => whole(&tiles, checkpoint.head)?,
            None => None,
        };
        let edge = whole.unwrap_or_default();
        if edge.size() == 0 {
            none_if_missing(fs::remove_dir_all(tiles.directory().join(TILES)))?;
        }
        let path = tiles.directory().join(POSITIONS);
        let mut positions = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        positions.set_len(edge.size() * POSITION_BYTES as u64)?;
        positions.seek(SeekFrom::End(0))?;
        let last_position = match edge.size() {
            0 => 0,
            size => tiles.positions(size - 1, 1)?.first().copied().unwrap_or(0),
        };
        let written = edge.size();
        Ok(Self { tiles, signer, edge, positions, last_position, written, signed })
    }

    /// Where everything is kept.
    pub const fn tiles(&self) -> &Tiles {
        &self.tiles
    }

    /// The tree's edge now.
    pub const fn edge(&self) -> &Edge {
        &self.edge
    }

    /// The newest signed head.
    pub const fn signed(&self) -> Option<&Checkpoint> {
        self.signed.as_ref()
    }

    /// The position of the last entry; 0 when there is none.
    pub const fn last_position(&self) -> u64 {
        self.last_position
    }

    /// The hash of the last leaf.
    pub fn last_leaf(&self) -> io::Result<Option<Hash>> {
        match self.edge.size() {
            0 => Ok(None),
            size => Ok(self.tiles.leaves((size - 1) / TILE_WIDTH as u64, size)?.last().copied()),
        }
    }

    /// Adds entries: their positions, ascending, and their leaves. Tiles that become full are written.
    pub fn append(&mut self, entries: &[(u64, Hash)]) -> Result<(), Broken> {
        let positions: Vec<u8> = entries.iter().flat_map(|(position, _)| position.to_be_bytes()).collect();
        self.positions.write_all(&positions)?;
        for (position, leaf) in entries {
            let directory = self.tiles.directory();
            self.edge.push(*leaf, |FullTile { level, index, hashes }| {
                put(&tile_path(directory, level, index, None), &bytes_of(&hashes))
            })?;
            self.last_position = *position;
            self.goes_on()?;
        }
        Ok(())
    }

    /// A tree that is built anew passes through the head that was signed before.
    fn goes_on(&self) -> Result<(), Broken> {
        let Some(Checkpoint { head: TreeHead { size, root }, .. }) = self.signed else { return Ok(()) };
        if size != self.edge.size() {
            return Ok(());
        }
        let found = self.edge.root();
        if found == root { Ok(()) } else { Err(Broken::Rewritten { size, signed: root, found }) }
    }

    /// Signs the tree as it is, when it has grown, and keeps the head and the tiles that are not full.
    pub fn sign(&mut self) -> Result<Option<Checkpoint>, Broken> {
        let size = self.edge.size();
        let before = self.signed.as_ref().map_or(0, |signed| signed.head.size);
        if size < before || (size == before && size == self.written) {
            return Ok(None);
        }
        let directory = self.tiles.directory();
        for (row, level) in self.edge.rows().iter().zip(0..) {
            if !row.is_empty() {
                put(&tile_path(directory, level, size >> (8 * (level + 1)), Some(row.len())), &bytes_of(row))?;
            }
        }
        let checkpoint = Checkpoint::sign(TreeHead { size, root: self.edge.root() }, &self.signer);
        put(&directory.join(CHECKPOINT), checkpoint.note.as_bytes())?;
        self.remove_older(size)?;
        self.written = size;
        self.signed = Some(checkpoint.clone());
        Ok(Some(checkpoint))
    }

    /// What was not full when the head before was signed is now part of something wider.
    fn remove_older(&self, size: u64) -> io::Result<()> {
        let rows = 0..u32::try_from(self.edge.rows().len()).unwrap_or(u32::MAX);
        for level in rows {
            let place = |size: u64| (size >> (8 * (level + 1)), width(size, level));
            let (index, wide) = place(self.written);
            if wide > 0 && (index, wide) != place(size) {
                let path = tile_path(self.tiles.directory(), level, index, Some(wide));
                none_if_missing(fs::remove_file(&path))?;
                if let Some(directory) = path.parent().filter(|_| index != place(size).0) {
                    // another tile's partial forms may be left there by a crash; they harm nobody
                    let _left = fs::remove_dir(directory);
                }
            }
        }
        Ok(())
    }
}

/// The edge of the signed tree, when every tile of it is as it was.
fn whole(tiles: &Tiles, head: TreeHead) -> io::Result<Option<Edge>> {
    let Some(kept) = tiles.edge(head.size)? else { return Ok(None) };
    let mut edge = Edge::default();
    for tile in 0..head.size.div_ceil(TILE_WIDTH as u64) {
        let Ok(leaves) = tiles.leaves(tile, head.size) else { return Ok(None) };
        for leaf in leaves {
            let same = edge.push(leaf, |full| match tiles.full_tile(full.level, full.index) {
                Ok(hashes) if hashes == full.hashes => Ok(()),
                Ok(_) | Err(_) => Err(()),
            });
            if same.is_err() {
                return Ok(None);
            }
        }
    }
    let same = edge == kept && edge.root() == head.root && ascending(tiles, head.size)?;
    Ok(same.then_some(edge))
}

/// Whether the positions are all there and ascend.
fn ascending(tiles: &Tiles, size: u64) -> io::Result<bool> {
    let (mut index, mut last) = (0, 0);
    while index < size {
        let most = usize::try_from(size - index).map_or(POSITIONS_AT_ONCE, |left| left.min(POSITIONS_AT_ONCE));
        let positions = tiles.positions(index, most)?;
        if positions.len() < most {
            return Ok(false);
        }
        for position in positions {
            if position <= last {
                return Ok(false);
            }
            last = position;
        }
        index += most as u64;
    }
    Ok(true)
}
