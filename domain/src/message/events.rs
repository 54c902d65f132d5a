//! What can have happened to a message after it was sent.

use serde::{Deserialize, Serialize};

use crate::{
    KeyId, Personal, SealKeys, Timestamp, UserId,
    attachment::AttachmentRef,
    conversation::MessageContent,
    event::events,
    values::{Emoji, Retention},
};

events! {
    /// Of the stream `message-{id}`.
    pub enum MessageEvent {
        /// Its sender wrote it anew.
        Edited(MessageEdited) = "message_edited" seals content,
        /// It was deleted for everyone, by its sender or by a rule; its key is destroyed, unless something holds it.
        Deleted(MessageDeleted) = "message_deleted",
        /// Its key is destroyed, and nothing of it is left anywhere: the receipt of an erasure.
        Erased(MessageErased) = "message_erased",
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
    /// The sender; none where a rule did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// The key to destroy.
    pub key: KeyId,
    /// What was attached to it and goes with it, each with a key to destroy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentRef>,
    /// How long the rule keeps messages that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// See [`MessageEvent::Erased`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageErased {
    /// Why.
    pub reason: ErasureReason,
    /// Who asked for it; none where a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When that was.
    pub asked_at: Timestamp,
    /// When it was done.
    pub at: Timestamp,
    /// The key that is destroyed.
    pub key: KeyId,
    /// What was attached to it and is gone with it, each with a key that is destroyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentRef>,
}

/// Why something was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// Its sender deleted it for everyone.
    DeletedBySender,
    /// It was older than what a rule keeps.
    Retention,
    /// The account was closed.
    AccountClosed,
}

impl ErasureReason {
    /// As it stands in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeletedBySender => "deleted_by_sender",
            Self::Retention => "retention",
            Self::AccountClosed => "account_closed",
        }
    }
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
