//! Proofs: made from tiles with a number of reads that grows with the tree's height, and checked with nothing but hashes.

use std::io;

use crate::{
    edge::{Edge, TILE_HEIGHT, fold, within_tile},
    hash::Hash,
};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The tree has no such entry or never had that size.
    #[error("the tree has {0} entries")]
    OutOfRange(u64),
    /// A tile cannot be read.
    #[error("a tile cannot be read: {0}")]
    Tile(#[from] io::Error),
}

/// Where tiles come from that are not at the edge: level and index to the lowest row, 256 hashes.
pub trait FullTiles {
    /// The lowest row of a full tile.
    fn full_tile(&self, level: u32, index: u64) -> io::Result<Vec<Hash>>;
}

/// A tree of which the edge is known and the rest can be read.
#[derive(Debug)]
pub struct Tree<'a, T> {
    edge: &'a Edge,
    tiles: &'a T,
}

impl<'a, T: FullTiles> Tree<'a, T> {
    /// The tree with this edge.
    pub const fn new(edge: &'a Edge, tiles: &'a T) -> Self {
        Self { edge, tiles }
    }

    /// The hash of a leaf.
    pub fn leaf(&self, index: u64) -> Result<Hash, ProofError> {
        if index >= self.edge.size() {
            return Err(ProofError::OutOfRange(self.edge.size()));
        }
        self.node(0, index)
    }

    /// The root when the tree had this size.
    pub fn root_at(&self, size: u64) -> Result<Hash, ProofError> {
        self.within(size)?;
        if size == 0 { Ok(Hash::of_nothing()) } else { self.subtree(0, size) }
    }

    /// What shows that the leaf is in the tree of this size: the hashes beside its path, from the leaf up.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
        self.within(size)?;
        if index >= size {
            return Err(ProofError::OutOfRange(size));
        }
        let (mut begin, mut end, mut hashes) = (0, size, vec![]);
        while end - begin > 1 {
            let middle = begin + split(end - begin);
            if index < middle {
                hashes.push(self.subtree(middle, end)?);
                end = middle;
            } else {
                hashes.push(self.subtree(begin, middle)?);
                begin = middle;
            }
        }
        hashes.reverse();
        Ok(hashes)
    }

    /// What shows that the tree of size `from` is the beginning of that of size `to`.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ProofError> {
        self.within(to)?;
        if from > to {
            return Err(ProofError::OutOfRange(to));
        }
        if from == 0 {
            return Ok(vec![]);
        }
        let (mut begin, mut end, mut hashes) = (0, to, vec![]);
        // the old tree's last entries lie in `begin..end`; they end with it or within it
        while from != end {
            let middle = begin + split(end - begin);
            if from <= middle {
                hashes.push(self.subtree(middle, end)?);
                end = middle;
            } else {
                hashes.push(self.subtree(begin, middle)?);
                begin = middle;
            }
        }
        // where the old tree is whole at the left, whoever checks has its root
        if begin > 0 {
            hashes.push(self.subtree(begin, end)?);
        }
        hashes.reverse();
        Ok(hashes)
    }

    const fn within(&self, size: u64) -> Result<(), ProofError> {
        if size > self.edge.size() { Err(ProofError::OutOfRange(self.edge.size())) } else { Ok(()) }
    }

    /// The hash over the leaves `begin..end`, of which there is at least one.
    fn subtree(&self, begin: u64, end: u64) -> Result<Hash, ProofError> {
        let size = end - begin;
        if size.is_power_of_two() {
            return self.node(size.trailing_zeros(), begin / size);
        }
        let middle = begin + split(size);
        Ok(Hash::of_children(&self.subtree(begin, middle)?, &self.subtree(middle, end)?))
    }

    /// The hash of a complete subtree: so many levels up from the leaves, the so-manieth of its level.
    fn node(&self, height: u32, index: u64) -> Result<Hash, ProofError> {
        let (level, rest) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let first = index << rest;
        let (tile, offset) = (first >> TILE_HEIGHT, within_tile(first));
        let among = offset..offset + (1 << rest);
        let at_the_edge = tile == self.edge.size() >> (TILE_HEIGHT * (level + 1));
        let row = self.edge.rows().get(level as usize).filter(|_| at_the_edge);
        let hashes = match row {
            Some(row) => row.get(among).map(fold),
            None => self.tiles.full_tile(level, tile)?.get(among).map(fold),
        };
        hashes.ok_or(ProofError::OutOfRange(self.edge.size()))
    }
}

/// The largest power of two below a number above one.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); `None` when it cannot be one.
pub fn root_of_inclusion(leaf: Hash, index: u64, size: u64, hashes: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut at, mut last, mut root) = (index, size - 1, leaf);
    for beside in hashes {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            root = Hash::of_children(beside, &root);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            root = Hash::of_children(&root, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    (last == 0).then_some(root)
}

/// Whether the tree of size `from` and that root is the beginning of that of size `to` (RFC 9162, 2.1.4.2).
pub fn is_consistent((from, old): (u64, Hash), (to, new): (u64, Hash), hashes: &[Hash]) -> bool {
    if from > to || from == 0 || from == to {
        return hashes.is_empty() && (from == 0 || (from == to && old == new));
    }
    let (mut at, mut last) = (from - 1, to - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let mut rest = hashes.iter();
    let first = if from.is_power_of_two() { Some(old) } else { rest.next().copied() };
    let Some(first) = first else { return false };
    let (mut of_old, mut of_new) = (first, first);
    for beside in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            of_old = Hash::of_children(beside, &of_old);
            of_new = Hash::of_children(beside, &of_new);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            of_new = Hash::of_children(&of_new, beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && of_old == old && of_new == new
}

#[cfg(test)]
mod tests;
