//! Records of an export: what the routes show, and what it is.

use serde::Serialize;
use tidings_domain::{ConversationId, SessionId, Timestamp};
use tidings_projections::model::{
    Access, Attachment, Block, Contact, Conversation, Device, MemberRow, Message, MessageVersion, Scheduled, Session,
    User, Webhook,
};

use crate::routes::{
    AccessBody, AttachmentBody, BlockBody, ContactBody, ConversationBody, DeviceBody, MemberBody, MessageBody,
    OwnProfile, ScheduledBody, WebhookBody, shown,
};

/// A record, and what it is.
#[derive(Debug, Serialize)]
pub(super) struct Line<T> {
    record: &'static str,
    #[serde(flatten)]
    members: T,
}

impl<T> Line<T> {
    pub(super) const fn new(record: &'static str, members: T) -> Self {
        Self { record, members }
    }
}

/// An account as its owner sees it.
pub(super) fn account(user: User) -> OwnProfile {
    user.into()
}

/// A session that is open.
#[derive(Debug, Serialize)]
pub(super) struct SessionLine {
    #[serde(serialize_with = "shown")]
    id: SessionId,
    device_name: Option<String>,
    #[serde(serialize_with = "shown")]
    created_at: Timestamp,
    #[serde(serialize_with = "shown")]
    refreshed_at: Timestamp,
}

pub(super) fn session(session: Session) -> SessionLine {
    let Session { id, device_name, created_at, refreshed_at, .. } = session;
    SessionLine { id, device_name, created_at, refreshed_at }
}

/// That an auditor was shown something.
pub(super) fn access(access: Access) -> AccessBody {
    access.into()
}

pub(super) fn device(device: Device) -> DeviceBody {
    DeviceBody::of_owner(device)
}

pub(super) fn contact(contact: Contact) -> ContactBody {
    contact.into()
}

pub(super) fn block(block: Block) -> BlockBody {
    block.into()
}

pub(super) fn webhook(webhook: Webhook) -> WebhookBody {
    webhook.into()
}

pub(super) fn scheduled(scheduled: Scheduled) -> ScheduledBody {
    scheduled.into()
}

/// Its last message stands among the messages: here it would outlast it.
pub(super) fn conversation(conversation: Conversation) -> ConversationBody {
    Conversation { last_message: None, ..conversation }.into()
}

/// Somebody in a conversation.
#[derive(Debug, Serialize)]
pub(super) struct MemberLine {
    #[serde(serialize_with = "shown")]
    conversation_id: ConversationId,
    #[serde(flatten)]
    member: MemberBody,
}

pub(super) fn member(conversation_id: ConversationId, member: MemberRow) -> MemberLine {
    MemberLine { conversation_id, member: member.into() }
}

pub(super) fn attachment(attachment: Attachment) -> AttachmentBody {
    attachment.into()
}

/// A message with what it said before.
#[derive(Debug, Serialize)]
pub(super) struct MessageLine {
    record: &'static str,
    #[serde(flatten)]
    message: MessageBody,
    /// All that it ever said, oldest first; nothing for one never edited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<VersionLine>,
}

#[derive(Debug, Serialize)]
struct VersionLine {
    subject: Option<String>,
    body: Option<String>,
    #[serde(serialize_with = "shown")]
    at: Timestamp,
}

impl MessageLine {
    pub(super) fn new(message: Message, versions: Vec<MessageVersion>) -> Self {
        let version = |MessageVersion { subject, body, at }| VersionLine { subject, body, at };
        Self { record: "message", message: message.into(), versions: versions.into_iter().map(version).collect() }
    }
}
