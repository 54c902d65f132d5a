//! What can have happened to a message after it was sent.

use serde::{Deserialize, Serialize};

use crate::{
    KeyId, Personal, SealKeys, Timestamp, UserId, attachment::AttachmentRef, conversation::MessageContent,
    event::events, values::Emoji,
};

events! {
    /// Of the stream `message-{id}`.
    pub enum MessageEvent {
        /// Its sender wrote it anew.
        Edited(MessageEdited) = "message_edited" seals content,
        /// It was deleted for everyone; its key is destroyed.
        Deleted(MessageDeleted) = "message_deleted",
        /// Somebody reacted to it.
        ReactionAdded(ReactionAdded) = "reaction_added",
        /// Somebody took a reaction back.
        ReactionRemoved(ReactionRemoved) = "reaction_removed",
        /// It was pinned in its conversation.
        Pinned(MessagePinned) = "message_pinned",
        /// It is pinned no more.
        Unpinned(MessageUnpinned) = "message_unpinned",
    }
}

/// See [`MessageEvent::Edited`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEdited {
    /// The sender.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// The key of the message.
    pub key: KeyId,
    /// The sender's own key.
    pub author_key: KeyId,
    /// The members it mentions now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// What it says now.
    #[serde(skip)]
    pub content: Personal<MessageContent>,
}

impl MessageEdited {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: Some(self.author_key) }
    }
}

/// See [`MessageEvent::Deleted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDeleted {
    /// The sender.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// The key to destroy.
    pub key: KeyId,
    /// What was attached to it and goes with it, each with a key to destroy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentRef>,
}

/// See [`MessageEvent::ReactionAdded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionAdded {
    /// Who.
    pub user: UserId,
    /// With what.
    pub emoji: Emoji,
    /// When.
    pub at: Timestamp,
}

/// See [`MessageEvent::ReactionRemoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionRemoved {
    /// Who.
    pub user: UserId,
    /// What.
    pub emoji: Emoji,
    /// When.
    pub at: Timestamp,
}

/// See [`MessageEvent::Pinned`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePinned {
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// See [`MessageEvent::Unpinned`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageUnpinned {
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}
