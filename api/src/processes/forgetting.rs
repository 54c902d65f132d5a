//! Makes erasures complete: destroys the keys of deleted messages, removed attachments and closed accounts, removes what was
//! attached, and lets closed accounts leave their groups.
//!
//! The command that erases destroys the key itself before it is answered; this process is for what a crash cut off and for
//! a key store that was restored from before the erasure. How far it has come is kept with the keys, so an older key store
//! has its erasures made again, and the server answers nothing before they are.
//!
//! What is held keeps its keys, and waits ([`super::Erasing`]). What a receipt says is destroyed is destroyed again, whatever
//! is held now.

use std::{sync::Arc, time::Duration};

use tidings_commands::{Commands, Context, Error, Refusal};
use tidings_domain::{
    AttachmentId, Event, KeyId, StreamId, UserId,
    attachment::{AttachmentEvent, AttachmentRemoved},
    conversation::ConversationRefusal,
    hold::{HoldEvent, Holds},
    message::{MessageDeleted, MessageErased, MessageEvent},
    schedule::{ScheduleEvent, ScheduledMessageCancelled, ScheduledMessageSent},
    user::{UserErased, UserEvent},
};
use tidings_event_store::{Codec, EventStore, Filter, Keyring, Position, RecordedEvent};
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
    asked: watch::Sender<Asked>,
    kept: Position,
}

/// What whoever completes erasures is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Up to here something was to be erased, or held no more.
    pub to: Position,
    /// How often something was released that was held.
    pub releases: u64,
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
        let asked = watch::channel(Asked::default()).0;
        Ok(Self { store, codec, commands, views, done: watch::channel(kept).0, asked, kept })
    }

    /// Tells how far everything erased is forgotten.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.done.subscribe()
    }

    /// Tells what is to be erased: what waited before this, whoever asks finds in the views.
    pub fn watch_asked(&self) -> watch::Receiver<Asked> {
        self.asked.subscribe()
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
        if !erasing.is_empty() {
            self.erase(&erasing).await?;
        }
        let to = page.scanned_to;
        if !erasing.is_empty() || to.get() >= self.kept.get() + PERSIST_EVERY {
            self.keyring().set_erased_to(to).await?;
            self.kept = to;
        }
        self.done.send_replace(to);
        Ok(())
    }

    async fn erase(&self, erasing: &[&Arc<RecordedEvent>]) -> Result<(), ForgettingError> {
        // as of now, which is after all of these
        let holds = self.commands.holds().await?;
        let (mut keys, mut files, mut asked) = (Vec::new(), Vec::new(), *self.asked.borrow());
        let before = asked;
        for recorded in erasing {
            match (self.codec.open::<Event>(recorded, |_| false).await, recorded.stream.id()) {
                (Ok(Event::Message(MessageEvent::Deleted(event))), Ok(StreamId::Message(id))) => {
                    asked.to = recorded.position;
                    let MessageDeleted { by, key, attachments, .. } = event;
                    let sender = match by {
                        Some(sender) => sender,
                        None => self.commands.remains(id).await?.sender,
                    };
                    if !holds.covers(id.conversation, sender) {
                        keys.push(key);
                        files.extend(attachments.into_iter().map(|file| file.id));
                    }
                }
                (Ok(Event::Message(MessageEvent::Erased(MessageErased { key, attachments, .. }))), _) => {
                    keys.push(key);
                    keys.extend(attachments.into_iter().map(|file| file.key));
                }
                (
                    Ok(
                        Event::Attachment(AttachmentEvent::Removed(AttachmentRemoved { key, .. }))
                        | Event::Schedule(
                            ScheduleEvent::Cancelled(ScheduledMessageCancelled { key, .. })
                            | ScheduleEvent::Sent(ScheduledMessageSent { key, .. }),
                        )
                        | Event::User(UserEvent::Erased(UserErased { key, .. })),
                    ),
                    _,
                ) => keys.push(key),
                (Ok(Event::User(UserEvent::Closed(event))), Ok(StreamId::User(user))) => {
                    asked.to = recorded.position;
                    self.close(user, event.key, &holds, recorded.position).await?;
                }
                (Ok(Event::Hold(HoldEvent::Released(_))), _) => {
                    (asked.to, asked.releases) = (recorded.position, asked.releases + 1);
                }
                (Ok(_), _) => {}
                (Err(error), _) => {
                    tracing::error!(%error, position = %recorded.position, "an erasure cannot be read");
                }
            }
        }
        self.keyring().destroy(&keys).await?;
        self.remove(files).await?;
        if asked != before {
            self.asked.send_replace(asked);
        }
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

    async fn close(&self, user: UserId, key: KeyId, holds: &Holds, position: Position) -> Result<(), ForgettingError> {
        if holds.is_empty() {
            self.keyring().destroy(&[key]).await?;
        }
        self.views.wait_for(position, VIEWS_WITHIN).await?;
        let memberships = self.views.queries().memberships(user).await?;
        if !holds.covers_person(user, memberships.iter().map(|membership| membership.conversation)) {
            self.keyring().destroy(&[key]).await?;
        }
        let context = Context { actor: Some(user), now: clock::now(), ..Context::default() };
        self.commands.cancel_all_scheduled(user, &context).await?;
        for membership in memberships {
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
pub(crate) const ERASING_CATEGORIES: [&str; 5] = ["user", "message", "schedule", "attachment", "hold"];

/// The stored names of what erases, of its receipts, and of what forbids it for a time.
const ERASING: [&str; 9] = [
    "message_deleted",
    "message_erased",
    "user_closed",
    "user_erased",
    "scheduled_message_cancelled",
    "scheduled_message_sent",
    "attachment_removed",
    "hold_placed",
    "hold_released",
];

/// By the stored name, for most events need no opening.
pub(crate) fn is_erasing(name: &str) -> bool {
    erasing_name(name).is_some()
}

/// The stored name, where it is one of what erases.
pub(crate) fn erasing_name(name: &str) -> Option<&'static str> {
    ERASING.into_iter().find(|known| *known == name)
}
