//! The cipher: ChaCha20-Poly1305 (RFC 8439) over chunks, each bound to its place in the file and to whether it is the last
//! (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).

use std::{fmt, str::FromStr};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use tidings_domain::{AttachmentId, KeyId};
use tidings_event_store::{
    KeyError,
    keys::{Keyring, Lookup},
};
use zeroize::Zeroizing;

use crate::CHUNK_BYTES;

/// What every stored file begins with: the form, and its number.
pub(crate) const MAGIC: [u8; 8] = *b"TDGATT\0\x01";
/// How much longer a chunk is once it is sealed.
pub(crate) const TAG_BYTES: usize = 16;
/// A sealed chunk of full length.
pub(crate) const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// Which of an attachment's two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// What was uploaded.
    File,
    /// The small picture of it.
    Thumbnail,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Thumbnail => "thumbnail",
        }
    }
}

/// Where a stored file is. The key's number tells attempts at one upload apart: a key is handed out once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Of which attachment.
    pub id: AttachmentId,
    /// The attachment's own key.
    pub key: KeyId,
    /// Which of its files.
    pub part: Part,
}

impl fmt::Display for Place {
    /// A path of two parts; the first spreads the files over 256 directories, by the last byte, which is random.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, key, part } = self;
        write!(f, "{:02x}/{id}.{}.{}", id.as_bytes()[15], key.0, part.name())
    }
}

/// A path that no stored file of ours has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the path of an attachment")]
pub struct ForeignPath;

impl FromStr for Place {
    type Err = ForeignPath;

    fn from_str(path: &str) -> Result<Self, ForeignPath> {
        let (_, name) = path.split_once('/').ok_or(ForeignPath)?;
        let mut parts = name.split('.');
        let (Some(id), Some(key), Some(part), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(ForeignPath);
        };
        let part = [Part::File, Part::Thumbnail].into_iter().find(|known| known.name() == part).ok_or(ForeignPath)?;
        let id = id.parse().map_err(|_| ForeignPath)?;
        let place = Self { id, key: KeyId(key.parse().map_err(|_| ForeignPath)?), part };
        if place.to_string() == path { Ok(place) } else { Err(ForeignPath) }
    }
}

/// Seals and opens the chunks of one stored file.
pub struct Cipher {
    key: LessSafeKey,
    place: Place,
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cipher({})", self.place)
    }
}

impl Cipher {
    /// The cipher of a stored file; none when one of its keys is destroyed.
    pub async fn of(keyring: &Keyring, place: Place, author_key: KeyId) -> Result<Option<Self>, KeyError> {
        keyring.load([place.key, author_key]).await?;
        let lookup = |id| match keyring.lookup(id) {
            Lookup::Key(key) => Ok(Some(key)),
            Lookup::Destroyed => Ok(None),
            Lookup::NotLoaded => Err(KeyError::Unavailable("a key was dropped from memory while in use".to_owned())),
        };
        let (Some(own), Some(author)) = (lookup(place.key)?, lookup(author_key)?) else { return Ok(None) };
        Ok(Some(Self::new(&own, &author, place)))
    }

    /// From the attachment's own key and its uploader's, by BLAKE3 in keyed mode: without either there is no way back.
    fn new(own: &[u8; 32], author: &[u8; 32], place: Place) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(own);
        hasher.update(b"tidings 2026 attachment").update(place.id.as_bytes());
        hasher.update(place.part.name().as_bytes()).update(author);
        let key = Zeroizing::new(*hasher.finalize().as_bytes());
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).expect("the key has the cipher's length");
        Self { key: LessSafeKey::new(key), place }
    }

    /// Which file.
    pub const fn place(&self) -> Place {
        self.place
    }

    fn associated_data(&self, number: u64, last: bool) -> Vec<u8> {
        let part = self.place.part.name().as_bytes();
        [&MAGIC, self.place.id.as_bytes().as_slice(), part, &number.to_be_bytes(), &[u8::from(last)]].concat()
    }

    /// The chunk's number and whether it is the last one: the key seals one file, so no nonce comes twice.
    fn nonce(number: u64, last: bool) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(last);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals a chunk in its place; the tag follows it.
    pub(crate) fn seal(&self, number: u64, last: bool, chunk: &mut Vec<u8>) {
        let aad = Aad::from(self.associated_data(number, last));
        let sealed = self.key.seal_in_place_append_tag(Self::nonce(number, last), aad, chunk);
        sealed.expect("a chunk is far shorter than what the cipher can seal");
    }

    /// Opens a chunk in its place; none when it is not what was sealed there.
    pub(crate) fn open<'a>(&self, number: u64, last: bool, chunk: &'a mut [u8]) -> Option<&'a [u8]> {
        let aad = Aad::from(self.associated_data(number, last));
        self.key.open_in_place(Self::nonce(number, last), aad, chunk).ok().map(|plain| &*plain)
    }
}

/// Where the chunks of a file are that has so many bytes before sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    size: u64,
}

impl Layout {
    /// Of a file of at least one byte.
    pub(crate) const fn of(size: u64) -> Self {
        Self { size }
    }

    /// The number of the last chunk; the first is 0.
    pub(crate) const fn last(self) -> u64 {
        self.size.saturating_sub(1) / CHUNK_BYTES as u64
    }

    /// Where a sealed chunk begins, and where it ends.
    pub(crate) fn sealed(self, number: u64) -> std::ops::Range<u64> {
        let start = MAGIC.len() as u64 + number * SEALED_CHUNK_BYTES as u64;
        let plain = if number < self.last() { CHUNK_BYTES as u64 } else { self.size - number * CHUNK_BYTES as u64 };
        start..start + plain + TAG_BYTES as u64
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    pub(crate) fn cipher() -> Cipher {
        let id = AttachmentId::new(Uuid::from_u128(7));
        Cipher::new(&[1; 32], &[2; 32], Place { id, key: KeyId(3), part: Part::File })
    }

    fn sealed(number: u64, last: bool) -> Vec<u8> {
        let mut chunk = b"hello".to_vec();
        cipher().seal(number, last, &mut chunk);
        chunk
    }

    #[test]
    fn a_chunk_opens_only_where_it_was_sealed() {
        assert_eq!(cipher().open(1, false, &mut sealed(1, false)), Some(b"hello".as_slice()));
        assert_eq!(cipher().open(2, false, &mut sealed(1, false)), None, "moved");
        assert_eq!(cipher().open(1, true, &mut sealed(1, false)), None, "cut off after it");
        assert_eq!(cipher().open(1, false, &mut sealed(1, true)), None, "gone on after the end");
        let other = |change: fn(&mut Place)| {
            let mut place = cipher().place();
            change(&mut place);
            Cipher::new(&[1; 32], &[2; 32], place)
        };
        assert_eq!(other(|place| place.part = Part::Thumbnail).open(1, false, &mut sealed(1, false)), None);
        assert_eq!(
            other(|place| place.id = AttachmentId::new(Uuid::from_u128(8))).open(1, false, &mut sealed(1, false)),
            None
        );
        for byte in 0..sealed(1, false).len() {
            let mut flipped = sealed(1, false);
            flipped[byte] ^= 1;
            assert_eq!(cipher().open(1, false, &mut flipped), None, "byte {byte}");
        }
    }

    #[test]
    fn either_key_is_needed() {
        for (own, author) in [([9; 32], [2; 32]), ([1; 32], [9; 32])] {
            assert_eq!(Cipher::new(&own, &author, cipher().place()).open(1, false, &mut sealed(1, false)), None);
        }
    }

    #[test]
    fn chunks_lie_one_after_the_other() {
        let chunk = CHUNK_BYTES as u64;
        assert_eq!((Layout::of(1).last(), Layout::of(1).sealed(0)), (0, 8..25));
        assert_eq!((Layout::of(chunk).last(), Layout::of(chunk).sealed(0)), (0, 8..8 + chunk + 16));
        let two = Layout::of(chunk + 1);
        assert_eq!((two.last(), two.sealed(1)), (1, 8 + chunk + 16..8 + chunk + 16 + 17));
    }

    #[test]
    fn a_place_reads_back_from_its_path_and_no_other_path_is_one() {
        let place = cipher().place();
        assert_eq!(place.to_string(), "07/00000000-0000-0000-0000-000000000007.3.file");
        assert_eq!(place.to_string().parse(), Ok(place));
        for foreign in [
            "",
            "07/x.3.file",
            "incoming/1",
            "08/00000000-0000-0000-0000-000000000007.3.file",
            "07/00000000-0000-0000-0000-000000000007.03.file",
            "../07/00000000-0000-0000-0000-000000000007.3.file",
        ] {
            assert_eq!(foreign.parse::<Place>(), Err(ForeignPath), "{foreign}");
        }
    }
}
