//! Hashes of RFC 6962: SHA-256, with a first byte that keeps leaves and nodes apart.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine, prelude::BASE64_STANDARD};

/// How many bytes a hash has.
pub const HASH_BYTES: usize = 32;

/// A SHA-256 hash. Shown and read as base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; HASH_BYTES]);

/// Text that is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not 32 bytes in base64")]
pub struct NoHash;

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(context.finish().as_ref());
    Hash(hash)
}

impl Hash {
    /// Of the tree without leaves.
    pub fn of_nothing() -> Self {
        sha256(&[])
    }

    /// Of a leaf: `SHA-256(0x00 || input)`.
    pub fn of_leaf(input: &[u8]) -> Self {
        sha256(&[&[0], input])
    }

    /// Of a node: `SHA-256(0x01 || left || right)`.
    #[must_use]
    pub fn of_children(left: &Self, right: &Self) -> Self {
        sha256(&[&[1], &left.0, &right.0])
    }

    /// Of bytes as they are.
    pub(crate) fn plain(bytes: &[u8]) -> Self {
        sha256(&[bytes])
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| NoHash)?;
        bytes.try_into().map(Self).map_err(|_| NoHash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_and_nodes_are_hashed_as_in_certificate_transparency() {
        // the vectors of the certificate-transparency reference implementation
        let empty_leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(hex::encode(Hash::of_leaf(b"").0), empty_leaf);
        let empty_tree = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(Hash::of_nothing().0), empty_tree);
        let two = Hash::of_children(&Hash::of_leaf(b""), &Hash::of_leaf(b"\0"));
        assert_eq!(hex::encode(two.0), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    }

    #[test]
    fn a_hash_reads_back_from_its_text() {
        let hash = Hash::of_leaf(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for wrong in ["", "AAAA", "not base64!"] {
            assert_eq!(wrong.parse::<Hash>(), Err(NoHash));
        }
    }
}
