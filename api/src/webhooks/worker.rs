//! Delivers for one webhook: in the order of the log, one after the other, from where it has come to.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::value::RawValue;
use tidings_commands::Context;
use tidings_domain::{
    Timestamp, WebhookId,
    values::WebhookTopic,
    webhook::{Delivery, Webhook, WebhookFailing},
};
use tidings_event_store::Position;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};

use super::{Delivering, DeliveryError, patience::Streak, sending::Failed};
use crate::{clock, live::Seen, routes::shown};

/// Events looked at in one go.
const PAGE: usize = 500;
/// How much is delivered at most before that is noted in the log, and after how long.
const NOTE_AFTER: u32 = 100;
const NOTE_WITHIN: Duration = Duration::from_secs(2);
/// Of the deliveries since the last note, so many are told of.
const TOLD_OF: usize = 10;
/// How long it waits when it cannot work at all.
const TROUBLE: Duration = Duration::from_secs(1);

/// What others tell a worker.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// There may be something new for it.
    pub(super) news: Notify,
    /// The webhook is not what it was.
    pub(super) changed: Notify,
    /// It is to note what it has and end.
    pub(super) stop: Notify,
}

/// What is posted.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    topic: &'a str,
    #[serde(serialize_with = "shown")]
    timestamp: Timestamp,
    position: u64,
    data: &'a RawValue,
}

/// A worker; it ends when nothing is left to deliver and everything is noted.
pub(super) struct Worker {
    pub(super) id: WebhookId,
    pub(super) shared: Arc<Delivering>,
    pub(super) signals: Arc<Signals>,
    /// All up to here is delivered, or was not for it. None: as the log says.
    pub(super) at: Option<Position>,
    progress: Progress,
    streak: Option<Streak>,
    /// Whether the log says that deliveries fail.
    failing: bool,
}

/// What was delivered and is not noted.
#[derive(Default)]
struct Progress {
    recent: Vec<Delivery>,
    count: u32,
    due: Option<Instant>,
}

/// How work on a stretch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// At the end of what there is.
    CaughtUp,
    /// Something is otherwise than it was: look again.
    Changed,
    /// Somebody wants it to end.
    Stopped,
}

impl Worker {
    pub(super) fn new(id: WebhookId, shared: Arc<Delivering>, signals: Arc<Signals>, at: Option<Position>) -> Self {
        Self { id, shared, signals, at, progress: Progress::default(), streak: None, failing: false }
    }

    /// Delivers until there is nothing left. How far it has come; none where the log must say.
    pub(super) async fn run(mut self) -> Option<Position> {
        let mut moves = None;
        loop {
            match self.work(&mut moves).await {
                Ok(true) => {}
                Ok(false) => return self.at,
                Err(error) => {
                    tracing::warn!(%error, webhook = %self.id, "deliveries wait");
                    tokio::select! {
                        () = sleep(TROUBLE) => {}
                        () = self.signals.stop.notified() => return None,
                    }
                }
            }
        }
    }

    /// A round: `false` when it was the last.
    async fn work(&mut self, moves: &mut Option<u32>) -> Result<bool, DeliveryError> {
        let Some(webhook) = self.shared.commands.webhook(self.id).await? else { return Ok(false) };
        if moves.is_some_and(|moves| moves != webhook.moves) {
            // what was done from before counts no more
            (self.at, self.progress, self.streak) = (None, Progress::default(), None);
        }
        *moves = Some(webhook.moves);
        if webhook.paused.is_some() || webhook.target.is_none() || !self.shared.may_see(webhook.owner).await? {
            // whoever lets it go on says so in the log, and it is begun anew
            self.note(&webhook).await?;
            self.at = None;
            return Ok(false);
        }
        let at = self.at.unwrap_or(Position::new(webhook.cursor));
        self.at = Some(at);
        self.streak = self.streak.or(webhook.failing_since.map(Streak::begin));
        self.failing = webhook.failing_since.is_some();
        match self.deliver_from(&webhook, at).await? {
            Ended::Changed => Ok(true),
            Ended::Stopped => {
                self.note(&webhook).await?;
                Ok(false)
            }
            Ended::CaughtUp => self.linger(&webhook).await,
        }
    }

    /// Waits for more until what was delivered has to be noted: then it is, and there is nothing left to stay for.
    async fn linger(&mut self, webhook: &Webhook) -> Result<bool, DeliveryError> {
        if let Some(due) = self.progress.due {
            let waited = tokio::select! {
                waited = timeout_at(due, self.signals.news.notified()) => waited.is_ok(),
                () = self.signals.changed.notified() => true,
                () = self.signals.stop.notified() => false,
            };
            if waited {
                return Ok(true);
            }
        }
        self.note(webhook).await?;
        Ok(false)
    }

    async fn deliver_from(&mut self, webhook: &Webhook, mut at: Position) -> Result<Ended, DeliveryError> {
        loop {
            let to = self.shared.reached();
            if at >= to {
                return Ok(Ended::CaughtUp);
            }
            let (seen, scanned_to) = {
                let _turn = self.shared.scanning.acquire().await;
                self.shared.live.seen(webhook.owner, at, to, PAGE).await?
            };
            for one in seen {
                if let Some(topic) = wanted(webhook, &one) {
                    match self.deliver(webhook, topic, &one).await? {
                        None => self.at = Some(one.position),
                        Some(ended) => return Ok(ended),
                    }
                    if self.progress.is_due() {
                        self.note(webhook).await?;
                    }
                }
            }
            at = scanned_to;
            self.at = Some(at);
        }
    }

    /// Delivers one event, however often that takes; what ended it before it got through.
    async fn deliver(
        &mut self,
        webhook: &Webhook,
        topic: WebhookTopic,
        seen: &Seen,
    ) -> Result<Option<Ended>, DeliveryError> {
        loop {
            let failed = {
                let _turn = self.shared.posting.acquire().await;
                // rendered for every attempt: what was deleted meanwhile is not told any more
                let Some(pushed) = self.shared.live.render(webhook.owner, seen).await? else { return Ok(None) };
                let data: &RawValue = serde_json::from_str(&pushed.data)?;
                let position = seen.position.get();
                let body = serde_json::to_vec(&Payload { topic: topic.as_str(), timestamp: seen.at, position, data })?;
                let id = format!("evt_{}_{position}", self.id.uuid().simple());
                self.shared.sender.post(webhook, &id, body).await
            };
            match failed {
                Ok(status) => {
                    self.delivered(webhook, topic, seen, status).await?;
                    return Ok(None);
                }
                Err(failed) => {
                    if let Some(ended) = self.failed(seen, &failed).await? {
                        return Ok(Some(ended));
                    }
                }
            }
        }
    }

    async fn delivered(
        &mut self,
        webhook: &Webhook,
        topic: WebhookTopic,
        seen: &Seen,
        status: u16,
    ) -> Result<(), DeliveryError> {
        metrics::counter!("tidings_webhook_deliveries_total", "outcome" => "delivered").increment(1);
        let attempts = self.streak.take().map_or(1, |streak| streak.attempts + 1);
        self.progress.add(Delivery { position: seen.position.get(), topic, status, attempts, at: clock::now() });
        self.at = Some(seen.position);
        if std::mem::take(&mut self.failing) {
            self.note(webhook).await?;
        }
        Ok(())
    }

    /// Waits before the next attempt, or gives the receiver up.
    async fn failed(&mut self, seen: &Seen, failed: &Failed) -> Result<Option<Ended>, DeliveryError> {
        metrics::counter!("tidings_webhook_deliveries_total", "outcome" => "failed").increment(1);
        let now = clock::now();
        let streak = self.streak.get_or_insert(Streak::begin(now));
        streak.attempts = streak.attempts.saturating_add(1);
        let streak = *streak;
        let context = Context { now, ..Context::default() };
        let gives_up = streak.gives_up(failed, now);
        if gives_up.is_some() || streak.is_worth_noting() {
            let failing = WebhookFailing {
                position: seen.position.get(),
                since: streak.since,
                status: failed.status,
                reason: failed.reason.clone(),
                at: now,
            };
            self.shared.commands.note_failing(self.id, failing, &context).await?;
            self.failing = true;
        }
        if let Some(because) = gives_up {
            self.shared.commands.give_webhook_up(self.id, because, &context).await?;
            return Ok(Some(Ended::Changed));
        }
        let mut luck = [0];
        if getrandom::fill(&mut luck).is_err() {
            // no chance, then: the longest wait
            luck = [0];
        }
        tokio::select! {
            () = sleep(streak.wait(failed, luck[0])) => Ok(None),
            () = self.signals.changed.notified() => Ok(Some(Ended::Changed)),
            () = self.signals.stop.notified() => Ok(Some(Ended::Stopped)),
        }
    }

    /// Notes in the log how far it has come, if it delivered anything since the last time.
    async fn note(&mut self, webhook: &Webhook) -> Result<(), DeliveryError> {
        let Some(at) = self.at.filter(|_| self.progress.due.is_some()) else { return Ok(()) };
        let Progress { recent, .. } = std::mem::take(&mut self.progress);
        let context = Context { now: clock::now(), ..Context::default() };
        self.shared.commands.note_delivered(self.id, webhook.moves, at, recent, &context).await?;
        Ok(())
    }
}

impl Progress {
    fn add(&mut self, delivery: Delivery) {
        if self.recent.len() == TOLD_OF {
            self.recent.remove(0);
        }
        self.recent.push(delivery);
        self.count += 1;
        self.due.get_or_insert_with(|| Instant::now() + NOTE_WITHIN);
    }

    fn is_due(&self) -> bool {
        self.count >= NOTE_AFTER || self.due.is_some_and(|due| due <= Instant::now())
    }
}

/// As what an event is told to this webhook, if it is.
fn wanted(webhook: &Webhook, seen: &Seen) -> Option<WebhookTopic> {
    let here = seen.conversation()?;
    let topic = WebhookTopic::parse(seen.event()).ok()?;
    let Webhook { settings, .. } = webhook;
    (settings.topics.contains(&topic) && settings.conversation.is_none_or(|only| only == here)).then_some(topic)
}
