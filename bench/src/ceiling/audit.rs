//! The bare audit: the Merkle tree head (RFC 6962) over the lines of the log, each line hashed once.

use super::log;
use crate::error::BenchError;
use aws_lc_rs::digest::{Context, Digest, SHA256};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// What tells a leaf's hash from that of a node.
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// Computes the head over the log in `dir`; answers the number of lines.
pub(crate) fn run(dir: &Path) -> Result<u64, BenchError> {
    let mut log = BufReader::with_capacity(1 << 20, File::open(log::path(dir))?);
    let mut tree = Tree::default();
    let mut line = Vec::new();
    while log.read_until(b'\n', &mut line)? > 0 {
        tree.add(&line);
        line.clear();
    }
    let leaves = tree.leaves;
    // a head that nobody looks at might not be computed at all
    std::hint::black_box(tree.head());
    Ok(leaves)
}

/// The heads of the full subtrees so far, the largest first.
#[derive(Default)]
struct Tree {
    leaves: u64,
    full: Vec<Digest>,
}

impl Tree {
    fn add(&mut self, line: &[u8]) {
        let mut hash = hash(LEAF, &[line]);
        // one full subtree is joined for each trailing one of the number of leaves
        for _ in 0..self.leaves.trailing_ones() {
            if let Some(left) = self.full.pop() {
                hash = self::hash(NODE, &[left.as_ref(), hash.as_ref()]);
            }
        }
        self.full.push(hash);
        self.leaves += 1;
    }

    fn head(self) -> Option<Digest> {
        self.full.into_iter().rev().reduce(|right, left| hash(NODE, &[left.as_ref(), right.as_ref()]))
    }
}

fn hash(kind: u8, parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(&[kind]);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[&[u8]]) -> Digest {
        let mut tree = Tree::default();
        for line in lines {
            tree.add(line);
        }
        tree.head().unwrap()
    }

    #[test]
    fn a_head_is_that_of_rfc_6962_for_full_and_for_ragged_trees() {
        let leaf = |line: &[u8]| hash(LEAF, &[line]);
        let node = |left: &Digest, right: &Digest| hash(NODE, &[left.as_ref(), right.as_ref()]);
        let (a, b, c) = (leaf(b"a"), leaf(b"b"), leaf(b"c"));
        assert_eq!(head(&[b"a"]).as_ref(), a.as_ref());
        assert_eq!(head(&[b"a", b"b"]).as_ref(), node(&a, &b).as_ref());
        assert_eq!(head(&[b"a", b"b", b"c"]).as_ref(), node(&node(&a, &b), &c).as_ref());
    }
}
