//! Follows the log and wakes workers.

use std::{collections::HashMap, sync::Arc};

use tidings_commands::Context;
use tidings_domain::{Event, UserId, WebhookId};
use tidings_event_store::{Filter, Position};
use tokio::task::{Id, JoinError, JoinSet};

use super::{
    Delivering, DeliveryError,
    index::{Asks, Index},
    worker::{Signals, Worker},
};
use crate::clock;

/// Events looked at in one go.
const PAGE: usize = 1_000;
/// Webhooks loaded in one go.
const WEBHOOKS: usize = 500;
/// What may be for somebody, and what changes a webhook.
const ALL: [&str; 5] = ["conversation", "message", "reader", "user", "webhook"];
/// As long as there is none.
const NONE_YET: [&str; 1] = ["webhook"];
/// After so many events it is noted for idle webhooks, too, that none was for them: whoever takes over need not look at
/// all of them again.
const NOTE_IDLE_EVERY: u64 = 100_000;

/// A webhook, as whoever delivers knows it.
struct Entry {
    signals: Arc<Signals>,
    running: Option<Id>,
    /// All up to here is delivered, or was not for it; none where its own stream says it.
    at: Option<Position>,
    /// The last event that may be for it.
    news: Position,
    changed: bool,
}

/// See the module.
pub(super) struct Leading {
    shared: Arc<Delivering>,
    index: Index,
    entries: HashMap<WebhookId, Entry>,
    workers: JoinSet<(WebhookId, Option<Position>)>,
    position: Position,
    idle_noted: Position,
}

impl Leading {
    /// Begins with every webhook there is, from where its own stream says.
    pub(super) async fn begin(shared: Arc<Delivering>) -> Result<Self, DeliveryError> {
        // the views are at least so far: what comes after it is followed
        let position = shared.reached();
        let (index, entries, workers) = (Index::default(), HashMap::new(), JoinSet::new());
        let mut leading = Self { shared, index, entries, workers, position, idle_noted: position };
        let mut after = None;
        loop {
            let some = leading.shared.queries.all_webhooks(after, WEBHOOKS).await?;
            let Some((last, _)) = some.last() else { return Ok(leading) };
            after = Some(*last);
            for (webhook, owner) in some {
                leading.learn(webhook, owner).await?;
            }
        }
    }

    pub(super) fn has_any(&self) -> bool {
        !self.index.is_empty()
    }

    /// Notes a webhook and lets it look for itself.
    async fn learn(&mut self, webhook: WebhookId, owner: UserId) -> Result<(), DeliveryError> {
        if !self.index.knows(owner) {
            let memberships = self.shared.queries.memberships(owner).await?;
            self.index.joined(owner, memberships.into_iter().map(|membership| membership.conversation));
        }
        self.index.add(webhook, owner);
        self.changed(webhook);
        Ok(())
    }

    /// Follows the log up to a position that the views have reached.
    pub(super) async fn advance(&mut self, to: Position) -> Result<(), DeliveryError> {
        while self.position < to {
            let categories = if self.has_any() { ALL.to_vec() } else { NONE_YET.to_vec() };
            let page = self.shared.store.read_all(self.position, &Filter::Categories(categories), PAGE).await?;
            let had_any = self.has_any();
            for recorded in page.events.iter().take_while(|recorded| recorded.position <= to) {
                let Ok(stream) = recorded.stream.id() else { continue };
                let Ok(event) = self.shared.codec.open::<Event>(recorded, |_| false).await else { continue };
                match self.index.follow(&stream, &event) {
                    Asks::News(webhooks) => webhooks.into_iter().for_each(|id| self.news(id, recorded.position)),
                    Asks::ChangedAll(webhooks) => webhooks.into_iter().for_each(|id| self.changed(id)),
                    Asks::Changed(webhook) => {
                        // another node may have written it, and its word must not come late
                        self.shared.commands.observe(recorded);
                        match self.shared.commands.webhook(webhook).await? {
                            Some(state) => self.learn(webhook, state.owner).await?,
                            None => self.forget(webhook),
                        }
                    }
                    Asks::Nothing => {}
                }
                self.position = recorded.position;
                if self.has_any() != had_any {
                    // what was filtered out until now counts from here on
                    break;
                }
            }
            if self.has_any() == had_any {
                self.position = if page.scanned_to > self.position { page.scanned_to.min(to) } else { to };
            }
        }
        if self.position.get() >= self.idle_noted.get().saturating_add(NOTE_IDLE_EVERY) {
            self.note_idle();
        }
        Ok(())
    }

    fn news(&mut self, webhook: WebhookId, at: Position) {
        let Some(entry) = self.entries.get_mut(&webhook) else { return };
        entry.news = entry.news.max(at);
        if entry.running.is_some() {
            entry.signals.news.notify_one();
        } else {
            // nothing before it was for this one since it last ended
            let before = Position::new(at.get().saturating_sub(1));
            entry.at = entry.at.map(|at| at.max(before));
            self.start(webhook);
        }
    }

    fn changed(&mut self, webhook: WebhookId) {
        let entry = self.entries.entry(webhook).or_insert_with(|| Entry {
            signals: Arc::default(),
            running: None,
            at: None,
            news: Position::START,
            changed: false,
        });
        // a move or a pause counts from where its stream says
        if entry.running.is_some() {
            entry.changed = true;
            entry.signals.changed.notify_one();
        } else {
            entry.at = None;
            self.start(webhook);
        }
    }

    fn forget(&mut self, webhook: WebhookId) {
        self.index.remove(webhook);
        if let Some(entry) = self.entries.remove(&webhook) {
            entry.signals.changed.notify_one();
        }
    }

    fn start(&mut self, webhook: WebhookId) {
        let Some(entry) = self.entries.get_mut(&webhook) else { return };
        // what was signalled to an earlier worker is known already
        entry.signals = Arc::default();
        entry.changed = false;
        let worker = Worker::new(webhook, self.shared.clone(), entry.signals.clone(), entry.at);
        let running = self.workers.spawn(async move { (webhook, worker.run().await) });
        entry.running = Some(running.id());
    }

    /// Waits until a worker has ended, and lets it begin again if something came in between.
    pub(super) async fn worker_ended(&mut self) {
        match self.workers.join_next().await {
            Some(Ok((webhook, at))) => self.ended(webhook, at),
            Some(Err(error)) => self.broke(&error),
            None => std::future::pending().await,
        }
    }

    fn ended(&mut self, webhook: WebhookId, at: Option<Position>) {
        let Some(entry) = self.entries.get_mut(&webhook) else { return };
        (entry.running, entry.at) = (None, at);
        if entry.changed {
            entry.at = None;
            self.start(webhook);
        } else if at.is_some_and(|at| at < entry.news) {
            self.start(webhook);
        }
    }

    fn broke(&mut self, error: &JoinError) {
        tracing::error!(%error, "a webhook's deliveries broke off");
        if let Some(entry) = self.entries.values_mut().find(|entry| entry.running == Some(error.id())) {
            // the next thing that is for it begins from where its stream says
            (entry.running, entry.at) = (None, None);
        }
    }

    fn note_idle(&mut self) {
        self.idle_noted = self.position;
        let (shared, to) = (self.shared.clone(), self.position);
        let idle = self.entries.iter().filter(|(_, entry)| entry.running.is_none() && entry.at.is_some());
        let idle: Vec<WebhookId> = idle.map(|(id, _)| *id).collect();
        tokio::spawn(async move {
            let context = Context { now: clock::now(), ..Context::default() };
            for id in idle {
                let Ok(Some(webhook)) = shared.commands.webhook(id).await else { continue };
                if webhook.paused.is_none() && webhook.failing_since.is_none() {
                    let noted = shared.commands.note_delivered(id, webhook.moves, to, vec![], &context).await;
                    if let Err(error) = noted {
                        tracing::debug!(%error, "how far an idle webhook is was not noted");
                    }
                }
            }
        });
    }

    /// Ends all workers, once they have noted what they have.
    pub(super) async fn finish(mut self) {
        for entry in self.entries.values() {
            entry.signals.stop.notify_one();
        }
        while self.workers.join_next().await.is_some() {}
    }
}
