//! Webhooks: made, changed and removed by their owners; their deliveries noted by whoever delivers.

use tidings_domain::{
    ConversationId, StreamId, UserId, WebhookId,
    user::UserRefusal,
    values::{WebhookSecret, WebhookTopic, WebhookUrl},
    webhook::{Delivery, PausedBecause, Settings, Target, Webhook, WebhookCommand, WebhookEvent, WebhookFailing},
};
use tidings_event_store::Position;
use zeroize::Zeroizing;

use crate::{Commands, Context, Error, Outcome};

/// A webhook to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where to.
    pub url: WebhookUrl,
    /// What it tells of.
    pub topics: Vec<WebhookTopic>,
    /// Of which conversation; all when none.
    pub conversation: Option<ConversationId>,
    /// Of what happens after this.
    pub from: Position,
}

/// What to change of a webhook; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Where to.
    pub url: Option<WebhookUrl>,
    /// What it tells of.
    pub topics: Option<Vec<WebhookTopic>>,
    /// Of which conversation; all when none.
    pub conversation: Option<Option<ConversationId>>,
    /// Another secret.
    pub rotate_secret: bool,
    /// Go on after this, again if need be.
    pub from: Option<Position>,
    /// Stop or go on.
    pub paused: Option<bool>,
}

/// A webhook that was made or changed, and its secret where that is new: it is shown this once.
#[derive(Debug, Clone)]
pub struct ChangedWebhook {
    /// Which.
    pub webhook: WebhookId,
    /// What signs from now on, if it did not before.
    pub secret: Option<WebhookSecret>,
}

fn fresh_secret() -> Result<WebhookSecret, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(WebhookSecret::from_bytes(&bytes))
}

impl Commands {
    /// Makes a webhook. That its owner may have one more was checked before.
    pub async fn create_webhook(
        &self,
        owner: UserId,
        new: NewWebhook,
        context: &Context,
    ) -> Result<Outcome<ChangedWebhook>, Error> {
        let webhook = WebhookId::new(context.new_id("webhook"));
        let key = self.account(owner).await?.filter(|account| !account.closed).ok_or(UserRefusal::NoSuchUser)?.key;
        let command = WebhookCommand::Create {
            owner,
            key,
            from: new.from.get(),
            settings: Settings { topics: new.topics, conversation: new.conversation },
            target: Target { url: new.url, secret: fresh_secret()? },
            at: context.now,
        };
        self.do_with_webhook(webhook, &command, context).await
    }

    /// Changes a webhook of this user; somebody else's is not there.
    pub async fn change_webhook(
        &self,
        webhook: WebhookId,
        by: UserId,
        change: WebhookChange,
        context: &Context,
    ) -> Result<Outcome<ChangedWebhook>, Error> {
        let command = WebhookCommand::Change {
            by,
            url: change.url,
            topics: change.topics,
            conversation: change.conversation,
            secret: if change.rotate_secret { Some(fresh_secret()?) } else { None },
            from: change.from.map(Position::get),
            paused: change.paused,
            at: context.now,
        };
        self.do_with_webhook(webhook, &command, context).await
    }

    /// Removes a webhook of this user.
    pub async fn delete_webhook(
        &self,
        webhook: WebhookId,
        by: UserId,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let command = WebhookCommand::Delete { by, at: context.now };
        Ok(self.do_with_webhook(webhook, &command, context).await?.map(drop))
    }

    /// A webhook as it is now, whoever owns it; none for one that never was or is gone.
    pub async fn webhook(&self, webhook: WebhookId) -> Result<Option<Webhook>, Error> {
        let there = |state: &Option<Webhook>| state.as_ref().filter(|webhook| !webhook.deleted).cloned();
        self.0.webhooks.peek(StreamId::Webhook(webhook), there).await
    }

    /// Notes that everything up to a position is delivered, as of `moves` ([`Webhook::moves`]).
    pub async fn note_delivered(
        &self,
        webhook: WebhookId,
        moves: u32,
        up_to: Position,
        recent: Vec<Delivery>,
        context: &Context,
    ) -> Result<(), Error> {
        let command = WebhookCommand::NoteDelivered { moves, up_to: up_to.get(), recent, at: context.now };
        self.do_with_webhook(webhook, &command, context).await.map(drop)
    }

    /// Notes that deliveries fail.
    pub async fn note_failing(
        &self,
        webhook: WebhookId,
        failing: WebhookFailing,
        context: &Context,
    ) -> Result<(), Error> {
        self.do_with_webhook(webhook, &WebhookCommand::NoteFailing(failing), context).await.map(drop)
    }

    /// Gives a receiver up, until its owner says otherwise.
    pub async fn give_webhook_up(
        &self,
        webhook: WebhookId,
        because: PausedBecause,
        context: &Context,
    ) -> Result<(), Error> {
        let command = WebhookCommand::GiveUp { because, at: context.now };
        self.do_with_webhook(webhook, &command, context).await.map(drop)
    }

    async fn do_with_webhook(
        &self,
        webhook: WebhookId,
        command: &WebhookCommand,
        context: &Context,
    ) -> Result<Outcome<ChangedWebhook>, Error> {
        let outcome = self.0.webhooks.execute(StreamId::Webhook(webhook), command, context).await?;
        Ok(outcome.map(|events| ChangedWebhook {
            webhook,
            // from the events: under a key these may be those of the first time
            secret: events.iter().find_map(|(_, event)| secret_of(event)),
        }))
    }
}

fn secret_of(event: &WebhookEvent) -> Option<WebhookSecret> {
    match event {
        WebhookEvent::Created(event) => event.target.clear().map(|target| target.secret.clone()),
        WebhookEvent::SecretRotated(event) => event.secret.clear().cloned(),
        WebhookEvent::Changed(_)
        | WebhookEvent::Paused(_)
        | WebhookEvent::Resumed(_)
        | WebhookEvent::Moved(_)
        | WebhookEvent::Delivered(_)
        | WebhookEvent::Failing(_)
        | WebhookEvent::Deleted(_) => None,
    }
}
