//! Access tokens: signed, good for five minutes, and only while their session stands.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::constant_time;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use tidings_domain::{SessionId, Timestamp, UserId};
use tidings_event_store::InstallationSecret;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    clock::now,
    extract::Caller,
    problem::{Kind, Problem},
};

/// How long an access token serves.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_mins(5);

/// Whether sessions stand: what the write side knows.
#[async_trait]
pub trait Liveness: Send + Sync + 'static {
    /// Whether this session, opened under password number `credential`, still stands and its account may act.
    async fn is_alive(&self, session: SessionId, user: UserId, credential: u32) -> Result<bool, Problem>;
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    sid: Uuid,
    /// The number of the password.
    cv: u32,
    iat: u64,
    exp: u64,
}

/// Signs access tokens and judges them. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    liveness: Arc<dyn Liveness>,
    /// Tokens found genuine lately, by their hash: a signature is checked once, not at every request.
    genuine: Cache<u64, Arc<Genuine>>,
    hasher: RandomState,
}

/// A token that was found genuine, and what it says.
struct Genuine {
    token: Zeroizing<String>,
    caller: Caller,
    expires: u64,
}

/// How many tokens are remembered.
const MOST_GENUINE: usize = 10_000;

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator(…)")
    }
}

impl Authenticator {
    /// For the tokens of this installation.
    pub fn new(secret: &InstallationSecret, liveness: Arc<dyn Liveness>) -> Self {
        let key = secret.derive("tidings 2026 access tokens");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        Self(Arc::new(Inner {
            signing: EncodingKey::from_secret(key.as_slice()),
            verifying: DecodingKey::from_secret(key.as_slice()),
            validation,
            liveness,
            genuine: Cache::new(MOST_GENUINE),
            hasher: RandomState::new(),
        }))
    }

    /// The token of this session as of this moment: the same for the same moment, so that an answer can be given again.
    pub fn issue(&self, caller: Caller, at: Timestamp) -> Result<String, Problem> {
        let iat = seconds(at);
        let claims = Claims {
            sub: caller.user.uuid(),
            sid: caller.session.uuid(),
            cv: caller.credential,
            iat,
            exp: iat + ACCESS_TOKEN_LIFETIME.as_secs(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.0.signing)
            .map_err(|error| Problem::new(Kind::Internal, error.to_string()))
    }

    /// Whose token this is; 401 unless it is genuine, fresh and its session stands.
    pub async fn caller(&self, token: &str) -> Result<Caller, Problem> {
        let caller = self.read(token).ok_or_else(|| Problem::from(Kind::Unauthenticated))?;
        if self.stands(caller).await? { Ok(caller) } else { Err(Kind::SessionEnded.into()) }
    }

    /// Whether the caller's session still stands, for answers that last longer than a token.
    pub async fn stands(&self, caller: Caller) -> Result<bool, Problem> {
        self.0.liveness.is_alive(caller.session, caller.user, caller.credential).await
    }

    /// Whose token this is, if it was found genuine and has not expired.
    fn remembered(&self, token: &str, at: Timestamp) -> Option<Caller> {
        let known = self.0.genuine.get(&self.0.hasher.hash_one(token))?;
        let same = constant_time::verify_slices_are_equal(known.token.as_bytes(), token.as_bytes()).is_ok();
        (same && seconds(at) < known.expires).then_some(known.caller)
    }

    fn read(&self, token: &str) -> Option<Caller> {
        if let Some(caller) = self.remembered(token, now()) {
            return Some(caller);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.0.verifying, &self.0.validation).ok()?.claims;
        let caller =
            Caller { user: UserId::new(claims.sub), session: SessionId::new(claims.sid), credential: claims.cv };
        let known = Genuine { token: Zeroizing::new(token.to_owned()), caller, expires: claims.exp };
        self.0.genuine.insert(self.0.hasher.hash_one(token), Arc::new(known));
        Some(caller)
    }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.millis() / 1000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Only(SessionId);

    #[async_trait]
    impl Liveness for Only {
        async fn is_alive(&self, session: SessionId, _: UserId, _: u32) -> Result<bool, Problem> {
            Ok(session == self.0)
        }
    }

    fn caller(session: u128) -> Caller {
        Caller {
            user: UserId::new(Uuid::from_u128(1)),
            session: SessionId::new(Uuid::from_u128(session)),
            credential: 1,
        }
    }

    fn authenticator(secret: u8) -> Authenticator {
        Authenticator::new(&InstallationSecret::from_bytes([secret; 32]), Arc::new(Only(caller(2).session)))
    }

    #[tokio::test]
    async fn a_fresh_token_of_a_standing_session_names_its_caller() {
        let token = authenticator(1).issue(caller(2), now()).unwrap();
        assert_eq!(authenticator(1).caller(&token).await.unwrap(), caller(2));
    }

    #[tokio::test]
    async fn a_token_that_was_seen_before_still_expires() {
        let (ours, at) = (authenticator(1), now());
        let token = ours.issue(caller(2), at).unwrap();
        assert_eq!(ours.remembered(&token, at), None);
        assert!(ours.caller(&token).await.is_ok());
        assert_eq!(ours.remembered(&token, at), Some(caller(2)));
        let expired = at.plus_millis(300_000);
        assert_eq!(ours.remembered(&token, expired), None);
    }

    #[tokio::test]
    async fn a_token_of_an_ended_session_is_refused_every_time() {
        let ours = authenticator(1);
        let token = ours.issue(caller(3), now()).unwrap();
        for _ in 0..2 {
            assert_eq!(ours.caller(&token).await.unwrap_err().kind(), Kind::SessionEnded);
        }
    }

    #[tokio::test]
    async fn an_expired_a_foreign_and_a_forged_token_are_refused() {
        let ours = authenticator(1);
        let old = ours.issue(caller(2), now().plus_millis(-301_000)).unwrap();
        let foreign = authenticator(2).issue(caller(2), now()).unwrap();
        let claims = Claims { sub: Uuid::nil(), sid: Uuid::nil(), cv: 1, iat: 0, exp: u64::MAX };
        let other = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &ours.0.signing).unwrap();
        let body = old.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{body}.");
        for token in [old.as_str(), foreign.as_str(), other.as_str(), unsigned.as_str(), "", "a.b.c"] {
            assert_eq!(ours.caller(token).await.unwrap_err().kind(), Kind::Unauthenticated, "{token}");
        }
    }
}
