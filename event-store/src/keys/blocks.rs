//! Where blocks of keys are kept, and how a block is wrapped.

use async_trait::async_trait;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use super::KeyError;
use crate::Connections;

/// Keys in one block.
pub const BLOCK_KEYS: u64 = 64;
/// Bytes of one key.
pub(super) const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 64 * KEY_BYTES;
const NONCE_BYTES: usize = 24;

/// A block as it is stored: a 24-byte nonce, then XChaCha20-Poly1305 of the keys with the block's number as associated
/// data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedBlock(pub Vec<u8>);

/// Keeps wrapped blocks durably.
#[async_trait]
pub trait KeyBlocks: Send + Sync + 'static {
    /// Stores new blocks in one durable step. `wrap` is called with the number of each block, in order.
    async fn add(
        &self,
        count: usize,
        wrap: &(dyn for<'a> Fn(u64) -> Result<WrappedBlock, KeyError> + Send + Sync),
    ) -> Result<Vec<u64>, KeyError>;

    /// The blocks of these numbers, in the order asked; `None` where there is none.
    async fn load(&self, blocks: &[u64]) -> Result<Vec<Option<WrappedBlock>>, KeyError>;

    /// The position of the log up to which the keys of what was erased are destroyed. Kept with the keys, so that an
    /// older copy of the key store knows which erasures it has to make again.
    async fn erased_to(&self) -> Result<u64, KeyError>;

    /// Moves that position; never back.
    async fn set_erased_to(&self, position: u64) -> Result<(), KeyError>;

    /// Blocks with greater numbers than `after`, in order, at most `limit` of them. Numbers begin with 1.
    async fn list(&self, after: u64, limit: usize) -> Result<Vec<(u64, WrappedBlock)>, KeyError>;

    /// Stores blocks that are not there, under the numbers they had. Numbers given out later are greater.
    async fn put_back(&self, blocks: Vec<(u64, WrappedBlock)>) -> Result<(), KeyError>;

    /// What is connected, for those who watch.
    fn connections(&self) -> Vec<Connections> {
        Vec::new()
    }

    /// Durably replaces a block if it is still `old`, leaving no copy of the old bytes behind. `false` if it was not.
    async fn replace(&self, block: u64, old: &WrappedBlock, new: WrappedBlock) -> Result<bool, KeyError>;
}

/// The keys of one block; a destroyed one is all zeros.
pub(super) type Keys = Zeroizing<Vec<u8>>;

/// Wraps and unwraps blocks under one derived key.
pub(super) struct Wrapper(XChaCha20Poly1305);

impl Wrapper {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    pub(super) fn fresh_keys() -> Result<Keys, KeyError> {
        let mut keys = Zeroizing::new(vec![0; BLOCK_BYTES]);
        getrandom::fill(&mut keys).map_err(|error| KeyError::Unavailable(error.to_string()))?;
        Ok(keys)
    }

    pub(super) fn wrap(&self, block: u64, keys: &[u8]) -> Result<WrappedBlock, KeyError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| KeyError::Unavailable(error.to_string()))?;
        let payload = Payload { msg: keys, aad: &block.to_le_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::Damaged(block))?;
        Ok(WrappedBlock([nonce.as_slice(), &sealed].concat()))
    }

    pub(super) fn unwrap(&self, block: u64, wrapped: &WrappedBlock) -> Result<Keys, KeyError> {
        let (nonce, sealed) = wrapped.0.split_first_chunk::<NONCE_BYTES>().ok_or(KeyError::Damaged(block))?;
        let payload = Payload { msg: sealed, aad: &block.to_le_bytes() };
        let keys = self.0.decrypt(&XNonce::from(*nonce), payload).map_err(|_| KeyError::Damaged(block))?;
        Ok(Zeroizing::new(keys))
    }
}
