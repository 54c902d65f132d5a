//! The JSON form of what the views answer.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use tidings_domain::{
    ConversationId, MessageId, Timestamp, UserId,
    conversation::{ConversationKind, MemberRole},
};
use tidings_projections::model;
use utoipa::ToSchema;

pub(super) use super::files::AttachmentBody;

/// Something as it prints, without a string in between.
pub fn shown<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The same, or `null`.
pub fn shown_option<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// A stretch of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the list goes on, for `cursor`; `null` at the end.
    pub next: Option<String>,
}

/// Somebody, by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UserRef)]
pub struct UserRefBody {
    /// Who.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    pub id: UserId,
    /// `null` once the account is closed.
    #[schema(example = "ada")]
    pub username: Option<String>,
}

impl From<model::UserRef> for UserRefBody {
    fn from(user: model::UserRef) -> Self {
        Self { id: user.id, username: user.username }
    }
}

/// A message as its viewer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageBody {
    /// Which.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, example = "0190c5f27b7a4f0e9d3b1a2c3d4e5f60-7-19")]
    pub id: MessageId,
    /// Where it was sent.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    pub conversation_id: ConversationId,
    /// 1, 2, 3 … within the conversation, no gaps.
    #[schema(minimum = 1)]
    pub seq: u64,
    /// Who wrote it.
    pub sender: UserRefBody,
    /// What it is about.
    pub subject: Option<String>,
    /// The text; `null` when deleted.
    pub body: Option<String>,
    /// What the body is.
    #[schema(example = "text/plain")]
    pub content_type: String,
    /// The message it answers.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>)]
    pub reply_to: Option<MessageId>,
    /// The members it mentions.
    pub mentions: Vec<UserRefBody>,
    /// What is attached to it, in its sender's order.
    pub attachments: Vec<AttachmentBody>,
    /// In the order in which each emoji first came.
    pub reactions: Vec<ReactionBody>,
    /// When it was sent.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last written anew.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// When it was deleted for everyone.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleted_at: Option<Timestamp>,
    /// Whether it does not count as unread for the viewer.
    pub read: bool,
    /// Pinned in its conversation.
    pub pinned: bool,
}

/// One emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Reaction)]
pub struct ReactionBody {
    /// Which.
    #[schema(example = "👍")]
    pub emoji: String,
    /// From how many people.
    #[schema(minimum = 1)]
    pub count: u64,
    /// Whether the viewer is one of them.
    pub mine: bool,
}

impl From<model::Message> for MessageBody {
    fn from(message: model::Message) -> Self {
        let reaction = |reaction: model::Reaction| ReactionBody {
            emoji: reaction.emoji,
            count: reaction.count,
            mine: reaction.mine,
        };
        Self {
            id: message.id,
            conversation_id: message.id.conversation,
            seq: message.id.seq,
            sender: message.sender.into(),
            subject: message.subject,
            body: message.body,
            content_type: message.content_type,
            reply_to: message.reply_to,
            mentions: message.mentions.into_iter().map(Into::into).collect(),
            attachments: message.attachments.into_iter().map(Into::into).collect(),
            reactions: message.reactions.into_iter().map(reaction).collect(),
            created_at: message.created_at,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            read: message.read,
            pinned: message.pinned,
        }
    }
}

/// A conversation as its viewer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub struct ConversationBody {
    /// Which.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    pub id: ConversationId,
    /// What sort of conversation.
    #[schema(value_type = ConversationKindBody)]
    pub kind: ConversationKind,
    /// The name of a group.
    pub name: Option<String>,
    /// `null` for one who has left.
    #[schema(value_type = Option<MemberRoleBody>)]
    pub my_role: Option<MemberRole>,
    /// How many are in it now.
    pub member_count: u64,
    /// Who is in it, for a direct conversation; empty for a group.
    pub members: Vec<UserRefBody>,
    /// When it was started.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How many messages count as unread.
    pub unread: u64,
    /// The message up to which all is read.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>)]
    pub read_up_to: Option<MessageId>,
    /// No notifications.
    pub muted: bool,
    /// Out of the way.
    pub archived: bool,
    /// The newest message that the viewer sees.
    #[schema(nullable)]
    pub last_message: Option<MessageBody>,
}

/// What sort of conversation.
#[derive(ToSchema)]
#[schema(as = ConversationKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "documents the domain's type, which knows nothing of OpenAPI")]
pub(super) enum ConversationKindBody {
    /// The one conversation of exactly these people.
    Direct,
    /// A named group whose people come and go.
    Group,
}

/// What a member may do.
#[derive(ToSchema)]
#[schema(as = MemberRole, rename_all = "snake_case")]
#[expect(dead_code, reason = "documents the domain's type, which knows nothing of OpenAPI")]
pub(super) enum MemberRoleBody {
    /// Reads, sends, adds members.
    Member,
    /// Renames, removes members, gives roles, pins.
    Admin,
    /// One for each group.
    Owner,
}

impl From<model::Conversation> for ConversationBody {
    fn from(conversation: model::Conversation) -> Self {
        Self {
            id: conversation.id,
            kind: conversation.kind,
            name: conversation.name,
            my_role: conversation.my_role,
            member_count: conversation.member_count,
            members: conversation.members.into_iter().map(Into::into).collect(),
            created_at: conversation.created_at,
            unread: conversation.unread,
            read_up_to: conversation.read_up_to,
            muted: conversation.muted,
            archived: conversation.archived,
            last_message: conversation.last_message.map(Into::into),
        }
    }
}

/// Somebody in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberBody {
    /// Who.
    pub user: UserRefBody,
    /// What they may do.
    #[schema(value_type = MemberRoleBody)]
    pub role: MemberRole,
    /// When they last joined.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
    /// The message up to which they have read.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>)]
    pub read_up_to: Option<MessageId>,
    /// The message up to which all has arrived.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>)]
    pub delivered_up_to: Option<MessageId>,
}

impl From<model::MemberRow> for MemberBody {
    fn from(member: model::MemberRow) -> Self {
        Self {
            user: member.user.into(),
            role: member.role,
            joined_at: member.joined_at,
            read_up_to: member.read_up_to,
            delivered_up_to: member.delivered_up_to,
        }
    }
}

/// What is unread in one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConversationUnread)]
pub struct ConversationUnreadBody {
    /// Which conversation.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    pub id: ConversationId,
    /// How many messages count as unread.
    pub unread: u64,
    /// How many of them mention the caller.
    pub mentions: u64,
}

/// The count after something was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Unread)]
pub(super) struct UnreadBody {
    /// How many messages of the conversation count as unread.
    pub unread: u64,
}
