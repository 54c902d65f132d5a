//! What was to be erased, and how long messages are kept.

use tidings_domain::{MessageId, Timestamp, UserId, message::ErasureReason, values::Retention};
use tidings_event_store::Position;

/// An erasure, done or waiting to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Of the event that asked for it.
    pub position: Position,
    /// Which message; none for an account.
    pub message: Option<MessageId>,
    /// Who wrote it, or whose account it was.
    pub user: UserId,
    /// Who asked for it; none where a rule did.
    pub by: Option<UserId>,
    /// Why.
    pub reason: ErasureReason,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it was done; none while it waits.
    pub done_at: Option<Timestamp>,
    /// The position of its receipt.
    pub receipt: Option<Position>,
}

/// A look at what rules do not keep any more, some conversations at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiryQuestion {
    /// Now.
    pub now: Timestamp,
    /// How long the messages of all conversations are kept; none for ever.
    pub of_all: Option<Retention>,
    /// Also before the last message of a conversation that a rule has deleted: something may have been held then.
    pub whole: bool,
    /// Where the look goes on.
    pub after: ExpiryCursor,
    /// The most messages and conversations.
    pub limit: usize,
}

/// Where a look at what expires goes on: after the message of this key, at the first of its conversation where its `seq` is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpiryCursor(pub(crate) i64);

/// What rules do not keep any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expired {
    /// With their senders, in the order of their conversations.
    pub messages: Vec<(MessageId, UserId)>,
    /// Where the look goes on; none at the end.
    pub next: Option<ExpiryCursor>,
}
