//! The caller's webhooks.

use std::collections::BTreeSet;

use serde::Deserialize;
use tidings_commands::webhooks::{ChangedWebhook, NewWebhook, WebhookChange};
use tidings_domain::{
    ConversationId, UserId, WebhookId,
    user::Change,
    values::{WebhookSecret, WebhookTopic, WebhookUrl},
};
use tidings_event_store::Position;
use tidings_projections::Queries;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{shapes::List, webhook_body::WebhookBody};
use crate::{
    app::{Acting, App, Reading},
    extract::{Body, Checked, Path, change, present},
    json::Json,
    problem::{Checks, Kind, Problem},
    reply::Reply,
    webhooks::MOST_WEBHOOKS,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create_webhook, list_webhooks)).routes(routes!(
        show_webhook,
        change_webhook,
        delete_webhook
    ))
}

/// A webhook to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhookRequest {
    /// Where to: `https`, and an address of the public internet, unless the server is configured otherwise.
    #[schema(format = "uri", max_length = 2048)]
    url: String,
    /// What to tell of; everything when left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false, min_items = 1)]
    events: Option<Vec<String>>,
    /// Of which conversation; all when left out.
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation: Option<ConversationId>,
}

impl Checked for NewWebhookRequest {
    type Valid = (WebhookUrl, Vec<WebhookTopic>, Option<ConversationId>);

    fn check(self, checks: &mut Checks) -> Option<Self::Valid> {
        let url = checks.take("/url", WebhookUrl::parse(&self.url));
        let topics = match self.events {
            Some(events) => topics(&events, checks),
            None => Some(WebhookTopic::ALL.to_vec()),
        };
        Some((url?, topics?, self.conversation))
    }
}

/// Each once, in a fixed order.
fn topics(events: &[String], checks: &mut Checks) -> Option<Vec<WebhookTopic>> {
    let mut found = Some(BTreeSet::new());
    for (nth, event) in events.iter().enumerate().take(100) {
        match checks.take(format!("/events/{nth}"), WebhookTopic::parse(event)) {
            Some(topic) => found.iter_mut().for_each(|found| {
                found.insert(topic);
            }),
            None => found = None,
        }
    }
    if events.is_empty() {
        checks.note("/events", "must name at least one event");
        return None;
    }
    found.map(|found| found.into_iter().collect())
}

/// What to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookChangeRequest {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, format = "uri", max_length = 2048)]
    url: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false, min_items = 1)]
    events: Option<Vec<String>>,
    /// `null` is all.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation: Change<ConversationId>,
    /// `true` stops deliveries, `false` goes on with them.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    paused: Option<bool>,
    /// Deliver what comes after this position, again if need be; 0 is everything.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = u64, required = false, maximum = 9_223_372_036_854_775_807_u64)]
    from: Option<u64>,
    /// `true` makes another secret; the present one signs beside it for a day.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    rotate_secret: Option<bool>,
}

impl Checked for WebhookChangeRequest {
    type Valid = WebhookChange;

    fn check(self, checks: &mut Checks) -> Option<WebhookChange> {
        let url = self.url.map(|url| checks.take("/url", WebhookUrl::parse(&url)));
        let topics = self.events.map(|events| topics(&events, checks));
        if self.from.is_some_and(|from| i64::try_from(from).is_err()) {
            checks.note("/from", "must be a position in the log");
            return None;
        }
        Some(WebhookChange {
            url: url.map_or(Some(None), |url| url.map(Some))?,
            topics: topics.map_or(Some(None), |topics| topics.map(Some))?,
            conversation: match self.conversation {
                Change::Keep => None,
                Change::Clear => Some(None),
                Change::Set(conversation) => Some(Some(conversation)),
            },
            rotate_secret: self.rotate_secret.unwrap_or(false),
            from: self.from.map(Position::new),
            paused: self.paused,
        })
    }
}

/// What the values alone do not say: whether the server goes there, and whether the caller ever was in the conversation.
async fn judge(
    acting: &Acting,
    views: &dyn Queries,
    url: Option<&WebhookUrl>,
    conversation: Option<ConversationId>,
) -> Result<(), Problem> {
    if let Some(url) = url {
        acting.app.webhooks.admits(url).map_err(|wrong| Problem::invalid("/url", wrong))?;
    }
    if let Some(conversation) = conversation
        && views.membership(acting.user(), conversation).await?.is_none()
    {
        return Err(Kind::NoSuchConversation.into());
    }
    Ok(())
}

async fn found(views: &dyn Queries, owner: UserId, id: WebhookId) -> Result<WebhookBody, Problem> {
    let theirs = views.webhooks(owner).await?;
    theirs.into_iter().find(|webhook| webhook.id == id).map(Into::into).ok_or_else(|| Kind::NoSuchWebhook.into())
}

/// A webhook with its secret, where that is new.
async fn with_secret(acting: &Acting, changed: ChangedWebhook) -> Result<WebhookBody, Problem> {
    let mut body = found(acting.reading().await?, acting.user(), changed.webhook).await?;
    body.secret = changed.secret.as_ref().map(WebhookSecret::as_str).map(str::to_owned);
    Ok(body)
}

/// Make a webhook
///
/// What happens from now on, as the caller may see it live, is posted to an address: `{type, timestamp, position, data}`, with
/// `data` as in the live stream. Signed after the Standard Webhooks specification: `webhook-id`, which is the same however
/// often an event is delivered, `webhook-timestamp` and `webhook-signature`. In order, each event at least once: what is
/// answered by anything but 2xx is tried again, after a second, then after twice as long up to an hour, or as `Retry-After`
/// says. Redirects are not followed. 410 pauses the webhook, as do three days without success; its owner is told by the live
/// event `webhook`.
#[utoipa::path(post, path = "/v1/webhooks", tag = "Live", request_body = NewWebhookRequest, responses(
    (status = 201, description = "The webhook, with its secret", body = WebhookBody),
))]
async fn create_webhook(
    acting: Acting,
    Body((url, topics, conversation)): Body<NewWebhookRequest>,
) -> Result<Reply<WebhookBody>, Problem> {
    let views = acting.reading().await?;
    judge(&acting, views, Some(&url), conversation).await?;
    if views.webhooks(acting.user()).await?.len() >= MOST_WEBHOOKS {
        return Err(Kind::TooManyWebhooks.into());
    }
    let from = acting.app.commands.head().await?;
    let new = NewWebhook { url, topics, conversation, from };
    let outcome = acting.app.commands.create_webhook(acting.user(), new, &acting.context).await?;
    let outcome = acting.done(outcome);
    let location = format!("/v1/webhooks/{}", outcome.value.webhook);
    let body = with_secret(&acting, outcome.value.clone()).await?;
    Ok(Reply::created(&outcome, location, body))
}

/// The caller's webhooks
#[utoipa::path(get, path = "/v1/webhooks", tag = "Live", responses(
    (status = 200, description = "All of them, the oldest first", body = List<WebhookBody>),
))]
async fn list_webhooks(reading: Reading) -> Result<Json<List<WebhookBody>>, Problem> {
    let theirs = reading.views().webhooks(reading.user()).await?;
    Ok(Json(List { items: theirs.into_iter().map(Into::into).collect(), next: None }))
}

/// A webhook
#[utoipa::path(get, path = "/v1/webhooks/{webhook}", tag = "Live",
    params(("webhook" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "How it is, and how its deliveries go", body = WebhookBody)),
)]
async fn show_webhook(reading: Reading, Path((id,)): Path<(WebhookId,)>) -> Result<Json<WebhookBody>, Problem> {
    found(reading.views(), reading.user(), id).await.map(Json)
}

/// Change a webhook
///
/// Also stops it and lets it go on, delivers again from a position, and makes another secret.
#[utoipa::path(patch, path = "/v1/webhooks/{webhook}", tag = "Live", request_body = WebhookChangeRequest,
    params(("webhook" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "The webhook now, with its secret where that is new", body = WebhookBody)),
)]
async fn change_webhook(
    acting: Acting,
    Path((id,)): Path<(WebhookId,)>,
    Body(change): Body<WebhookChangeRequest>,
) -> Result<Reply<WebhookBody>, Problem> {
    let views = acting.reading().await?;
    found(views, acting.user(), id).await?;
    judge(&acting, views, change.url.as_ref(), change.conversation.flatten()).await?;
    if change.from.is_some_and(|from| from > acting.app.commands.seen_head())
        && change.from > Some(acting.app.commands.head().await?)
    {
        return Err(Problem::invalid("/from", "must not be beyond the end of the log"));
    }
    let outcome = acting.app.commands.change_webhook(id, acting.user(), change, &acting.context).await?;
    let outcome = acting.done(outcome);
    let body = with_secret(&acting, outcome.value.clone()).await?;
    Ok(Reply::ok(&outcome, body))
}

/// Delete a webhook
#[utoipa::path(delete, path = "/v1/webhooks/{webhook}", tag = "Live",
    params(("webhook" = String, Path, format = "uuid", description = "Which")),
    responses((status = 204, description = "It is gone")),
)]
async fn delete_webhook(acting: Acting, Path((id,)): Path<(WebhookId,)>) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.delete_webhook(id, acting.user(), &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}
