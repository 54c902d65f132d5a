//! What auditors were shown.

use tidings_domain::{ConversationId, MessageId, Timestamp};
use tidings_event_store::Position;

use super::UserRef;
use crate::fold::unsigned;

/// What an auditor was shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Where in the log that was noted.
    pub position: Position,
    /// Who.
    pub auditor: UserRef,
    /// When.
    pub at: Timestamp,
    /// What: the name of a [`tidings_domain::access::Shown`].
    pub shown: String,
    /// Of which conversation, where it was of one.
    pub conversation: Option<ConversationId>,
    /// Which message, where it was one.
    pub message: Option<MessageId>,
    /// As of which position, where not as of the moment.
    pub as_of: Option<Position>,
}

impl Access {
    /// The message that these columns of a row name.
    pub(crate) fn message(
        conversation: Option<ConversationId>,
        seq: Option<i64>,
        version: Option<i64>,
    ) -> Option<MessageId> {
        let (conversation, (seq, version)) = conversation.zip(seq.zip(version))?;
        Some(MessageId { conversation, seq: unsigned(seq), version: unsigned(version) })
    }
}

/// Where a list of accesses goes on: before this position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessCursor(pub Position);

/// Some of them.
pub type AccessPage = super::Page<Access, AccessCursor>;

impl AccessCursor {
    /// A page out of one more than it may have.
    pub(crate) fn page(mut items: Vec<Access>, limit: usize) -> AccessPage {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| Self(last.position));
        super::Page { items, next }
    }
}
