//! Proofs over the log: what was recorded can be shown to be in it, unchanged and complete, to somebody who trusts nothing
//! here but a public key and, better, a signed head that they kept.
//!
//! - [`leaf`]: an event as bytes, always the same ones;
//! - [`hash`], [`tree`]: RFC 6962 hashing, and the proofs over it;
//! - [`edge`], [`tiles`]: the tree while it grows, and where it is kept (C2SP tlog-tiles);
//! - [`key`], [`checkpoint`]: signed tree heads (C2SP signed-note, tlog-checkpoint);
//! - [`places`]: where in the tree the events of a log stand;
//! - [`export`]: the log as lines that a verifier elsewhere reads;
//! - [`audit`]: that verifier.
//!
//! `docs/notary.md` says all of it without this code.

pub mod audit;
pub mod checkpoint;
pub mod edge;
pub mod export;
pub mod hash;
pub mod key;
pub mod leaf;
pub mod places;
pub mod tiles;
pub mod tree;

pub use audit::{Audit, Difference, Summary};
pub use checkpoint::{Checkpoint, TreeHead};
pub use edge::Edge;
pub use export::{EntryLine, Line};
pub use hash::Hash;
pub use key::{Signer, VerifierKey};
pub use leaf::Entry;
pub use places::{Place, Places};
pub use tiles::{Ledger, Tiles};
pub use tree::{ProofError, Tree};
