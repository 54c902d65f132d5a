//! Proofs as they are shown, by route and by command line.

use serde::Serialize;
use tidings_notary::{Edge, Hash, ProofError, Tiles, Tree};
use utoipa::ToSchema;

/// Shows that an event is in a tree (RFC 6962, 2.1.1). Hashes are base64.
#[derive(Debug, Serialize, ToSchema)]
pub struct InclusionProof {
    /// Where in the log.
    #[schema(example = 17)]
    position: u64,
    /// Which leaf of the tree, from 0.
    #[schema(example = 16)]
    index: u64,
    /// The size of the tree.
    #[schema(example = 1234)]
    size: u64,
    /// The hash of the leaf.
    leaf_hash: String,
    /// Beside the path to the root, from the leaf up.
    hashes: Vec<String>,
}

/// Shows that a tree is the beginning of a later one (RFC 6962, 2.1.2). Hashes are base64.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsistencyProof {
    /// The size of the earlier tree.
    #[schema(example = 1000)]
    from: u64,
    /// The size of the later one.
    #[schema(example = 1234)]
    to: u64,
    /// From the leaves up.
    hashes: Vec<String>,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum NoProof {
    /// No entry of the tree is at this position.
    #[error("no entry of the tree is at position {0}")]
    NoSuchEntry(u64),
    /// The tree is not so large, or never was.
    #[error(transparent)]
    Tree(#[from] ProofError),
    /// The positions cannot be read.
    #[error("the positions cannot be read: {0}")]
    Positions(#[from] std::io::Error),
}

/// Makes proofs over a tree.
#[derive(Debug)]
pub struct Prover<'a> {
    edge: &'a Edge,
    tiles: &'a Tiles,
}

impl<'a> Prover<'a> {
    /// Over the tree with this edge.
    pub const fn new(edge: &'a Edge, tiles: &'a Tiles) -> Self {
        Self { edge, tiles }
    }

    fn tree(&self) -> Tree<'a, Tiles> {
        Tree::new(self.edge, self.tiles)
    }

    /// That the event at this position is in the tree of this size.
    pub fn inclusion(&self, position: u64, size: u64) -> Result<InclusionProof, NoProof> {
        let index = self.tiles.index_of(position, self.edge.size())?.ok_or(NoProof::NoSuchEntry(position))?;
        let hashes = self.tree().inclusion(index, size)?;
        let leaf_hash = self.tree().leaf(index)?.to_string();
        Ok(InclusionProof { position, index, size, leaf_hash, hashes: shown(&hashes) })
    }

    /// That the tree of size `from` is the beginning of that of size `to`.
    pub fn consistency(&self, from: u64, to: u64) -> Result<ConsistencyProof, NoProof> {
        Ok(ConsistencyProof { from, to, hashes: shown(&self.tree().consistency(from, to)?) })
    }
}

fn shown(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(ToString::to_string).collect()
}
