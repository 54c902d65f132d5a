//! A house: a store, its keys, commands over them, and short ways to have people and conversations.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;
use tidings_commands::{Commands, Context, Error, Outcome, messages::Draft, messages::Sent, users::Registration};
use tidings_domain::{
    ConversationId, Decider, StoredEvent, StreamId, Timestamp, UserId,
    conversation::{ConversationDecider, ConversationEvent, MessageContent},
    values::{Body, ContentType, ConversationName, Email, Password, Username},
};
use tidings_event_store::{
    Codec, CommandId, CommandKey, EventStore, Filter, Fingerprint, InstallationSecret, Keyring, Position,
    RecordedEvent, SqliteEventStore, SqliteKeyBlocks,
};

pub(crate) use crate::store::TestStore;

/// What nearly every test signs in with.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct House {
    pub(crate) commands: Commands,
    pub(crate) store: Arc<TestStore>,
    pub(crate) codec: Codec,
    sqlite: Arc<SqliteEventStore>,
    directory: TempDir,
}

fn secret() -> InstallationSecret {
    InstallationSecret::from_bytes([7; 32])
}

pub(crate) fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

/// Opens the files as soon as whoever had them has ended what it had begun in the background.
async fn open(directory: &Path) -> (Arc<SqliteEventStore>, Keyring) {
    let sqlite = loop {
        match SqliteEventStore::open(&directory.join("events.db"), clock) {
            Ok(sqlite) => break sqlite,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let blocks = loop {
        match SqliteKeyBlocks::open(&directory.join("keys.db"), &secret()) {
            Ok(blocks) => break blocks,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    (Arc::new(sqlite), Keyring::new(blocks, &secret()))
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::in_directory(tempfile::tempdir().unwrap()).await
    }

    async fn in_directory(directory: TempDir) -> Self {
        let (sqlite, keyring) = open(directory.path()).await;
        let store = Arc::new(TestStore::new(sqlite.clone()));
        let codec = Codec::new(keyring);
        let commands = Commands::new(store.clone(), codec.clone(), &secret());
        Self { commands, store, codec, sqlite, directory }
    }

    /// The same after a restart: nothing in memory is left.
    pub(crate) async fn reopened(self) -> Self {
        let Self { commands, store, codec, sqlite, directory } = self;
        sqlite.close();
        drop((commands, store, codec, sqlite));
        Self::in_directory(directory).await
    }

    /// Commands with a memory of their own over the same store, as on another node or after a cold start.
    pub(crate) fn another_node(&self) -> Commands {
        Commands::new(self.sqlite.clone(), self.codec.clone(), &secret())
    }

    /// The same, but through the store that the test can disturb.
    pub(crate) fn cold(&self) -> Commands {
        Commands::new(self.store.clone(), self.codec.clone(), &secret())
    }

    /// An account without a password.
    pub(crate) async fn person(&self, username: &str) -> UserId {
        let registration = Registration { password: None, imported: true, ..registration(username) };
        self.commands.register(registration, &now()).await.unwrap().value.user
    }

    pub(crate) async fn people<const N: usize>(&self, usernames: [&str; N]) -> [UserId; N] {
        let mut people = Vec::new();
        for username in usernames {
            people.push(self.person(username).await);
        }
        people.try_into().unwrap()
    }

    pub(crate) async fn group(&self, owner: UserId, members: &[UserId]) -> ConversationId {
        let name = ConversationName::parse("the group").unwrap();
        let started = self.commands.start_group(owner, name, members.to_vec(), &by(owner)).await.unwrap();
        started.value.conversation
    }

    pub(crate) async fn say(&self, group: ConversationId, by: UserId, text: &str) -> Sent {
        say(&self.commands, group, by, text).await.unwrap().value
    }

    /// All events of a stream, from the store itself.
    pub(crate) async fn recorded(&self, stream: StreamId) -> Vec<Arc<RecordedEvent>> {
        self.sqlite.read_stream(&stream.name(), 0, usize::MAX >> 1).await.unwrap()
    }

    /// All events of a stream, opened as far as there are keys.
    pub(crate) async fn events<E: StoredEvent>(&self, stream: StreamId) -> Vec<E> {
        let mut events = Vec::new();
        for recorded in self.recorded(stream).await {
            events.push(self.codec.open(&recorded, |_| true).await.unwrap());
        }
        events
    }

    /// A stream's state, folded from nothing but the log.
    pub(crate) async fn folded<D: Decider>(&self, stream: StreamId) -> D::State {
        D::fold(&self.events::<D::Event>(stream).await)
    }

    /// The `seq` of each message in a conversation, in the log's order.
    pub(crate) async fn seqs(&self, conversation: ConversationId) -> Vec<u64> {
        let events = self.events::<<ConversationDecider as Decider>::Event>(StreamId::Conversation(conversation)).await;
        let seq = |event| if let ConversationEvent::MessageSent(sent) = event { Some(sent.seq) } else { None };
        events.into_iter().filter_map(seq).collect()
    }

    pub(crate) async fn whole_log(&self) -> Vec<Arc<RecordedEvent>> {
        self.sqlite.read_all(Position::START, &Filter::All, usize::MAX >> 1).await.unwrap().events
    }

    /// Tells a node of everything in the log, as whoever follows the log does.
    pub(crate) async fn tell_all_to(&self, node: &Commands) {
        for recorded in self.whole_log().await {
            node.observe(&recorded);
        }
    }

    /// How many events the whole log has.
    pub(crate) async fn length(&self) -> u64 {
        self.sqlite.head().await.unwrap().get()
    }
}

pub(crate) async fn say(
    commands: &Commands,
    group: ConversationId,
    sender: UserId,
    text: &str,
) -> Result<Outcome<Sent>, Error> {
    commands.send(group, sender, draft(text), &by(sender)).await
}

pub(crate) fn draft(text: &str) -> Draft {
    let content = MessageContent { subject: None, body: Some(Body::parse(text).unwrap()) };
    Draft { content, content_type: ContentType::plain_text(), reply_to: None, attachments: vec![] }
}

pub(crate) fn registration(username: &str) -> Registration {
    Registration {
        username: Username::parse(username).unwrap(),
        password: Some(password(PASSWORD)),
        email: None,
        phone_number: None,
        first_name: None,
        last_name: None,
        imported: false,
    }
}

pub(crate) fn with_email(username: &str, email: &str) -> Registration {
    Registration { email: Some(Email::parse(email).unwrap()), password: None, ..registration(username) }
}

pub(crate) fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

/// Somebody unknown asks, now, without a key.
pub(crate) fn now() -> Context {
    Context { now: clock(), ..Context::default() }
}

pub(crate) fn by(actor: UserId) -> Context {
    Context { actor: Some(actor), ..now() }
}

/// The same context some time later.
pub(crate) fn later(context: &Context, millis: i64) -> Context {
    Context { now: context.now.plus_millis(millis), ..context.clone() }
}

/// The same context under a key.
pub(crate) fn keyed(context: &Context, key: CommandKey) -> Context {
    Context { key: Some(key), ..context.clone() }
}

/// Key number `id`, used for request number `request`.
pub(crate) fn key(id: u64, request: u64) -> CommandKey {
    let wide = |number: u64| u128::from(number).to_be_bytes();
    CommandKey { id: CommandId(wide(id)), fingerprint: Fingerprint(wide(request)) }
}
