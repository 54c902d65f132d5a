//! What somebody wants sent later, as they see it.

use tidings_domain::{ConversationId, MessageId, ScheduledId, Timestamp};

use super::{Attachment, UserRef};
use crate::fold::conversations::{messages::PLAIN_TEXT, schedules::FAILED, tables::ScheduledRow};
use crate::fold::unsigned;

/// A scheduled message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// Which.
    pub id: ScheduledId,
    /// Where to. A direct conversation may not have begun yet.
    pub conversation: ConversationId,
    /// Whom it is for; empty where the conversation was named.
    pub to: Vec<UserRef>,
    /// What it is about.
    pub subject: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// What the body is.
    pub content_type: String,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// What is attached.
    pub attachments: Vec<Attachment>,
    /// When it is sent.
    pub send_at: Timestamp,
    /// When it was scheduled.
    pub created_at: Timestamp,
    /// Why it was not sent when its time had come: the name of a problem.
    pub failure: Option<String>,
}

/// Where a list of scheduled messages goes on: after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduledCursor(pub Timestamp, pub ScheduledId);

impl Scheduled {
    /// As its row says, to these people, with these files.
    pub(crate) fn of(row: ScheduledRow, to: Vec<UserRef>, attachments: Vec<Attachment>) -> Self {
        let conversation = row.conversation;
        let reply = |(seq, version)| MessageId { conversation, seq: unsigned(seq), version: unsigned(version) };
        Self {
            id: row.id,
            conversation,
            to,
            subject: row.subject,
            body: row.body,
            content_type: row.content_type.unwrap_or_else(|| PLAIN_TEXT.to_owned()),
            reply_to: row.reply_seq.zip(row.reply_version).map(reply),
            attachments,
            send_at: Timestamp::from_millis(row.send_at),
            created_at: Timestamp::from_millis(row.created_at),
            failure: row.failure.filter(|_| row.stage == FAILED),
        }
    }
}
