//! What can have happened to a webhook.

use serde::{Deserialize, Serialize};

use crate::{
    ConversationId, KeyId, Personal, SealKeys, Timestamp, UserId,
    event::events,
    values::{WebhookSecret, WebhookTopic, WebhookUrl},
};

use super::Target;

events! {
    /// Of the stream `webhook-{id}`.
    pub enum WebhookEvent {
        /// Somebody wants to be told.
        Created(WebhookCreated) = "webhook_created" seals target,
        /// It goes elsewhere, or tells of something else.
        Changed(WebhookChanged) = "webhook_changed" seals url,
        /// Another secret signs; the one before does so beside it for a while.
        SecretRotated(WebhookSecretRotated) = "webhook_secret_rotated" seals secret,
        /// Nothing is delivered any more.
        Paused(WebhookPaused) = "webhook_paused",
        /// It goes on from where it was.
        Resumed(WebhookResumed) = "webhook_resumed",
        /// It goes on from elsewhere.
        Moved(WebhookMoved) = "webhook_moved",
        /// Everything up to a position is delivered, or was not for it.
        Delivered(WebhookDelivered) = "webhook_delivered",
        /// Deliveries have failed for a while.
        Failing(WebhookFailing) = "webhook_failing",
        /// It is gone.
        Deleted(WebhookDeleted) = "webhook_deleted",
    }
}

/// See [`WebhookEvent::Created`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookCreated {
    /// Whose. It is told what they may see.
    pub owner: UserId,
    /// The key of that person's data.
    pub key: KeyId,
    /// Told of what happens after this position.
    pub from: u64,
    /// Told of these; never empty.
    pub topics: Vec<WebhookTopic>,
    /// Told of this conversation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// When.
    pub at: Timestamp,
    /// Where to, and signed by what.
    #[serde(skip)]
    pub target: Personal<Target>,
}

impl WebhookCreated {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

/// See [`WebhookEvent::Changed`]. Everything as it is from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookChanged {
    /// The key of the owner's data.
    pub key: KeyId,
    /// Told of these.
    pub topics: Vec<WebhookTopic>,
    /// Told of this conversation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// When.
    pub at: Timestamp,
    /// Where to.
    #[serde(skip)]
    pub url: Personal<WebhookUrl>,
}

impl WebhookChanged {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

/// See [`WebhookEvent::SecretRotated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecretRotated {
    /// The key of the owner's data.
    pub key: KeyId,
    /// Until when the secret before it signs too.
    pub until: Timestamp,
    /// When.
    pub at: Timestamp,
    /// The new one.
    #[serde(skip)]
    pub secret: Personal<WebhookSecret>,
}

impl WebhookSecretRotated {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

/// Why nothing is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PausedBecause {
    /// Its owner said so.
    Owner,
    /// The receiver answered 410.
    Gone,
    /// Deliveries failed for too long.
    Failing,
}

impl PausedBecause {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Gone, Self::Failing];

    /// As it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// See [`WebhookEvent::Paused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookPaused {
    /// Why.
    pub because: PausedBecause,
    /// When.
    pub at: Timestamp,
}

/// See [`WebhookEvent::Resumed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookResumed {
    /// When.
    pub at: Timestamp,
}

/// See [`WebhookEvent::Moved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookMoved {
    /// What comes after this position is delivered, again if need be.
    pub to: u64,
    /// When.
    pub at: Timestamp,
}

/// One event that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it stands in the log.
    pub position: u64,
    /// What it told of.
    pub topic: WebhookTopic,
    /// The receiver's answer.
    pub status: u16,
    /// How often it was tried.
    pub attempts: u32,
    /// When.
    pub at: Timestamp,
}

/// See [`WebhookEvent::Delivered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivered {
    /// All up to here.
    pub up_to: u64,
    /// The last few of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<Delivery>,
    /// When.
    pub at: Timestamp,
}

/// See [`WebhookEvent::Failing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookFailing {
    /// What cannot be delivered.
    pub position: u64,
    /// Since when.
    pub since: Timestamp,
    /// The receiver's last answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, in a few words; nothing of the answer's body.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// See [`WebhookEvent::Deleted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDeleted {
    /// When.
    pub at: Timestamp,
}
