//! The JSON form of a webhook.

use serde::Serialize;
use tidings_domain::{ConversationId, Timestamp, WebhookId, values::WebhookTopic, webhook::Delivery};
use tidings_projections::model;
use utoipa::ToSchema;

use super::shapes::{shown, shown_option};

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookBody {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    id: WebhookId,
    /// Where to; `null` when it cannot be read any more.
    url: Option<String>,
    /// What it tells of.
    events: Vec<&'static str>,
    /// Of which conversation; `null` is all.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation: Option<ConversationId>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    modified_at: Timestamp,
    /// Why nothing is delivered: `null` when it is.
    paused: Option<PausedBody>,
    /// What goes wrong: `null` when nothing does.
    failing: Option<FailingBody>,
    /// Everything up to this position is delivered, or was not for it. Noted every few seconds.
    delivered_up_to: u64,
    /// Until then the secret before the present one signs too.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_secret_until: Option<Timestamp>,
    /// Some of the last deliveries, the newest first.
    deliveries: Vec<DeliveryBody>,
    /// What signs. Shown once: when the webhook is made, and when the secret is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
}

/// Why nothing is delivered.
#[derive(Debug, Serialize, ToSchema)]
struct PausedBody {
    /// `owner`, `gone` (the receiver answered 410) or `failing` (for three days).
    because: &'static str,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// What goes wrong.
#[derive(Debug, Serialize, ToSchema)]
struct FailingBody {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The receiver's answer, if there was one.
    status: Option<u16>,
    reason: String,
}

/// One event that was delivered.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryBody {
    position: u64,
    event: &'static str,
    /// The receiver's answer.
    status: u16,
    /// How often it was tried.
    attempts: u32,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        let Delivery { position, topic, status, attempts, at } = delivery;
        Self { position, event: topic.as_str(), status, attempts, at }
    }
}

impl From<model::Webhook> for WebhookBody {
    fn from(webhook: model::Webhook) -> Self {
        let failing = webhook.failing.map(|model::WebhookFailure { since, status, reason }| FailingBody {
            since,
            status,
            reason,
        });
        Self {
            id: webhook.id,
            url: webhook.url,
            events: webhook.topics.into_iter().map(WebhookTopic::as_str).collect(),
            conversation: webhook.conversation,
            created_at: webhook.created_at,
            modified_at: webhook.modified_at,
            paused: webhook.paused.map(|(because, at)| PausedBody { because: because.as_str(), at }),
            failing,
            delivered_up_to: webhook.delivered_up_to.get(),
            previous_secret_until: webhook.overlap_until,
            deliveries: webhook.recent.into_iter().map(Into::into).collect(),
            secret: None,
        }
    }
}
