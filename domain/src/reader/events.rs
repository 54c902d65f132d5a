//! What can have happened to a reader.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, event::events};

events! {
    /// Of the stream `reader-{conversation}-{user}`.
    pub enum ReaderEvent {
        /// All up to a message is read, also what was marked unread below it.
        ReadUpTo(ReadUpTo) = "read_up_to",
        /// All up to a message arrived on some device of theirs.
        DeliveredUpTo(DeliveredUpTo) = "delivered_up_to",
        /// One message above the mark is read.
        MarkedRead(MessageMarkedRead) = "message_marked_read",
        /// One message at or below the mark is unread again, or one above it that had been marked read.
        MarkedUnread(MessageMarkedUnread) = "message_marked_unread",
        /// One message is gone for this reader.
        Hidden(MessageHidden) = "message_hidden",
        /// Muted or archived, or not any more.
        SettingsChanged(ReaderSettingsChanged) = "reader_settings_changed",
    }
}

/// See [`ReaderEvent::ReadUpTo`]. Ignored where the mark is already beyond it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadUpTo {
    /// The message's `seq`.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// See [`ReaderEvent::DeliveredUpTo`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredUpTo {
    /// The message's `seq`.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// See [`ReaderEvent::MarkedRead`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageMarkedRead {
    /// The message's `seq`.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// See [`ReaderEvent::MarkedUnread`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageMarkedUnread {
    /// The message's `seq`.
    pub seq: u64,
    /// The mark implied by the reader's own sending and joining when this was decided: what they send later reads it.
    pub floor: u64,
    /// When.
    pub at: Timestamp,
}

/// See [`ReaderEvent::Hidden`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHidden {
    /// The message's `seq`.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// See [`ReaderEvent::SettingsChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderSettingsChanged {
    /// No notifications; none leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<bool>,
    /// Out of the way; none leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// When.
    pub at: Timestamp,
}
