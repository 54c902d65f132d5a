//! The write side of Tidings: load, decide, append.
//!
//! [`Commands`] has one module for each subject ([`users`], [`sessions`], [`factor`], [`devices`], [`conversations`],
//! [`messages`], [`attachments`], [`reading`], [`contacts`], [`accesses`]).
//! Each method gathers what its decider must know, hands the command to the [`executor`], and says what came of it as an
//! [`Outcome`]. Nothing here knows a view: names are resolved through the claims on them, membership through the
//! conversation's own state.
//!
//! A method given a [`Context`] with a key is idempotent for ever: the same key again finds the events of the first time
//! and answers from them, with [`Outcome::replayed`] set.

pub mod accesses;
pub mod attachments;
mod attempts;
mod blinding;
mod claims;
pub mod contacts;
mod context;
pub mod conversations;
pub mod devices;
pub mod erasing;
mod error;
pub mod executor;
pub mod factor;
mod hashing;
pub mod history;
pub mod holds;
mod mentions;
pub mod messages;
pub mod reading;
pub mod requests;
pub mod schedules;
pub mod sessions;
pub mod users;
pub mod webhooks;

use std::sync::Arc;

use tidings_domain::{
    KeyId, StreamId,
    access::AccessDecider,
    attachment::AttachmentDecider,
    attempts::AttemptsDecider,
    contact::ContactDecider,
    conversation::{ConversationDecider, ConversationState},
    devices::{Devices, DevicesDecider},
    factor::FactorDecider,
    hold::HoldDecider,
    login::LoginDecider,
    message::MessageDecider,
    reader::ReaderDecider,
    request::RequestDecider,
    schedule::ScheduleDecider,
    session::SessionDecider,
    user::UserDecider,
    webhook::WebhookDecider,
};
use tidings_event_store::{Codec, EventStore, InstallationSecret, RecordedEvent};

use attempts::Guard;
use blinding::Blinding;
use claims::Turns;
pub use context::{Context, Outcome};
pub use error::{Error, Refusal};
use executor::{Executor, Shared};
use hashing::PasswordHasher;

/// Everything that can be asked of the installation. Cheap to clone.
#[derive(Clone)]
pub struct Commands(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    users: Executor<UserDecider>,
    logins: Executor<LoginDecider>,
    sessions: Executor<SessionDecider>,
    conversations: Executor<ConversationDecider>,
    messages: Executor<MessageDecider>,
    readers: Executor<ReaderDecider>,
    attachments: Executor<AttachmentDecider>,
    requests: Executor<RequestDecider>,
    contacts: Executor<ContactDecider>,
    factors: Executor<FactorDecider>,
    devices: Executor<DevicesDecider>,
    attempts: Executor<AttemptsDecider>,
    guard: Guard,
    schedules: Executor<ScheduleDecider>,
    webhooks: Executor<WebhookDecider>,
    accesses: Executor<AccessDecider>,
    holds: Executor<HoldDecider>,
    hasher: PasswordHasher,
    turns: Turns,
    blinding: Blinding,
}

impl Commands {
    /// Commands over a store. The caches hold the given number of decided states of each kind, or as many people.
    pub fn new(store: Arc<dyn EventStore>, codec: Codec, secret: &InstallationSecret) -> Self {
        let shared = Arc::new(Shared::new(store, codec, secret));
        Self(Arc::new(Inner {
            users: Executor::new(shared.clone(), 20_000),
            logins: Executor::new(shared.clone(), 20_000),
            sessions: Executor::new(shared.clone(), 50_000),
            conversations: Executor::weighed(shared.clone(), 500_000, |state: &ConversationState| {
                state.as_ref().map_or(1, |conversation| 8 + conversation.people.len())
            }),
            messages: Executor::new(shared.clone(), 10_000),
            readers: Executor::new(shared.clone(), 50_000),
            attachments: Executor::new(shared.clone(), 10_000),
            requests: Executor::new(shared.clone(), 1_000),
            contacts: Executor::new(shared.clone(), 20_000),
            factors: Executor::new(shared.clone(), 10_000),
            devices: Executor::weighed(shared.clone(), 500_000, Devices::weight),
            attempts: Executor::new(shared.clone(), 20_000),
            guard: Guard::default(),
            schedules: Executor::new(shared.clone(), 5_000),
            webhooks: Executor::new(shared.clone(), 10_000),
            accesses: Executor::new(shared.clone(), 10),
            holds: Executor::new(shared.clone(), 100),
            hasher: PasswordHasher::new(),
            turns: Turns::default(),
            blinding: Blinding::new(secret),
            shared,
        }))
    }

    /// How many passwords are being hashed, or wait for it.
    pub fn hashing(&self) -> usize {
        self.0.hasher.busy()
    }

    /// A key that has never sealed anything.
    async fn fresh_key(&self) -> Result<KeyId, Error> {
        Ok(self.0.shared.codec().keyring().take().await?)
    }

    /// Moves what is remembered of a stream that another node has moved on. To be told of every event that this node did
    /// not append itself; being told of one's own costs little.
    pub fn observe(&self, recorded: &Arc<RecordedEvent>) {
        let Ok(stream) = recorded.stream.id() else { return };
        let inner = &self.0;
        match stream {
            StreamId::User(_) => inner.users.observe(stream, recorded),
            StreamId::Login(..) => inner.logins.observe(stream, recorded),
            StreamId::Session(_) => inner.sessions.observe(stream, recorded),
            StreamId::Conversation(_) => inner.conversations.observe(stream, recorded),
            StreamId::Message(_) => inner.messages.observe(stream, recorded),
            StreamId::Reader(..) => inner.readers.observe(stream, recorded),
            StreamId::Attachment(_) => inner.attachments.observe(stream, recorded),
            StreamId::Request(_) => inner.requests.observe(stream, recorded),
            StreamId::Contact(_) => inner.contacts.observe(stream, recorded),
            StreamId::Factor(_) => inner.factors.observe(stream, recorded),
            StreamId::Devices(_) => inner.devices.observe(stream, recorded),
            StreamId::Attempts(_) => inner.attempts.observe(stream, recorded),
            StreamId::Schedule(_) => inner.schedules.observe(stream, recorded),
            StreamId::Webhook(_) => inner.webhooks.observe(stream, recorded),
            StreamId::Access(_) => inner.accesses.observe(stream, recorded),
            StreamId::Holds => inner.holds.observe(stream, recorded),
        }
    }
}
