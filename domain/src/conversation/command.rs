//! What may be asked of a conversation, and the reasons why not.

use super::{MemberRole, MessageContent};
use crate::{
    KeyId, Timestamp, UserId,
    attachment::AttachmentRef,
    values::{ContentType, ConversationName, Retention},
};

/// The most people a group can have.
pub const MAX_MEMBERS: u64 = 100_000;
/// The most people that a group can be started with; the others are added.
pub const MAX_STARTING_MEMBERS: usize = 1_000;

/// A message on its way.
#[derive(Debug, Clone)]
pub struct SendMessage {
    /// Who sends it.
    pub by: UserId,
    /// A key that seals nothing yet.
    pub key: KeyId,
    /// The sender's own key.
    pub author_key: KeyId,
    /// What the body is.
    pub content_type: ContentType,
    /// The message it answers.
    pub reply_to: Option<u64>,
    /// Whom it mentions; each counts once, and those who are not in the conversation are left out.
    pub mentions: Vec<UserId>,
    /// What is attached: the sender's own, and claimed for this message before.
    pub attachments: Vec<AttachmentRef>,
    /// Subject and body.
    pub content: MessageContent,
    /// When, originally.
    pub at: Timestamp,
}

/// What may be asked of a conversation. That the people named exist was checked before.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ConversationCommand {
    /// Start a group.
    StartGroup {
        /// Its owner.
        by: UserId,
        /// The others.
        members: Vec<UserId>,
        /// What it is called.
        name: ConversationName,
        /// A key that seals nothing yet.
        key: KeyId,
        /// When, originally.
        at: Timestamp,
    },
    /// Start the conversation of exactly these people.
    StartDirect {
        /// Who starts it.
        by: UserId,
        /// The others.
        members: Vec<UserId>,
        /// A key that seals nothing yet.
        key: KeyId,
        /// Now.
        at: Timestamp,
    },
    /// Call a group something else.
    Rename {
        /// An owner or admin.
        by: UserId,
        /// What it will be called.
        name: ConversationName,
        /// Now.
        at: Timestamp,
    },
    /// Add somebody, or give somebody who is there a role.
    AddMember {
        /// Any member to add; an owner or admin to give a role.
        by: UserId,
        /// Whom.
        user: UserId,
        /// The role; none leaves it as it is, or makes a member.
        role: Option<MemberRole>,
        /// When, originally.
        at: Timestamp,
    },
    /// Come into a group by oneself, as history brought in from elsewhere tells; who comes into an empty one owns it.
    Join {
        /// Who.
        by: UserId,
        /// When, originally.
        at: Timestamp,
    },
    /// Leave, or remove somebody.
    RemoveMember {
        /// Oneself, or an owner or admin.
        by: UserId,
        /// Whom.
        user: UserId,
        /// When, originally.
        at: Timestamp,
    },
    /// Send a message.
    Send(SendMessage),
    /// Keep messages for another time.
    KeepFor {
        /// An owner or admin, or an operator.
        by: UserId,
        /// Whether they are an operator, who need not be in it.
        operates: bool,
        /// How long; none for ever.
        retention: Option<Retention>,
        /// Now.
        at: Timestamp,
    },
    /// Know who of the two of a direct conversation blocks the other, whether it is started or not.
    KnowBlocks {
        /// Whose block changed.
        by: UserId,
        /// Who blocks the other now.
        blocked_by: Vec<UserId>,
        /// How often that had changed.
        changes: u64,
        /// Now.
        at: Timestamp,
    },
}

impl ConversationCommand {
    pub(super) const fn by(&self) -> UserId {
        match self {
            Self::StartGroup { by, .. }
            | Self::StartDirect { by, .. }
            | Self::Rename { by, .. }
            | Self::AddMember { by, .. }
            | Self::Join { by, .. }
            | Self::RemoveMember { by, .. }
            | Self::KeepFor { by, .. }
            | Self::KnowBlocks { by, .. } => *by,
            Self::Send(message) => message.by,
        }
    }
}

/// Why a conversation does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConversationRefusal {
    /// It was never started.
    #[error("there is no such conversation")]
    NoSuchConversation,
    /// Who asks is not in it.
    #[error("only members may do this")]
    NotAMember,
    /// Who asks is neither owner nor admin.
    #[error("only the owner and admins may do this")]
    NotAnAdmin,
    /// It concerns an admin, and who asks is not the owner.
    #[error("only the owner may do this to an admin")]
    NotTheOwner,
    /// The owner keeps the role until they leave, and nobody else gets it.
    #[error("a group has one owner, who stays it until they leave")]
    OwnerIsFixed,
    /// The people of a direct conversation are fixed, and it has no name and no roles.
    #[error("a direct conversation stays as it is")]
    DirectIsFixed,
    /// A direct conversation has 2 to 20 people.
    #[error("a direct conversation has 2 to 20 people")]
    DirectSize,
    /// The group is full.
    #[error("the group is full")]
    TooManyMembers,
    /// The other of the two blocks who asks.
    #[error("the other person has blocked you")]
    Blocked,
    /// The answered message is not in the conversation.
    #[error("there is no such message to reply to in this conversation")]
    NoSuchReply,
}
