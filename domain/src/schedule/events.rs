//! What can have happened to messages that are to be sent later.

use serde::{Deserialize, Serialize};

use crate::{
    ConversationId, KeyId, MessageId, Personal, ScheduledId, SealKeys, Timestamp, UserId, attachment::AttachmentRef,
    conversation::MessageContent, event::events, values::ContentType,
};

events! {
    /// Of the stream `schedule-{user}`.
    pub enum ScheduleEvent {
        /// A message is to be sent later.
        Added(MessageScheduled) = "message_scheduled" seals content,
        /// It is not to be sent after all, or its failure was seen; its key is destroyed.
        Cancelled(ScheduledMessageCancelled) = "scheduled_message_cancelled",
        /// Its time has come.
        Released(ScheduledMessageReleased) = "scheduled_message_released",
        /// It was sent, as a message with a key of its own; this one's key is destroyed.
        Sent(ScheduledMessageSent) = "scheduled_message_sent",
        /// It was refused when its time had come.
        Failed(ScheduledMessageFailed) = "scheduled_message_failed",
    }
}

/// A message in a conversation that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its ordinal.
    pub seq: u64,
    /// The version of its event.
    pub version: u64,
}

impl Place {
    /// The message's id.
    pub const fn of(self, conversation: ConversationId) -> MessageId {
        MessageId { conversation, seq: self.seq, version: self.version }
    }
}

impl From<MessageId> for Place {
    fn from(id: MessageId) -> Self {
        Self { seq: id.seq, version: id.version }
    }
}

/// See [`ScheduleEvent::Added`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageScheduled {
    /// Which.
    pub id: ScheduledId,
    /// Where to.
    pub conversation: ConversationId,
    /// The others of a direct conversation, which is started at need; none where the conversation itself was named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<UserId>,
    /// A key of its own.
    pub key: KeyId,
    /// The owner's key.
    pub author_key: KeyId,
    /// What the body is.
    pub content_type: ContentType,
    /// The message it answers, in the same conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Place>,
    /// What is attached: claimed for it as long as it is scheduled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentRef>,
    /// When to send it.
    pub send_at: Timestamp,
    /// When this was asked for.
    pub at: Timestamp,
    /// Subject and body.
    #[serde(skip)]
    pub content: Personal<MessageContent>,
}

impl MessageScheduled {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: Some(self.author_key) }
    }
}

/// See [`ScheduleEvent::Cancelled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledMessageCancelled {
    /// Which.
    pub id: ScheduledId,
    /// The key to destroy.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
}

/// See [`ScheduleEvent::Released`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledMessageReleased {
    /// Which.
    pub id: ScheduledId,
    /// When.
    pub at: Timestamp,
}

/// See [`ScheduleEvent::Sent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledMessageSent {
    /// Which.
    pub id: ScheduledId,
    /// The key to destroy.
    pub key: KeyId,
    /// The message it became.
    pub message: Place,
    /// When.
    pub at: Timestamp,
}

/// See [`ScheduleEvent::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledMessageFailed {
    /// Which.
    pub id: ScheduledId,
    /// Why, as answers name the problem: `not-a-member`.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}
