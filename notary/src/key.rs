//! Ed25519 keys of C2SP signed-note: who signs heads, and what it takes to check that.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::hash::Hash;

/// The signature's algorithm, Ed25519, as signed-note numbers it.
const ALGORITHM: u8 = 1;
/// A note's signature begins with so many bytes that name the key.
const ID_BYTES: usize = 4;
const PUBLIC_KEY_BYTES: usize = 32;

/// A public key with its name: `name+id+key`, as signed-note writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; PUBLIC_KEY_BYTES],
}

/// Text that is no verifier key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no verifier key: it has the form name+id+key, as `tidings audit key` shows it")]
pub struct NoKey;

impl VerifierKey {
    /// The key's name, which is the log's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells keys of one name apart: the first bytes of `SHA-256(name || "\n" || 0x01 || key)`.
    fn id(&self) -> [u8; ID_BYTES] {
        let mut named = format!("{}\n", self.name).into_bytes();
        named.push(ALGORITHM);
        named.extend_from_slice(&self.public);
        let [a, b, c, d, ..] = Hash::plain(&named).0;
        [a, b, c, d]
    }

    /// Whether this text has this key's signature, the part of a note's line after the name, in base64.
    pub fn verifies(&self, text: &str, signature: &str) -> bool {
        let Ok(bytes) = BASE64_STANDARD.decode(signature) else { return false };
        let Some((id, signature)) = bytes.split_first_chunk::<ID_BYTES>() else { return false };
        *id == self.id() && UnparsedPublicKey::new(&ED25519, self.public).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ALGORITHM];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), BASE64_STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        // base64 may contain a plus, a name may not
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(NoKey) };
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| NoKey)?;
        let Some((&ALGORITHM, public)) = bytes.split_first() else { return Err(NoKey) };
        let public = public.try_into().map_err(|_| NoKey)?;
        let key = Self { name: name.to_owned(), public };
        if hex::encode(key.id()) == id && is_name(name) { Ok(key) } else { Err(NoKey) }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

/// Signs heads.
#[derive(Debug)]
pub struct Signer {
    pair: Ed25519KeyPair,
    key: VerifierKey,
}

/// A seed that cannot be one of an Ed25519 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the notary's key cannot be made")]
pub struct BadSeed;

impl Signer {
    /// From 32 secret bytes. The name follows from the public key, so that no two installations have the same.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, BadSeed> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| BadSeed)?;
        let public: [u8; PUBLIC_KEY_BYTES] = pair.public_key().as_ref().try_into().map_err(|_| BadSeed)?;
        let name = format!("tidings/{}", hex::encode(&Hash::plain(&public).0[..8]));
        Ok(Self { pair, key: VerifierKey { name, public } })
    }

    /// What checks its signatures.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// A signature of this text, the part of a note's line after the name, in base64. The same text has always the same.
    pub fn sign(&self, text: &str) -> String {
        let mut bytes = self.key.id().to_vec();
        bytes.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        BASE64_STANDARD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_specification_is_read_and_verifies_its_note() {
        // C2SP signed-note, "Example"; the same as in Go's golang.org/x/mod/sumdb/note
        let key: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        assert!(key.verifies(text, signature));
        assert!(!key.verifies(&text.replace('a', "b"), signature));
        assert_eq!(key.to_string(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    }

    #[test]
    fn a_signature_verifies_by_its_own_key_alone() {
        let (one, other) = (Signer::from_seed(&[1; 32]).unwrap(), Signer::from_seed(&[2; 32]).unwrap());
        let signature = one.sign("text\n");
        assert_eq!(signature, one.sign("text\n"));
        assert!(one.key().verifies("text\n", &signature));
        assert!(!one.key().verifies("other\n", &signature) && !other.key().verifies("text\n", &signature));
        assert!(!one.key().verifies("text\n", "") && !one.key().verifies("text\n", "AAAA"));
        assert_ne!(one.key().name(), other.key().name());
        assert_eq!(one.key().to_string().parse().as_ref(), Ok(one.key()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = Signer::from_seed(&[1; 32]).unwrap().key().to_string();
        let renamed = good.replacen("tidings", "other", 1);
        for wrong in ["", "a+b", "a+00000000+AAAA", &renamed, &good[..good.len() - 4]] {
            assert_eq!(wrong.parse::<VerifierKey>(), Err(NoKey), "{wrong}");
        }
    }
}
