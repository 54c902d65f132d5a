//! What is derived from the installation's secret for accounts: blinded names, repeatable tokens, and what is known again
//! without being stored.

use secrecy::{ExposeSecret, SecretString};
use tidings_domain::{
    LoginKind, SessionId, StreamId, UserId, factor::RECOVERY_CODES, session::TokenHash, values::PublicKey,
};
use tidings_event_store::InstallationSecret;
use zeroize::Zeroizing;

use crate::{Context, Error};

pub(crate) struct Blinding {
    names: Zeroizing<[u8; 32]>,
    tokens: Zeroizing<[u8; 32]>,
    recovery: Zeroizing<[u8; 32]>,
    attempts: Zeroizing<[u8; 32]>,
    devices: Zeroizing<[u8; 32]>,
    packages: Zeroizing<[u8; 32]>,
}

/// The bytes of a recovery code.
const RECOVERY_CODE_BYTES: usize = 8;

impl Blinding {
    pub(crate) fn new(secret: &InstallationSecret) -> Self {
        Self {
            names: secret.derive("tidings 2026 login names"),
            tokens: secret.derive("tidings 2026 refresh tokens"),
            recovery: secret.derive("tidings 2026 recovery codes"),
            attempts: secret.derive("tidings 2026 sign-in attempts"),
            devices: secret.derive("tidings 2026 known devices"),
            packages: secret.derive("tidings 2026 key packages"),
        }
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

    /// Recovery codes, in groups of four: random, or under a key those this key always gives (see
    /// [`Blinding::refresh_token`]).
    pub(crate) fn recovery_codes(&self, user: UserId, context: &Context) -> Result<Vec<SecretString>, Error> {
        let mut bytes = Zeroizing::new([0_u8; RECOVERY_CODES * RECOVERY_CODE_BYTES]);
        if let Some(key) = context.key {
            let mut hasher = blake3::Hasher::new_keyed(&self.recovery);
            hasher.update(b"codes").update(user.as_bytes()).update(&key.id.0).update(&key.fingerprint.0);
            hasher.finalize_xof().fill(bytes.as_mut_slice());
        } else {
            getrandom::fill(bytes.as_mut_slice()).map_err(|error| Error::Internal(error.to_string()))?;
        }
        let code = |bytes: &[u8]| {
            let groups: Vec<_> = bytes.chunks(2).map(hex::encode).collect();
            SecretString::from(groups.join("-"))
        };
        Ok(bytes.chunks(RECOVERY_CODE_BYTES).map(code).collect())
    }

    /// What is kept of a recovery code.
    pub(crate) fn recovery_hash(&self, user: UserId, code: &str) -> TokenHash {
        let mut hasher = blake3::Hasher::new_keyed(&self.recovery);
        hasher.update(b"hash").update(user.as_bytes()).update(code.replace('-', "").as_bytes());
        TokenHash(*hasher.finalize().as_bytes())
    }

    /// The name of a count of attempts.
    pub(crate) fn count(&self, sort: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.attempts);
        for part in [sort.as_bytes()].iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// `{session}.{64 hex digits}`: says that this account was signed in to by whoever holds it.
    pub(crate) fn device_token(&self, user: UserId, session: SessionId) -> SecretString {
        SecretString::from(format!("{session}.{}", self.device_proof(user, session).to_hex()))
    }

    /// The session by which a device became known to this account, if the token is genuine.
    pub(crate) fn device(&self, user: UserId, token: &SecretString) -> Option<SessionId> {
        let (session, proof) = token.expose_secret().split_once('.')?;
        let (session, proof) = (session.parse().ok()?, blake3::Hash::from_hex(proof).ok()?);
        // hashes are compared in constant time
        (proof == self.device_proof(user, session)).then_some(session)
    }

    fn device_proof(&self, user: UserId, session: SessionId) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.devices).update(user.as_bytes()).update(session.as_bytes()).finalize()
    }

    /// By what a key package is known again.
    pub(crate) fn package_mark(&self, key: &PublicKey) -> u64 {
        let hash = blake3::keyed_hash(&self.packages, key.as_str().as_bytes());
        hash.as_bytes().iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte))
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
