//! The right edge of a growing tree: the tiles that are not full yet. All that it takes to add leaves and to know the root.

use crate::hash::Hash;

/// A tile is so many levels of the tree high …
pub const TILE_HEIGHT: u32 = 8;
/// … and so many hashes wide.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// A tile that will never change again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    /// How many tiles up from the leaves.
    pub level: u32,
    /// Which of its level, from the left, from 0.
    pub index: u64,
    /// Its lowest row.
    pub hashes: Vec<Hash>,
}

/// The tiles at the right edge, lowest first, each with fewer than [`TILE_WIDTH`] hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree of this size, from its tiles. `None` when they are not as wide as the size says.
    pub fn new(size: u64, rows: Vec<Vec<Hash>>) -> Option<Self> {
        let wide = rows.iter().zip(0..).all(|(row, level)| row.len() == width(size, level));
        let levels = u32::try_from(rows.len()).ok()?;
        let above = size.checked_shr(TILE_HEIGHT * levels).unwrap_or(0);
        (wide && above == 0).then_some(Self { size, rows })
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The tiles, lowest first.
    pub fn rows(&self) -> &[Vec<Hash>] {
        &self.rows
    }

    /// Adds a leaf. The tiles that it fills are handed over, lowest first.
    pub fn push<E>(&mut self, leaf: Hash, mut filled: impl FnMut(FullTile) -> Result<(), E>) -> Result<(), E> {
        let mut hash = leaf;
        for level in 0.. {
            if self.rows.len() <= level as usize {
                self.rows.push(Vec::with_capacity(TILE_WIDTH));
            }
            let row = &mut self.rows[level as usize];
            row.push(hash);
            if row.len() < TILE_WIDTH {
                break;
            }
            let hashes = std::mem::take(row);
            hash = fold(&hashes);
            filled(FullTile { level, index: self.size >> (TILE_HEIGHT * (level + 1)), hashes })?;
        }
        self.size += 1;
        Ok(())
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Hash {
        let mut root = None;
        for row in &self.rows {
            let mut end = row.len();
            // complete subtrees, from the smallest, which is rightmost
            while end > 0 {
                let begin = end & (end - 1);
                let peak = fold(&row[begin..end]);
                root = Some(root.map_or(peak, |right| Hash::of_children(&peak, &right)));
                end = begin;
            }
        }
        root.unwrap_or_else(Hash::of_nothing)
    }
}

/// Which hash of its tile something is, from its number in its level: a tile is one byte wide.
pub(crate) fn within_tile(number: u64) -> usize {
    let [.., lowest] = number.to_be_bytes();
    lowest.into()
}

/// How many hashes the last tile of a level has that is not full.
pub(crate) fn width(size: u64, level: u32) -> usize {
    size.checked_shr(TILE_HEIGHT * level).map_or(0, within_tile)
}

/// The hash above a complete subtree's lowest row, whose length is a power of two.
pub(crate) fn fold(row: &[Hash]) -> Hash {
    match row {
        [] => Hash::of_nothing(),
        [one] => *one,
        [_, ..] => {
            let (left, right) = row.split_at(row.len() / 2);
            Hash::of_children(&fold(left), &fold(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// RFC 6962, 2.1, word by word.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of_nothing(),
            [one] => *one,
            [_, ..] => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                Hash::of_children(&by_definition(left), &by_definition(right))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let leaves: Vec<Hash> = (0..1_100_u32).map(|n| Hash::of_leaf(&n.to_be_bytes())).collect();
        let (mut edge, mut full) = (Edge::default(), vec![]);
        for (at, leaf) in leaves.iter().enumerate() {
            assert_eq!(edge.root(), by_definition(&leaves[..at]), "{at}");
            let Ok(()) = edge.push(*leaf, |tile| {
                full.push(tile);
                Ok::<_, Infallible>(())
            });
            assert_eq!(Edge::new(edge.size(), edge.rows().to_vec()).as_ref(), Some(&edge));
        }
        let places: Vec<_> = full.iter().map(|tile| (tile.level, tile.index)).collect();
        assert_eq!(places, [(0, 0), (0, 1), (0, 2), (0, 3)]);
        assert_eq!(full[2].hashes, leaves[512..768]);
    }

    #[test]
    fn tiles_of_another_size_are_no_edge() {
        let row = vec![Hash::of_leaf(b""); 3];
        assert!(Edge::new(3, vec![row.clone()]).is_some());
        assert!(Edge::new(4, vec![row.clone()]).is_none());
        assert!(Edge::new(256 + 3, vec![row]).is_none(), "a level is missing");
        assert!(Edge::new(1, vec![]).is_none());
    }
}
