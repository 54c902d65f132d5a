//! A small installation without a server: events are decided and appended here, views follow, questions are asked.
#![expect(
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate of its own that shares this module and uses what it needs"
)]

pub mod memory;
pub mod model;

use std::{collections::HashMap, sync::Arc, time::Duration};

use memory::MemoryStore;
use tidings_domain::{
    ConversationId, Decider, Event, KeyId, MessageId, Personal, SessionId, StreamId, Timestamp, UserId,
    conversation::{
        ConversationCommand, ConversationDecider, ConversationEvent, ConversationState, MemberRole, MessageContent,
        SendMessage,
    },
    message::{Message, MessageAction, MessageCommand, MessageDecider, Origin},
    reader::{Reader, ReaderAction, ReaderCommand, ReaderDecider, Vantage},
    session::{SessionEvent, SessionOpened, TokenHash},
    user::{Identity, UserClosed, UserRegistered},
    values::{Body, ContentType, ConversationName, DeviceName, Emoji, PersonName, Username},
};
use tidings_event_store::{Codec, EventStore, Keyring, Metadata, Position, StreamAppend, keys};
use tidings_projections::{
    Options, Projection, Queries, SqliteViews, Views,
    model::{Message as Shown, MessageAnchor},
    runner::{Log, Pace},
};
use uuid::Uuid;

pub struct World {
    pub memory: Arc<MemoryStore>,
    pub log: Log,
    pub directory: tempfile::TempDir,
    pub views: Option<Views>,
    pub options: Options,
    person_keys: HashMap<UserId, KeyId>,
    versions: HashMap<StreamId, u64>,
    conversations: HashMap<ConversationId, ConversationState>,
    messages: HashMap<MessageId, Message>,
    origins: HashMap<MessageId, Origin>,
    readers: HashMap<(ConversationId, UserId), Reader>,
    next: u128,
    clock: i64,
}

/// Long enough for a machine that does much else; nothing waits for it but what has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

impl World {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let secret = keys::InstallationSecret::from_bytes([7; 32]);
        let blocks = keys::SqliteKeyBlocks::open(&directory.path().join("keys.db"), &secret).unwrap();
        let memory = MemoryStore::new();
        let log = Log { store: memory.clone(), codec: Codec::new(Keyring::new(blocks, &secret)) };
        Self {
            memory,
            log,
            directory,
            views: None,
            options: Options { pace: Pace { page: 50, per_second: None }, live_page: 7 },
            person_keys: HashMap::new(),
            versions: HashMap::new(),
            conversations: HashMap::new(),
            messages: HashMap::new(),
            origins: HashMap::new(),
            readers: HashMap::new(),
            next: 1,
            clock: 1_000,
        }
    }

    /// A world whose views follow.
    pub async fn following() -> Self {
        let mut world = Self::new();
        world.start().await;
        world
    }

    pub async fn start(&mut self) {
        let store = Arc::new(SqliteViews::open(self.directory.path()).unwrap());
        self.views = Some(Views::start(store, self.log.clone(), self.options).await.unwrap());
    }

    pub async fn stop(&mut self) {
        if let Some(views) = self.views.take() {
            views.stop().await;
        }
    }

    pub fn views(&self) -> &Views {
        self.views.as_ref().unwrap()
    }

    /// The questions, once the views know everything.
    pub async fn settled(&self) -> Arc<dyn Queries> {
        self.memory.announce();
        let reached = self.views().wait_for(self.memory.last(), PATIENCE).await;
        if let Err(not_yet) = reached {
            panic!("{not_yet}: {:?}", self.views().status().await);
        }
        self.views().queries()
    }

    pub fn now(&mut self) -> Timestamp {
        self.clock += 1;
        Timestamp::from_millis(self.clock)
    }

    pub fn uuid(&mut self) -> Uuid {
        self.next += 1;
        Uuid::from_u128(self.next << 64 | self.next)
    }

    pub async fn key(&self) -> KeyId {
        self.log.codec.keyring().take().await.unwrap()
    }

    pub async fn append(&mut self, stream: StreamId, event: impl Into<Event>) -> Position {
        let name = stream.name();
        let new = self.log.codec.seal(&name, &event.into(), &Metadata::default(), None).unwrap();
        let version = self.versions.entry(stream).or_insert(0);
        let append = StreamAppend { stream: name, expected_version: *version, events: vec![new] };
        let appended = self.memory.append(vec![append]).await.remove(0).unwrap();
        *version = appended.version;
        appended.position
    }

    pub async fn user(&mut self, username: &str) -> UserId {
        let (id, at, key) = (UserId::new(self.uuid()), self.now(), self.key().await);
        self.person_keys.insert(id, key);
        let identity = Identity {
            username: Username::parse(username).unwrap(),
            email: None,
            phone_number: None,
            first_name: Some(PersonName::parse(&format!("First{username}")).unwrap()),
            last_name: None,
            password_hash: None,
        };
        let event = UserRegistered { key, at, imported: false, identity: Personal::Clear(identity) };
        self.append(StreamId::User(id), tidings_domain::user::UserEvent::from(event)).await;
        id
    }

    pub async fn close(&mut self, user: UserId) {
        let (at, key) = (self.now(), self.person_keys[&user]);
        self.append(StreamId::User(user), tidings_domain::user::UserEvent::from(UserClosed { key, at })).await;
        self.log.codec.keyring().destroy(&[key]).await.unwrap();
    }

    pub async fn session(&mut self, user: UserId, credential: u32) -> SessionId {
        let (id, at, key) = (SessionId::new(self.uuid()), self.now(), self.person_keys[&user]);
        let device = Personal::Clear(Some(DeviceName::parse("phone").unwrap()));
        let event = SessionOpened { user, key, credential, token: TokenHash([0; 32]), at, device };
        self.append(StreamId::Session(id), SessionEvent::from(event)).await;
        id
    }

    pub fn person_key(&self, user: UserId) -> KeyId {
        self.person_keys[&user]
    }

    pub fn conversation(&self, id: ConversationId) -> &ConversationState {
        &self.conversations[&id]
    }

    /// Decides and appends; whether anything happened.
    pub async fn command(&mut self, id: ConversationId, command: ConversationCommand) -> bool {
        let state = self.conversations.entry(id).or_default();
        let Ok(events) = ConversationDecider::decide(state, &command) else { return false };
        for event in &events {
            ConversationDecider::evolve(self.conversations.get_mut(&id).unwrap(), event);
            self.append(StreamId::Conversation(id), event.clone()).await;
            if let ConversationEvent::MessageSent(sent) = event {
                let version = self.versions[&StreamId::Conversation(id)];
                let message = MessageId { conversation: id, seq: sent.seq, version };
                let (sender, key, author_key) = (sent.sender, sent.key, sent.author_key);
                self.origins.insert(message, Origin { sender, key, author_key, content: sent.content.clone() });
            }
        }
        !events.is_empty()
    }

    pub async fn group(&mut self, by: UserId, members: &[UserId]) -> ConversationId {
        let (id, at, key) = (ConversationId::new(self.uuid()), self.now(), self.key().await);
        let name = ConversationName::parse("the group").unwrap();
        self.command(id, ConversationCommand::StartGroup { by, members: members.to_vec(), name, key, at }).await;
        id
    }

    pub async fn direct(&mut self, by: UserId, with: UserId) -> ConversationId {
        let (id, at, key) = (ConversationId::direct(&[by, with]), self.now(), self.key().await);
        self.command(id, ConversationCommand::StartDirect { by, members: vec![with], key, at }).await;
        id
    }

    pub async fn add(&mut self, id: ConversationId, by: UserId, user: UserId) -> bool {
        let at = self.now();
        self.command(id, ConversationCommand::AddMember { by, user, role: None::<MemberRole>, at }).await
    }

    pub async fn remove(&mut self, id: ConversationId, by: UserId, user: UserId) -> bool {
        let at = self.now();
        self.command(id, ConversationCommand::RemoveMember { by, user, at }).await
    }

    pub async fn send(&mut self, id: ConversationId, by: UserId, body: &str) -> MessageId {
        self.send_with(id, by, body, None, vec![]).await
    }

    pub async fn send_with(
        &mut self,
        id: ConversationId,
        by: UserId,
        body: &str,
        reply_to: Option<u64>,
        mentions: Vec<UserId>,
    ) -> MessageId {
        let (at, key, author_key) = (self.now(), self.key().await, self.person_keys[&by]);
        let content = MessageContent { subject: None, body: Some(Body::parse(body).unwrap()) };
        let content_type = ContentType::plain_text();
        let message = SendMessage { by, key, author_key, content_type, reply_to, mentions, content, at };
        assert!(self.command(id, ConversationCommand::Send(message)).await, "the message is refused");
        let seq = self.conversations[&id].as_ref().unwrap().last_seq;
        MessageId { conversation: id, seq, version: self.versions[&StreamId::Conversation(id)] }
    }

    pub async fn act(&mut self, id: MessageId, by: UserId, action: MessageAction) -> bool {
        let (at, origin) = (self.now(), self.origins[&id].clone());
        let command = MessageCommand { by, origin: origin.clone(), at, action: action.clone() };
        let state = self.messages.entry(id).or_default();
        let Ok(events) = MessageDecider::decide(state, &command) else { return false };
        events.iter().for_each(|event| MessageDecider::evolve(state, event));
        for event in &events {
            self.append(StreamId::Message(id), event.clone()).await;
        }
        if matches!(action, MessageAction::Delete) && !events.is_empty() {
            self.log.codec.keyring().destroy(&[origin.key]).await.unwrap();
        }
        !events.is_empty()
    }

    pub async fn edit(&mut self, id: MessageId, by: UserId, body: &str) -> bool {
        let content = MessageContent { subject: None, body: Some(Body::parse(body).unwrap()) };
        self.act(id, by, MessageAction::Edit { content, mentions: vec![] }).await
    }

    pub async fn react(&mut self, id: MessageId, by: UserId, emoji: &str) -> bool {
        self.act(id, by, MessageAction::React(Emoji::parse(emoji).unwrap())).await
    }

    pub fn deleted(&self, id: MessageId) -> bool {
        self.messages.get(&id).is_some_and(|message| message.deleted)
    }

    pub fn message_ids(&self, id: ConversationId) -> Vec<MessageId> {
        let mut ids: Vec<_> = self.origins.keys().filter(|message| message.conversation == id).copied().collect();
        ids.sort_unstable();
        ids
    }

    pub fn sender(&self, id: MessageId) -> UserId {
        self.origins[&id].sender
    }

    pub async fn read(&mut self, id: ConversationId, user: UserId, action: ReaderAction) -> bool {
        let at = self.now();
        let Some(conversation) = &self.conversations[&id] else { return false };
        let Some(person) = conversation.people.get(&user) else { return false };
        let last = if person.present { conversation.last_seq } else { person.left_seq };
        let command = ReaderCommand { vantage: Vantage { floor: person.floor(), last }, at, action };
        let reader = self.readers.entry((id, user)).or_default();
        let Ok(events) = ReaderDecider::decide(reader, &command) else { return false };
        events.iter().for_each(|event| ReaderDecider::evolve(reader, event));
        for event in &events {
            self.append(StreamId::Reader(id, user), event.clone()).await;
        }
        !events.is_empty()
    }

    /// All messages of a conversation that somebody sees, newest first.
    pub async fn all(&self, viewer: UserId, id: ConversationId, unread: Option<bool>) -> Vec<Shown> {
        let queries = self.settled().await;
        let (mut anchor, mut all) = (MessageAnchor::Newest, Vec::new());
        loop {
            let page = queries.messages(viewer, id, anchor, unread, 3).await.unwrap().unwrap();
            all.extend(page.items);
            match page.next {
                Some(next) => anchor = next,
                None => return all,
            }
        }
    }

    pub async fn assert_verified(&self) {
        self.settled().await;
        for projection in Projection::ALL {
            let found = self.views().verify(projection, 10).await.unwrap();
            assert_eq!(found.differing, 0, "{found:?}");
        }
    }
}
