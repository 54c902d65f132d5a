//! Who may read the log.

use std::fmt;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;
use tidings_domain::{SessionId, StreamName, UserId};
use tonic::{Status, metadata::MetadataMap};

/// What a call shows of its caller: the header `authorization`.
#[derive(Debug)]
pub enum Credentials {
    /// Nothing, or nothing that can be read.
    None,
    /// A name (or address) and a password.
    Basic {
        /// As typed.
        login: String,
        /// As typed.
        password: SecretString,
    },
    /// An access token.
    Bearer(SecretString),
}

impl Credentials {
    /// Reads them from a call's metadata.
    pub fn of(metadata: &MetadataMap) -> Self {
        Self::parse(metadata).unwrap_or(Self::None)
    }

    fn parse(metadata: &MetadataMap) -> Option<Self> {
        let (scheme, rest) = metadata.get("authorization")?.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer(rest.trim().into()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (login, password) = text.split_once(':')?;
        Some(Self::Basic { login: login.to_owned(), password: password.into() })
    }
}

/// Somebody who was let in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Who.
    pub user: UserId,
    /// The session of their token; none for a password.
    pub session: Option<SessionId>,
    /// The number of the password they were let in by.
    pub credential: u32,
    /// Whether sealed parts are opened for them.
    pub opens: bool,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("user", &self.user).field("opens", &self.opens).finish_non_exhaustive()
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No credentials, or wrong ones.
    #[error("sign in with an account that may read the log: a username and password, or an access token")]
    Unauthenticated,
    /// The account may not read the log.
    #[error("this account may not read the log: it needs the role auditor")]
    Forbidden,
    /// Nobody can say now.
    #[error("who may read cannot be checked now: try again")]
    Unavailable,
}

impl From<Denied> for Status {
    fn from(denied: Denied) -> Self {
        let text = denied.to_string();
        match denied {
            Denied::Unauthenticated => Self::unauthenticated(text),
            Denied::Forbidden => Self::permission_denied(text),
            Denied::Unavailable => Self::unavailable(text),
        }
    }
}

/// Decides who may read the log.
#[async_trait]
pub trait Gatekeeper: Send + Sync + 'static {
    /// Lets a caller in, or says why not.
    async fn admit(&self, credentials: Credentials) -> Result<Pass, Denied>;

    /// Notes that somebody who was let in is about to be shown what is sealed: of this stream, or of all. They are shown it only once
    /// that has succeeded.
    async fn note(&self, pass: &Pass, stream: Option<&StreamName>) -> Result<(), Denied>;

    /// Whether somebody who was let in still may read, with as much of it open. Asked again while an answer lasts.
    async fn still_admits(&self, pass: &Pass) -> Result<(), Denied>;
}
