//! The cipher: ChaCha20-Poly1305 (RFC 8439) under a key that serves for one event only.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
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
        let mut sealed = Vec::with_capacity(plain.len() + CHACHA20_POLY1305.tag_len());
        sealed.extend_from_slice(plain);
        let aad = Aad::from(binding.associated_data());
        self.cipher()?.seal_in_place_append_tag(Self::nonce(), aad, &mut sealed).ok()?;
        Some(sealed)
    }

    pub(super) fn open(&self, binding: &Binding<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut opened = Zeroizing::new(sealed.to_vec());
        let aad = Aad::from(binding.associated_data());
        let plain = self.cipher()?.open_in_place(Self::nonce(), aad, &mut opened).ok()?.len();
        opened.truncate(plain);
        Some(opened)
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, &*self.0).ok().map(LessSafeKey::new)
    }

    /// Always the same: a key serves once.
    fn nonce() -> Nonce {
        Nonce::assume_unique_for_key([0; NONCE_LEN])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chacha20poly1305::{
        ChaCha20Poly1305, KeyInit,
        aead::{Aead, Payload},
    };

    #[test]
    fn another_implementation_of_rfc_8439_opens_what_was_sealed() {
        let stream = StreamName::stored("conversation-1");
        let binding = Binding { stream: &stream, name: "message_sent", id: Uuid::from_u128(7) };
        let key = ContentKey::new(&[1; 32], Some(&[2; 32]), binding.id);
        let sealed = key.seal(&binding, b"hello").unwrap();
        let payload = Payload { msg: &sealed, aad: &binding.associated_data() };
        let other = ChaCha20Poly1305::new((&*key.0).into());
        assert_eq!(other.decrypt(&[0; 12].into(), payload).unwrap(), b"hello");
        assert_eq!(key.open(&binding, &sealed).unwrap().as_slice(), b"hello");
    }
}
