//! Where in the tree the events of a log stand, by the positions that were kept with it.

use std::io;

use crate::{
    edge::{TILE_WIDTH, within_tile},
    hash::Hash,
    tiles::Tiles,
};

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the tree.
    In {
        /// From 0.
        index: u64,
        /// As it stands in the tree; none where the tile cannot be read.
        leaf: Option<Hash>,
    },
    /// After everything in the tree.
    After {
        /// From 0, when it will be in it.
        index: u64,
    },
    /// Where the tree has no entry.
    Nowhere,
}

impl Place {
    /// Index and leaf, as far as there are any.
    pub const fn parts(self) -> (Option<u64>, Option<Hash>) {
        match self {
            Self::In { index, leaf } => (Some(index), leaf),
            Self::After { index } => (Some(index), None),
            Self::Nowhere => (None, None),
        }
    }
}

/// Finds places for positions that ascend.
#[derive(Debug)]
pub struct Places {
    tiles: Tiles,
    size: u64,
    next: u64,
    /// The tile of leaves that `next` lies in.
    tile: Option<u64>,
    positions: Vec<u64>,
    leaves: Vec<Hash>,
    /// The last tile, read at once: a server that writes on replaces it.
    last: Vec<Hash>,
}

impl Places {
    /// Places in the tree of this size.
    pub fn new(tiles: Tiles, size: u64) -> Self {
        let last = tiles.leaves(size / TILE_WIDTH as u64, size).unwrap_or_default();
        Self { tiles, size, next: 0, tile: None, positions: vec![], leaves: vec![], last }
    }

    /// The same for events that come after the first `entries` of the tree.
    #[must_use]
    pub fn after(self, entries: u64) -> Self {
        Self { next: entries, ..self }
    }

    /// Where the event at this position stands.
    pub fn place(&mut self, position: u64) -> io::Result<Place> {
        while self.next < self.size {
            self.load(self.next / TILE_WIDTH as u64)?;
            let (index, within) = (self.next, within_tile(self.next));
            match self.positions.get(within) {
                // what lies between is missing from the log
                Some(&kept) if kept < position => self.next += 1,
                Some(&kept) if kept == position => {
                    self.next += 1;
                    return Ok(Place::In { index, leaf: self.leaves.get(within).copied() });
                }
                Some(_) | None => return Ok(Place::Nowhere),
            }
        }
        let index = self.next;
        self.next += 1;
        Ok(Place::After { index })
    }

    fn load(&mut self, tile: u64) -> io::Result<()> {
        if self.tile == Some(tile) {
            return Ok(());
        }
        self.positions = self.tiles.positions(tile * TILE_WIDTH as u64, TILE_WIDTH)?;
        self.leaves = if tile == self.size / TILE_WIDTH as u64 {
            std::mem::take(&mut self.last)
        } else {
            // without them a change is noticed all the same, by the root
            self.tiles.leaves(tile, self.size).unwrap_or_default()
        };
        self.tile = Some(tile);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{key::Signer, tiles::Ledger};

    #[test]
    fn events_are_found_by_their_positions_whatever_is_missing_or_put_in() {
        let directory = tempfile::tempdir().unwrap();
        let leaf = |index: u64| Hash::of_leaf(&index.to_be_bytes());
        let mut ledger = Ledger::open(Tiles::at(directory.path()), Signer::from_seed(&[1; 32]).unwrap()).unwrap();
        let entries: Vec<_> = (0..300).map(|index| (2 * (index + 1), leaf(index))).collect();
        ledger.append(&entries).unwrap();
        ledger.sign().unwrap();
        let mut places = Places::new(Tiles::at(directory.path()), 300);
        let found = |index| Place::In { index, leaf: Some(leaf(index)) };
        for (position, place) in [
            (2, found(0)),
            (3, Place::Nowhere),
            (4, found(1)),
            (8, found(3)),
            (598, found(298)),
            (600, found(299)),
            (601, Place::After { index: 300 }),
            (700, Place::After { index: 301 }),
        ] {
            assert_eq!(places.place(position).unwrap(), place, "{position}");
        }
    }
}
