//! Conversations as one person sees them.

use tidings_domain::{
    ConversationId, MessageId, Timestamp,
    conversation::{ConversationKind, MemberRole},
};
use tidings_event_store::Position;

use super::{Message, UserRef};

/// A conversation as somebody who is or was in it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// Direct or group.
    pub kind: ConversationKind,
    /// The name of a group.
    pub name: Option<String>,
    /// None for one who has left.
    pub my_role: Option<MemberRole>,
    /// How many are in it now.
    pub member_count: u64,
    /// Who is in it, for a direct conversation; empty for a group.
    pub members: Vec<UserRef>,
    /// When it was started.
    pub created_at: Timestamp,
    /// How many messages count as unread; 0 for one who has left.
    pub unread: u64,
    /// The message up to which all is read, but for single ones marked unread; none before the first.
    pub read_up_to: Option<MessageId>,
    /// No notifications.
    pub muted: bool,
    /// Out of the way.
    pub archived: bool,
    /// The newest message that the viewer has not hidden and may see.
    pub last_message: Option<Message>,
}

/// What somebody may see of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationAccess {
    /// There is no such conversation.
    Missing,
    /// They were never in it.
    NeverMember,
    /// They have left: what was sent until then is still there.
    Former(Box<Conversation>),
    /// They are in it.
    Member(Box<Conversation>),
}

/// Which conversations of an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InboxFilter {
    /// Only the archived, only the others, or both.
    pub archived: Option<bool>,
    /// Only those with unread messages, only those without, or both.
    pub unread: Option<bool>,
}

/// Where an inbox goes on. The order is that of the moment when paging began, so that what moves to the top meanwhile
/// is neither lost nor shown twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxCursor {
    /// How far the view was when the first page was asked for.
    pub began: Position,
    /// The last activity, as of then, of the last conversation shown.
    pub after: Position,
}

/// Somebody in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Who.
    pub user: UserRef,
    /// What they may do.
    pub role: MemberRole,
    /// When they last joined.
    pub joined_at: Timestamp,
    /// The mark up to which they have read.
    pub read_up_to: Option<MessageId>,
    /// Up to where messages have arrived; never behind what is read.
    pub delivered_up_to: Option<MessageId>,
}

/// Where a list of members goes on: after the one who joined as the so-manieth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberCursor(pub u64);

/// That somebody is or was in a conversation, for deciding what may be shown to them live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// The conversation's last `seq` when they last joined.
    pub joined_seq: u64,
    /// The conversation's last `seq` when they left; none while they are in it.
    pub left_seq: Option<u64>,
    /// Where in the log they left; nothing after it is theirs to see. None while they are in it.
    pub left_position: Option<Position>,
    /// No notifications.
    pub muted: bool,
}

/// What is unread in one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationUnread {
    /// Which conversation.
    pub id: ConversationId,
    /// How many messages count as unread: never 0 here.
    pub unread: u64,
    /// How many of them mention the reader.
    pub mentions: u64,
}

/// What is unread everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnreadSummary {
    /// The sum.
    pub total: u64,
    /// The conversations with anything unread, in no particular but a stable order.
    pub conversations: Vec<ConversationUnread>,
}
