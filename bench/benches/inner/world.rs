//! A small installation without a server: people, groups and what is said in them, in a log on disk.

use std::{collections::HashMap, sync::Arc};

use tempfile::TempDir;
use tidings_domain::{
    ConversationId, Decider, KeyId, Personal, StreamId, StreamName, Timestamp, UserId,
    conversation::{
        Conversation, ConversationCommand, ConversationDecider, ConversationEvent, ConversationState, MemberAdded,
        MemberRole, MessageContent, SendMessage,
    },
    user::{Identity, UserEvent, UserRegistered},
    values::{Body, ContentType, ConversationName, PersonName, Username},
};
use tidings_event_store::{
    Codec, EventStore, InstallationSecret, Keyring, Metadata, NewEvent, SqliteEventStore, SqliteKeyBlocks, StreamAppend,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Nothing here depends on when it happens.
pub(crate) const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// As long as most of what people write.
const TEXT: &str = "the tide comes in twice a day, and what it brings is seldom what was asked of it";
/// Events of one append.
const AT_ONCE: usize = 500;

/// Where files of benchmarks lie: on the disk that is built on.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory for files")
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

pub(crate) fn user(number: usize) -> UserId {
    UserId::new(Uuid::from_u128(1_000_000 + number as u128))
}

/// A message, with keys as numbers: those who seal it take real ones.
pub(crate) fn message(by: UserId, key: KeyId, author_key: KeyId) -> SendMessage {
    SendMessage {
        by,
        key,
        author_key,
        content_type: ContentType::plain_text(),
        reply_to: None,
        mentions: vec![],
        attachments: vec![],
        content: MessageContent { subject: None, body: Some(Body::parse(TEXT).expect("a text")) },
        at: AT,
    }
}

/// A group of the first so many users; the first owns it.
pub(crate) fn group(people: usize, key: KeyId) -> (ConversationState, Vec<ConversationEvent>) {
    let name = ConversationName::parse("the group").expect("a name");
    let start = ConversationCommand::StartGroup { by: user(0), members: vec![], name, key, at: AT };
    let mut state = ConversationState::None;
    let mut events = decided(&mut state, &start);
    for number in 1..people {
        let added = MemberAdded { user: user(number), role: MemberRole::Member, by: user(0), at: AT }.into();
        ConversationDecider::evolve(&mut state, &added);
        events.push(added);
    }
    (state, events)
}

pub(crate) fn decided(state: &mut ConversationState, command: &ConversationCommand) -> Vec<ConversationEvent> {
    let events = ConversationDecider::decide(state, command).expect("it may be done");
    for event in &events {
        ConversationDecider::evolve(state, event);
    }
    events
}

pub(crate) fn started(state: &ConversationState) -> &Conversation {
    state.as_ref().expect("it was started")
}

/// Keys in a file, and what seals with them.
pub(crate) async fn codec(directory: &TempDir) -> Codec {
    let secret = InstallationSecret::from_bytes([7; 32]);
    let blocks = SqliteKeyBlocks::open(&directory.path().join("keys.db"), &secret).expect("a key store");
    let codec = Codec::new(Keyring::new(blocks, &secret));
    // made ahead, as they are where people send
    key(&codec).await;
    codec
}

pub(crate) async fn key(codec: &Codec) -> KeyId {
    codec.keyring().take().await.expect("a key")
}

/// A log, and who may write to it.
pub(crate) struct World {
    pub(crate) store: Arc<SqliteEventStore>,
    pub(crate) codec: Codec,
    pub(crate) directory: TempDir,
    people: Vec<KeyId>,
    groups: HashMap<ConversationId, ConversationState>,
    versions: HashMap<StreamName, u64>,
}

impl World {
    /// So many people.
    pub(crate) async fn of(people: usize) -> Self {
        let directory = directory();
        let store = SqliteEventStore::open(&directory.path().join("events.db"), || AT).expect("an event store");
        let codec = codec(&directory).await;
        let (groups, versions) = (HashMap::new(), HashMap::new());
        let mut world = Self { store: Arc::new(store), codec, directory, people: vec![], groups, versions };
        for number in 0..people {
            let key = key(&world.codec).await;
            world.people.push(key);
            let identity = Identity {
                username: Username::parse(&format!("user{number}")).expect("a username"),
                email: None,
                phone_number: None,
                first_name: Some(PersonName::parse("Someone").expect("a name")),
                last_name: None,
                password_hash: None,
            };
            let event = UserRegistered { key, at: AT, imported: false, identity: Personal::Clear(identity) };
            let stream = StreamId::User(user(number)).name();
            let sealed = world.codec.seal(&stream, &UserEvent::from(event), Metadata::default(), None);
            world.append(stream, vec![sealed.expect("sealed")]).await;
        }
        world
    }

    /// A group of all, in which so many messages are sent in turns.
    pub(crate) async fn talk(&mut self, id: ConversationId, messages: usize) {
        let stream = StreamId::Conversation(id).name();
        let mut new = vec![];
        let mut state = self.groups.remove(&id).flatten();
        if state.is_none() {
            let (begun, events) = group(self.people.len(), key(&self.codec).await);
            state = begun;
            new.extend(events);
        }
        for number in 0..messages {
            let by = number % self.people.len();
            let message = message(user(by), key(&self.codec).await, self.people[by]);
            new.extend(decided(&mut state, &ConversationCommand::Send(message)));
        }
        self.groups.insert(id, state);
        for events in new.chunks(AT_ONCE) {
            let seal = |event| self.codec.seal(&stream, event, Metadata::default(), None).expect("sealed");
            let sealed = events.iter().map(seal).collect();
            self.append(stream.clone(), sealed).await;
        }
    }

    async fn append(&mut self, stream: StreamName, events: Vec<NewEvent>) {
        let version = self.versions.entry(stream.clone()).or_default();
        let append = StreamAppend { stream, expected_version: *version, events };
        let appended = self.store.append(vec![append]).await.remove(0).expect("appended");
        *version = appended.version;
    }
}
