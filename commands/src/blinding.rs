//! What is derived from the installation's secret for accounts: blinded names, repeatable tokens.

use secrecy::{ExposeSecret, SecretString};
use tidings_domain::{LoginKind, SessionId, StreamId, session::TokenHash};
use tidings_event_store::InstallationSecret;
use zeroize::Zeroizing;

use crate::{Context, Error};

pub(crate) struct Blinding {
    names: Zeroizing<[u8; 32]>,
    tokens: Zeroizing<[u8; 32]>,
}

impl Blinding {
    pub(crate) fn new(secret: &InstallationSecret) -> Self {
        Self { names: secret.derive("tidings 2026 login names"), tokens: secret.derive("tidings 2026 refresh tokens") }
    }

    /// The stream of a name: who reads the log learns nothing about the name from it.
    pub(crate) fn login(&self, kind: LoginKind, canonical: &str) -> StreamId {
        let mut hasher = blake3::Hasher::new_keyed(&self.names);
        hasher.update(kind.as_str().as_bytes()).update(b"\0").update(canonical.as_bytes());
        StreamId::Login(kind, *hasher.finalize().as_bytes())
    }

    /// A refresh token, `{session}.{64 hex digits}`: random, or under a key the one this key always gives, so that the
    /// first answer can be given again without the token ever being stored. To get it again one has to show again what one
    /// showed first: a key and a session's id are no secrets.
    pub(crate) fn refresh_token(
        &self,
        session: SessionId,
        shown: Option<&TokenHash>,
        context: &Context,
    ) -> Result<SecretString, Error> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        if let Some(key) = context.key {
            let mut hasher = blake3::Hasher::new_keyed(&self.tokens);
            hasher.update(session.as_bytes()).update(&key.id.0).update(&key.fingerprint.0);
            if let Some(shown) = shown {
                hasher.update(&shown.0);
            }
            bytes.copy_from_slice(hasher.finalize().as_bytes());
        } else {
            getrandom::fill(bytes.as_mut_slice()).map_err(|error| Error::Internal(error.to_string()))?;
        }
        Ok(SecretString::from(format!("{session}.{}", Zeroizing::new(hex::encode(bytes.as_slice())).as_str())))
    }
}

/// The session a refresh token says it is of, and its hash.
pub(crate) fn read_token(token: &SecretString) -> Option<(SessionId, TokenHash)> {
    let (session, _) = token.expose_secret().split_once('.')?;
    Some((session.parse().ok()?, hash_token(token)))
}

pub(crate) fn hash_token(token: &SecretString) -> TokenHash {
    TokenHash(*blake3::hash(token.expose_secret().as_bytes()).as_bytes())
}
