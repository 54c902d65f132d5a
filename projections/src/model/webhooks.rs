//! Webhooks.

use tidings_domain::{
    ConversationId, Timestamp, UserId, WebhookId,
    values::WebhookTopic,
    webhook::{Delivery, PausedBecause},
};
use tidings_event_store::Position;

use crate::fold::{
    directory::{WebhookRow, parse_paused, parse_recent, parse_topics},
    unsigned,
};

/// A webhook as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Which.
    pub id: WebhookId,
    /// Whose.
    pub owner: UserId,
    /// Where to; none when its owner's data cannot be read any more.
    pub url: Option<String>,
    /// What it tells of.
    pub topics: Vec<WebhookTopic>,
    /// Of which conversation; all when none.
    pub conversation: Option<ConversationId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub modified_at: Timestamp,
    /// Why nothing is delivered, and since when.
    pub paused: Option<(PausedBecause, Timestamp)>,
    /// All up to here is delivered, or was not for it. Noted now and then: it may be further.
    pub delivered_up_to: Position,
    /// What fails, if deliveries do.
    pub failing: Option<WebhookFailure>,
    /// Until then the secret before the present one signs too.
    pub overlap_until: Option<Timestamp>,
    /// The last deliveries, the newest first.
    pub recent: Vec<Delivery>,
}

/// Why deliveries fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookFailure {
    /// Since when.
    pub since: Timestamp,
    /// The receiver's answer, if there was one.
    pub status: Option<u16>,
    /// In a few words.
    pub reason: String,
}

impl Webhook {
    pub(crate) fn of((id, row): (WebhookId, WebhookRow)) -> Self {
        let at = Timestamp::from_millis;
        let status = row.failure_status.and_then(|status| u16::try_from(status).ok());
        Self {
            id,
            owner: row.owner,
            url: row.url,
            topics: parse_topics(&row.topics),
            conversation: row.conversation,
            created_at: at(row.created_at),
            modified_at: at(row.modified_at),
            paused: parse_paused(row.paused).zip(row.paused_at.map(at)),
            delivered_up_to: Position::new(unsigned(row.delivered)),
            failing: row.failing_since.map(at).map(|since| WebhookFailure {
                since,
                status,
                reason: row.failure.unwrap_or_default(),
            }),
            overlap_until: row.overlap_until.map(at),
            recent: parse_recent(&row.recent),
        }
    }
}
