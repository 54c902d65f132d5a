//! What can have happened to an uploaded file.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    AttachmentId, ConversationId, KeyId, Personal, SealKeys, Timestamp, UserId,
    event::events,
    values::{ContentType, FileName},
};

events! {
    /// Of the stream `attachment-{id}`.
    pub enum AttachmentEvent {
        /// Its bytes are stored.
        Uploaded(AttachmentUploaded) = "attachment_uploaded" seals details,
        /// It is claimed for a message that is being sent.
        Attached(AttachmentAttached) = "attachment_attached",
        /// That message was not sent after all.
        Detached(AttachmentDetached) = "attachment_detached",
        /// It is gone: its key is destroyed, its bytes are to be removed.
        Removed(AttachmentRemoved) = "attachment_removed",
    }
}

/// How large a picture is, as it is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// A small picture of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// What it is.
    pub media_type: ContentType,
    /// In bytes, before sealing.
    pub size: u64,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// What a file is. Found out by the server, but for its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentDetails {
    /// As its uploader called it, made harmless; none where nothing of it was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FileName>,
    /// By its bytes.
    pub media_type: ContentType,
    /// In bytes, before sealing.
    pub size: u64,
    /// Of a picture that could be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
    /// Of such a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Thumbnail>,
}

/// See [`AttachmentEvent::Uploaded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentUploaded {
    /// Whose it is.
    pub uploader: UserId,
    /// When.
    pub at: Timestamp,
    /// The file's own key; its bytes are stored under its number, too.
    pub key: KeyId,
    /// The uploader's own key, without which nothing of it is readable either.
    pub author_key: KeyId,
    /// What it is.
    #[serde(skip)]
    pub details: Personal<AttachmentDetails>,
}

impl AttachmentUploaded {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: Some(self.author_key) }
    }
}

/// Which attempt at sending a message: the same when it is tried again under its idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sending(Uuid);

impl From<[u8; 16]> for Sending {
    fn from(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

/// See [`AttachmentEvent::Attached`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentAttached {
    /// Where the message goes.
    pub conversation: ConversationId,
    /// Which sending.
    pub sending: Sending,
    /// When.
    pub at: Timestamp,
}

/// See [`AttachmentEvent::Detached`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentDetached {
    /// Which sending.
    pub sending: Sending,
    /// When.
    pub at: Timestamp,
}

/// See [`AttachmentEvent::Removed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRemoved {
    /// The key to destroy.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
}

/// A file as the events of its message name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRef {
    /// Which.
    pub id: AttachmentId,
    /// Its own key.
    pub key: KeyId,
}
