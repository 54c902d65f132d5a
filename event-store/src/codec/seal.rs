//! The cipher: ChaCha20-Poly1305 (RFC 8439) under a key that serves for one event only.

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use tidings_domain::StreamName;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What a sealed part belongs to. Moved to another event, it does not open.
pub(super) struct Binding<'a> {
    pub(super) stream: &'a StreamName,
    pub(super) name: &'a str,
    pub(super) id: Uuid,
}

impl Binding<'_> {
    fn associated_data(&self) -> Vec<u8> {
        [self.stream.as_str().as_bytes(), b"\0", self.name.as_bytes(), b"\0", self.id.as_bytes()].concat()
    }
}

/// The key of one event's sealed part.
pub(super) struct ContentKey(Zeroizing<[u8; 32]>);

impl ContentKey {
    /// From the key of the thing itself, the key of who wrote it, and the event's id, by BLAKE3 in keyed mode. Without any
    /// one of the keys there is no way back. The id makes the key unique, so the nonce may stay zero.
    pub(super) fn new(own: &[u8; 32], author: Option<&[u8; 32]>, id: Uuid) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(own);
        hasher.update(b"tidings 2026 sealed part").update(id.as_bytes());
        if let Some(author) = author {
            hasher.update(author);
        }
        Self(Zeroizing::new(*hasher.finalize().as_bytes()))
    }

    pub(super) fn seal(&self, binding: &Binding<'_>, plain: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg: plain, aad: &binding.associated_data() };
        ChaCha20Poly1305::new((&*self.0).into()).encrypt(&Nonce::default(), payload).ok()
    }

    pub(super) fn open(&self, binding: &Binding<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let payload = Payload { msg: sealed, aad: &binding.associated_data() };
        ChaCha20Poly1305::new((&*self.0).into()).decrypt(&Nonce::default(), payload).ok().map(Zeroizing::new)
    }
}
