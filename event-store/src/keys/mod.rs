//! The key store: what makes an immutable log able to forget (ADR 0002).
//!
//! Every message and every person has a key of its own. Keys are random, made ahead in durable blocks, so that a send does
//! not wait for a second fsync; each is handed out once, and what a crash leaves of a block is thrown away. Blocks are
//! wrapped under the installation's secret and kept apart from the log, so a copy of the log alone opens nothing.
//! Destroying a key zeroes its slot and rewrites its block.

mod blocks;
mod keyring;
pub mod postgres;
mod secret;
mod sqlite;
#[cfg(test)]
mod tests;

pub use blocks::{BLOCK_KEYS, KeyBlocks, WrappedBlock};
pub use keyring::{Keyring, LoadedKeys, Lookup};
pub use postgres::PostgresKeyBlocks;
pub use secret::{InstallationSecret, SecretError};
pub use sqlite::SqliteKeyBlocks;

/// Why the key store does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The disk or the database does not answer as it should.
    #[error("the key store is unavailable: {0}")]
    Unavailable(String),
    /// The file cannot be used as it is. Says what is wrong and what to do; it was not touched.
    #[error("{0}")]
    Refused(String),
    /// The keys were wrapped under another secret.
    #[error(
        "the keys were made under another secret: start with the secret they were made with (TIDINGS_SECRET, or the file \
         `secret` of this data directory)"
    )]
    WrongSecret,
    /// A block does not open although the secret is right.
    #[error("key block {0} is damaged: restore the key store from a backup")]
    Damaged(u64),
}
