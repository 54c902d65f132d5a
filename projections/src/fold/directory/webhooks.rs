//! Webhooks: what their owners see of them.

use tidings_domain::{
    ConversationId, UserId, WebhookId,
    values::{WebhookTopic, WebhookUrl},
    webhook::{Delivery, PausedBecause, WebhookCreated, WebhookDelivered, WebhookEvent},
};

use super::{DirectoryFold, DirectoryTables};
use crate::fold::{Done, FoldError, signed};

/// Deliveries that are shown.
const RECENT: usize = 20;

/// A row of `webhooks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookRow {
    pub(crate) owner: UserId,
    pub(crate) url: Option<String>,
    /// Names with a space between.
    pub(crate) topics: String,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) created_at: i64,
    pub(crate) modified_at: i64,
    pub(crate) paused: Option<&'static str>,
    pub(crate) paused_at: Option<i64>,
    pub(crate) delivered: i64,
    pub(crate) failing_since: Option<i64>,
    pub(crate) failure_status: Option<i64>,
    pub(crate) failure: Option<String>,
    pub(crate) overlap_until: Option<i64>,
    /// JSON of [`Delivery`], the newest first.
    pub(crate) recent: String,
}

/// Topics as the column keeps them.
pub(crate) fn stored_topics(topics: &[WebhookTopic]) -> String {
    topics.iter().map(|topic| topic.as_str()).collect::<Vec<_>>().join(" ")
}

/// A column of topics.
pub(crate) fn parse_topics(stored: &str) -> Vec<WebhookTopic> {
    stored.split(' ').filter_map(|topic| WebhookTopic::parse(topic).ok()).collect()
}

/// A column of deliveries.
pub(crate) fn parse_recent(stored: &str) -> Vec<Delivery> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// A column of a reason, as it is written.
pub(crate) fn parse_paused(stored: Option<&str>) -> Option<PausedBecause> {
    PausedBecause::ALL.into_iter().find(|because| Some(because.as_str()) == stored)
}

impl WebhookRow {
    fn of(event: &WebhookCreated) -> Self {
        Self {
            owner: event.owner,
            url: event.target.clear().map(|target| target.url.as_str().to_owned()),
            topics: stored_topics(&event.topics),
            conversation: event.conversation,
            created_at: event.at.millis(),
            modified_at: event.at.millis(),
            paused: None,
            paused_at: None,
            delivered: signed(event.from),
            failing_since: None,
            failure_status: None,
            failure: None,
            overlap_until: None,
            recent: "[]".to_owned(),
        }
    }

    fn pause(&mut self, paused: Option<(PausedBecause, i64)>) {
        (self.paused, self.paused_at) = (paused.map(|(because, _)| because.as_str()), paused.map(|(_, at)| at));
    }

    fn works(&mut self) {
        (self.failing_since, self.failure_status, self.failure) = (None, None, None);
    }

    fn delivered(&mut self, event: &WebhookDelivered) -> Done {
        self.delivered = signed(event.up_to);
        self.works();
        if !event.recent.is_empty() {
            let mut recent: Vec<Delivery> = event.recent.iter().rev().cloned().collect();
            recent.extend(parse_recent(&self.recent));
            recent.truncate(RECENT);
            self.recent = serde_json::to_string(&recent).map_err(|error| FoldError::data(error.to_string()))?;
        }
        Ok(())
    }
}

impl DirectoryFold {
    pub(super) async fn load_webhooks<T: DirectoryTables>(&mut self, tables: &mut T, ids: &[WebhookId]) -> Done {
        if !ids.is_empty() {
            for (id, row) in tables.webhooks(ids).await? {
                self.webhooks.loaded(id, Some(row));
            }
            for id in ids {
                self.webhooks.loaded(*id, None);
            }
        }
        Ok(())
    }

    pub(super) async fn webhook<T: DirectoryTables>(
        &mut self,
        tables: &mut T,
        id: WebhookId,
        event: &WebhookEvent,
    ) -> Done {
        if !self.webhooks.contains(id) {
            self.load_webhooks(tables, &[id]).await?;
        }
        if let WebhookEvent::Created(event) = event {
            return self.webhook_created(tables, id, event).await;
        }
        // after the account was closed it is gone from here, whatever is still noted about it
        let Some(row) = self.webhooks.change(id).and_then(Option::as_mut) else { return Ok(()) };
        match event {
            WebhookEvent::Created(_) => {}
            WebhookEvent::Changed(event) => {
                row.url = event.url.clear().map(WebhookUrl::as_str).map(str::to_owned);
                row.topics = stored_topics(&event.topics);
                (row.conversation, row.modified_at) = (event.conversation, event.at.millis());
                self.erased = true;
            }
            WebhookEvent::SecretRotated(event) => {
                (row.overlap_until, row.modified_at) = (Some(event.until.millis()), event.at.millis());
            }
            WebhookEvent::Paused(event) => row.pause(Some((event.because, event.at.millis()))),
            WebhookEvent::Resumed(_) => {
                row.pause(None);
                row.works();
            }
            WebhookEvent::Moved(event) => row.delivered = signed(event.to),
            WebhookEvent::Delivered(event) => row.delivered(event)?,
            WebhookEvent::Failing(event) => {
                row.failing_since = Some(event.since.millis());
                (row.failure_status, row.failure) = (event.status.map(i64::from), Some(event.reason.clone()));
            }
            WebhookEvent::Deleted(_) => {
                self.webhooks.put(id, None);
                self.erased = true;
            }
        }
        Ok(())
    }

    /// One made while its owner closed the account is not shown.
    async fn webhook_created<T: DirectoryTables>(
        &mut self,
        tables: &mut T,
        id: WebhookId,
        event: &WebhookCreated,
    ) -> Done {
        if !self.users.contains(event.owner) {
            self.load_users(tables, &[event.owner]).await?;
        }
        let closed = self.users.get(event.owner).and_then(Option::as_ref).is_none_or(|user| user.closed_at.is_some());
        if !closed {
            self.webhooks.put(id, Some(WebhookRow::of(event)));
        }
        Ok(())
    }

    /// All of a user are gone.
    pub(super) async fn end_webhooks<T: DirectoryTables>(&mut self, tables: &mut T, owner: UserId) -> Done {
        for (id, row) in tables.webhooks_of(owner).await? {
            self.webhooks.loaded(id, Some(row));
        }
        let theirs = self.webhooks.iter().filter(|(_, row)| row.as_ref().is_some_and(|row| row.owner == owner));
        let theirs: Vec<WebhookId> = theirs.map(|(id, _)| id).collect();
        for id in theirs {
            self.webhooks.put(id, None);
        }
        Ok(())
    }
}
