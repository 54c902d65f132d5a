//! What can have happened to the holds of an installation.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, KeyId, Personal, SealKeys, Timestamp, UserId, event::events, values::HoldReason};

events! {
    /// Of the stream `hold-all`.
    pub enum HoldEvent {
        /// Something is held, or for another reason than before.
        Placed(HoldPlaced) = "hold_placed" seals reason,
        /// It is held no more.
        Released(HoldReleased) = "hold_released",
    }
}

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldTarget {
    /// All messages of a conversation, whoever wrote them, and so the keys of all who are or were in it.
    Conversation(ConversationId),
    /// All that one person wrote, wherever, and who they are.
    User(UserId),
}

/// See [`HoldEvent::Placed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldPlaced {
    /// What.
    pub target: HoldTarget,
    /// By whom; none from the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// The key of the reason.
    pub key: KeyId,
    /// Why.
    #[serde(skip)]
    pub reason: Personal<HoldReason>,
}

impl HoldPlaced {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

/// See [`HoldEvent::Released`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReleased {
    /// What.
    pub target: HoldTarget,
    /// By whom; none from the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}
