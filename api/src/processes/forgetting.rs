//! Makes erasures complete: destroys the keys of deleted messages, removed attachments and closed accounts, removes what was
//! attached, and lets closed accounts leave their groups.
//!
//! The command that erases destroys the key itself before it is answered; this process is for what a crash cut off and for
//! a key store that was restored from before the erasure. How far it has come is kept with the keys, so an older key store
//! has its erasures made again, and the server answers nothing before they are.

use std::{sync::Arc, time::Duration};

use tidings_commands::{Commands, Context, Error, Refusal};
use tidings_domain::{
    AttachmentId, Event, KeyId, UserId,
    attachment::{AttachmentEvent, AttachmentRemoved},
    conversation::ConversationRefusal,
    message::{MessageDeleted, MessageEvent},
    schedule::{ScheduleEvent, ScheduledMessageCancelled, ScheduledMessageSent},
    user::UserEvent,
};
use tidings_event_store::{Codec, EventStore, Filter, Keyring, Position};
use tidings_projections::Views;
use tokio::sync::watch;

use crate::clock;

const PAGE: usize = 10_000;
/// How far the process may be ahead of what is kept of its place: going over events again costs little.
const PERSIST_EVERY: u64 = 50_000;
const RETRY_AFTER: Duration = Duration::from_secs(1);
const VIEWS_WITHIN: Duration = Duration::from_secs(30);

/// The process, before it runs.
pub struct Forgetting {
    store: Arc<dyn EventStore>,
    codec: Codec,
    commands: Commands,
    views: Arc<Views>,
    done: watch::Sender<Position>,
    kept: Position,
}

/// Why a step failed. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ForgettingError {
    /// The log or the key store.
    #[error(transparent)]
    Store(#[from] tidings_event_store::StoreError),
    /// The key store.
    #[error(transparent)]
    Keys(#[from] tidings_event_store::KeyError),
    /// A command.
    #[error(transparent)]
    Command(#[from] Error),
    /// The views.
    #[error(transparent)]
    Views(#[from] tidings_projections::QueryError),
    /// The views have not come so far yet.
    #[error(transparent)]
    Behind(#[from] tidings_projections::runner::NotYet),
}

impl Forgetting {
    /// The process at the place where it was left.
    pub async fn new(
        store: Arc<dyn EventStore>,
        codec: Codec,
        commands: Commands,
        views: Arc<Views>,
    ) -> Result<Self, ForgettingError> {
        let kept = codec.keyring().erased_to().await?;
        Ok(Self { store, codec, commands, views, done: watch::channel(kept).0, kept })
    }

    /// Tells how far everything erased is forgotten.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.done.subscribe()
    }

    fn keyring(&self) -> &Keyring {
        self.codec.keyring()
    }

    /// Comes to the present end of the log. To be awaited before anything is served.
    pub async fn catch_up(&mut self) -> Result<(), ForgettingError> {
        let head = self.store.head().await?;
        while *self.done.borrow() < head {
            self.step().await?;
        }
        Ok(())
    }

    /// Follows the log for ever.
    pub async fn run(mut self) {
        let mut head = self.store.watch_head();
        loop {
            let at = *self.done.borrow();
            if head.wait_for(|head| *head > at).await.is_err() {
                return;
            }
            if let Err(error) = self.step().await {
                tracing::error!(%error, "something erased is not forgotten yet; trying again");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }

    async fn step(&mut self) -> Result<(), ForgettingError> {
        let at = *self.done.borrow();
        let page = self.store.read_all(at, &Filter::Categories(ERASING_CATEGORIES.to_vec()), PAGE).await?;
        let erasing: Vec<_> = page.events.iter().filter(|event| is_erasing(&event.name)).collect();
        for recorded in &erasing {
            match self.codec.open::<Event>(recorded, |_| false).await {
                Ok(Event::Message(MessageEvent::Deleted(MessageDeleted { key, attachments, .. }))) => {
                    self.keyring().destroy(&[key]).await?;
                    self.remove(attachments.into_iter().map(|file| file.id).collect()).await?;
                }
                Ok(
                    Event::Attachment(AttachmentEvent::Removed(AttachmentRemoved { key, .. }))
                    | Event::Schedule(
                        ScheduleEvent::Cancelled(ScheduledMessageCancelled { key, .. })
                        | ScheduleEvent::Sent(ScheduledMessageSent { key, .. }),
                    ),
                ) => self.keyring().destroy(&[key]).await?,
                Ok(Event::User(UserEvent::Closed(event))) => {
                    let user = recorded.stream.id().ok();
                    if let Some(tidings_domain::StreamId::User(user)) = user {
                        self.close(user, event.key, recorded.position).await?;
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, position = %recorded.position, "an erasure cannot be read"),
            }
        }
        let to = page.scanned_to;
        if !erasing.is_empty() || to.get() >= self.kept.get() + PERSIST_EVERY {
            self.keyring().set_erased_to(to).await?;
            self.kept = to;
        }
        self.done.send_replace(to);
        Ok(())
    }

    /// Each of these files is removed with its key, unless it is already.
    async fn remove(&self, files: Vec<AttachmentId>) -> Result<(), ForgettingError> {
        let context = Context { now: clock::now(), ..Context::default() };
        for id in files {
            self.commands.remove_attachment(id, &context).await?;
        }
        Ok(())
    }

    async fn close(&self, user: UserId, key: KeyId, position: Position) -> Result<(), ForgettingError> {
        self.keyring().destroy(&[key]).await?;
        self.views.wait_for(position, VIEWS_WITHIN).await?;
        self.remove(self.views.queries().attachments_of(user).await?).await?;
        let context = Context { actor: Some(user), now: clock::now(), ..Context::default() };
        self.commands.cancel_all_scheduled(user, &context).await?;
        for membership in self.views.queries().memberships(user).await? {
            if membership.left_seq.is_some() {
                continue;
            }
            match self.commands.remove_member(membership.conversation, user, user, &context).await {
                // a direct conversation keeps its people
                Ok(_) | Err(Error::Refused(Refusal::Conversation(ConversationRefusal::DirectIsFixed))) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The categories of streams in which erasures are.
pub(crate) const ERASING_CATEGORIES: [&str; 4] = ["user", "message", "schedule", "attachment"];

/// The stored names of what erases.
const ERASING: [&str; 5] =
    ["message_deleted", "user_closed", "scheduled_message_cancelled", "scheduled_message_sent", "attachment_removed"];

/// By the stored name, for most events need no opening.
pub(crate) fn is_erasing(name: &str) -> bool {
    erasing_name(name).is_some()
}

/// The stored name, where it is one of what erases.
pub(crate) fn erasing_name(name: &str) -> Option<&'static str> {
    ERASING.into_iter().find(|known| *known == name)
}
