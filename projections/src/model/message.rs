//! Messages as one person sees them.

use tidings_domain::{MessageId, Timestamp, UserId};
use tidings_event_store::Position;

use super::{Attachment, UserRef};

/// A message as somebody who may see it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which; says the conversation and the `seq` too.
    pub id: MessageId,
    /// Who wrote it.
    pub sender: UserRef,
    /// What it is about; none when deleted.
    pub subject: Option<String>,
    /// The text; none when deleted, or of attachments alone.
    pub body: Option<String>,
    /// What the body is.
    pub content_type: String,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it mentions.
    pub mentions: Vec<UserRef>,
    /// What is attached to it, in its sender's order.
    pub attachments: Vec<Attachment>,
    /// In the order in which each emoji first came.
    pub reactions: Vec<Reaction>,
    /// When it was sent, originally.
    pub created_at: Timestamp,
    /// When it was last written anew.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted for everyone, or its sender's account closed.
    pub deleted_at: Option<Timestamp>,
    /// Whether it does not count as unread for the viewer. One's own and deleted messages never do.
    pub read: bool,
    /// Pinned in its conversation.
    pub pinned: bool,
}

impl Message {
    /// What it says, as the only thing it ever said.
    pub(crate) fn only_version(&self) -> MessageVersion {
        MessageVersion { subject: self.subject.clone(), body: self.body.clone(), at: self.created_at }
    }
}

/// One emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// Which.
    pub emoji: String,
    /// From how many people.
    pub count: u64,
    /// Whether the viewer is one of them.
    pub mine: bool,
}

/// Which stretch of a conversation's messages. Also the cursor of such a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageAnchor {
    /// The newest.
    Newest,
    /// Those just before this `seq`.
    Before(u64),
    /// Those just after this `seq`.
    After(u64),
    /// Those on both sides of this `seq`, and itself.
    Around(u64),
}

/// Which messages of all that somebody received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceivedFilter {
    /// Only the unread, only the read, or both.
    pub unread: Option<bool>,
    /// Only those of this sender.
    pub from: Option<UserId>,
    /// Only those sent at or after this time.
    pub since: Option<Timestamp>,
    /// Only those sent before this time.
    pub until: Option<Timestamp>,
}

/// Where a list of received messages goes on: before this place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedCursor(pub Position);

/// What a message said at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageVersion {
    /// What it was about.
    pub subject: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// When it was sent, or written anew.
    pub at: Timestamp,
}

/// That a message arrived at somebody, and perhaps was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserRef,
    /// When the message was sent.
    pub sent_at: Timestamp,
    /// When it arrived; never after it was read.
    pub delivered_at: Timestamp,
    /// When it was first read: by a mark, by itself, or by an answer sent after it.
    pub read_at: Option<Timestamp>,
}
