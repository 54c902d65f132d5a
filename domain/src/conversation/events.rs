//! What can have happened in a conversation.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    KeyId, Personal, SealKeys, Timestamp, UserId,
    attachment::AttachmentRef,
    event::events,
    values::{Body, ContentType, ConversationName, Invalid, Retention, Subject},
};

events! {
    /// Of the stream `conversation-{id}`.
    pub enum ConversationEvent {
        /// Somebody sent a message. First in the list, for it is by far the most frequent.
        MessageSent(MessageSent) = "message_sent" seals content,
        /// The conversation exists.
        Started(ConversationStarted) = "conversation_started" seals name,
        /// A group has another name.
        Renamed(ConversationRenamed) = "conversation_renamed" seals name,
        /// Somebody is in the group, for the first time or again.
        MemberAdded(MemberAdded) = "member_added",
        /// Somebody left the group or was removed from it.
        MemberRemoved(MemberRemoved) = "member_removed",
        /// Somebody in the group has another role.
        MemberRoleChanged(MemberRoleChanged) = "member_role_changed",
        /// Who of the two of a direct conversation blocks the other; also before it is started.
        BlocksChanged(DirectBlocksChanged) = "direct_blocks_changed",
        /// Its messages are kept for another time.
        RetentionChanged(RetentionChanged) = "conversation_retention_changed",
    }
}

/// What sort of conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// The one conversation of exactly these people.
    Direct,
    /// A named group whose people come and go.
    Group,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Reads, sends, adds members.
    Member,
    /// Renames, removes members, gives roles, pins.
    Admin,
    /// One for each group; alone removes and demotes admins.
    Owner,
}

impl MemberRole {
    /// As it stands in answers and in the views.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl FromStr for MemberRole {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::Member, Self::Admin, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(Invalid("must be one of: member, admin, owner"))
    }
}

/// See [`ConversationEvent::Started`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationStarted {
    /// Direct or group.
    pub kind: ConversationKind,
    /// Who started it; the owner of a group.
    pub by: UserId,
    /// Everybody in it from the start, `by` first.
    pub members: Vec<UserId>,
    /// The key of its name.
    pub key: KeyId,
    /// When, originally.
    pub at: Timestamp,
    /// The name of a group; none for a direct conversation.
    #[serde(skip)]
    pub name: Personal<Option<ConversationName>>,
}

/// See [`ConversationEvent::Renamed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRenamed {
    /// By whom.
    pub by: UserId,
    /// The key of its name.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// What it is called now.
    #[serde(skip)]
    pub name: Personal<ConversationName>,
}

/// See [`ConversationEvent::MemberAdded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAdded {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: MemberRole,
    /// By whom.
    pub by: UserId,
    /// When, originally.
    pub at: Timestamp,
}

/// See [`ConversationEvent::MemberRemoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRemoved {
    /// Who.
    pub user: UserId,
    /// By whom; the same for one who left.
    pub by: UserId,
    /// When, originally.
    pub at: Timestamp,
}

/// See [`ConversationEvent::MemberRoleChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRoleChanged {
    /// Who.
    pub user: UserId,
    /// What they are now.
    pub role: MemberRole,
    /// By whom; the leaving owner for a successor.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// See [`ConversationEvent::BlocksChanged`]. A copy of what the stream of the two people says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectBlocksChanged {
    /// Who blocks the other now.
    pub blocked_by: Vec<UserId>,
    /// How often that had changed: of two copies the one with more is the newer.
    pub changes: u64,
    /// When.
    pub at: Timestamp,
}

/// See [`ConversationEvent::RetentionChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionChanged {
    /// By whom.
    pub by: UserId,
    /// How long they are kept; none for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// When.
    pub at: Timestamp,
}

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageContent {
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The text; none for a message of attachments alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

/// See [`ConversationEvent::MessageSent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    /// 1, 2, 3 … within the conversation, no gaps.
    pub seq: u64,
    /// Who wrote it. Their own mark moves here with it.
    pub sender: UserId,
    /// When, originally.
    pub at: Timestamp,
    /// The key of the message.
    pub key: KeyId,
    /// The sender's own key, without which the message is unreadable too.
    pub author_key: KeyId,
    /// What the body is.
    pub content_type: ContentType,
    /// The `seq` of the message it answers, in the same conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// The members it mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// What is attached to it, in the sender's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentRef>,
    /// Subject and body.
    #[serde(skip)]
    pub content: Personal<MessageContent>,
}

impl ConversationStarted {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

impl ConversationRenamed {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

impl MessageSent {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: Some(self.author_key) }
    }
}
