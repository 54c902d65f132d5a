//! What a search finds.

use tidings_domain::{ConversationId, Timestamp, UserId};
use tidings_event_store::Position;

use super::{Message, Snippet};

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SearchFilter {
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Only what this person sent.
    pub from: Option<UserId>,
    /// Only what was sent at or after this time.
    pub since: Option<Timestamp>,
    /// Only what was sent before this time.
    pub until: Option<Timestamp>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHit {
    /// Which.
    pub message: Message,
    /// Why.
    pub snippet: Snippet,
}

/// Where a list of what was found goes on: before this place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor(pub Position);

impl SearchFilter {
    /// Whether a message may be wanted, whatever it says.
    pub(crate) fn admits(&self, message: &Message) -> bool {
        message.deleted_at.is_none()
            && self.from.is_none_or(|from| message.sender.id == from)
            && self.since.is_none_or(|since| message.created_at >= since)
            && self.until.is_none_or(|until| message.created_at < until)
    }
}

impl SearchHit {
    /// A message, if it says what is wanted. Its body comes first: that is shown where both do.
    pub(crate) fn look(message: Message, wanted: &crate::text::Wanted) -> Option<Self> {
        let body = message.body.as_deref().filter(|_| message.content_type.starts_with("text/"));
        let snippet = wanted.find(body.into_iter().chain(message.subject.as_deref()))?;
        Some(Self { message, snippet })
    }
}
