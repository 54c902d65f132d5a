//! What can have happened to a session.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{KeyId, Personal, SealKeys, Timestamp, UserId, event::events, values::DeviceName};

/// The BLAKE3 hash of a refresh token. The token itself is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("a token's hash has 32 bytes"))
    }
}

events! {
    /// Of the stream `session-{id}`.
    pub enum SessionEvent {
        /// Somebody signed in.
        Opened(SessionOpened) = "session_opened" seals device,
        /// A refresh token was exchanged for the next.
        Refreshed(SessionRefreshed) = "session_refreshed",
        /// The session is over.
        Closed(SessionClosed) = "session_closed",
    }
}

/// See [`SessionEvent::Opened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// Whose.
    pub user: UserId,
    /// The key of that person's data.
    pub key: KeyId,
    /// The number of the password it was opened with.
    pub credential: u32,
    /// Of the first refresh token.
    pub token: TokenHash,
    /// When.
    pub at: Timestamp,
    /// What its owner calls the device.
    #[serde(skip)]
    pub device: Personal<Option<DeviceName>>,
}

impl SessionOpened {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

/// See [`SessionEvent::Refreshed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRefreshed {
    /// Of the next refresh token.
    pub token: TokenHash,
    /// When.
    pub at: Timestamp,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionClosedBecause {
    /// Its owner ended it.
    SignedOut,
    /// A refresh token that had served already was shown again: somebody else may have it.
    TokenReused,
}

/// See [`SessionEvent::Closed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClosed {
    /// Whose it was.
    pub user: UserId,
    /// Why.
    pub because: SessionClosedBecause,
    /// When.
    pub at: Timestamp,
}
