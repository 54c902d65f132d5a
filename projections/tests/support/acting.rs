//! What people do: decided by the deciders, sealed by the codec, appended.

use tidings_domain::KeyId;
use tidings_domain::{
    ConversationId, Decider, Event, MessageId, Personal, SessionId, StreamId, UserId,
    conversation::{
        ConversationCommand, ConversationDecider, ConversationEvent, ConversationState, MemberRole, MessageContent,
        SendMessage,
    },
    message::{MessageAction, MessageCommand, MessageDecider, Origin},
    reader::{ReaderAction, ReaderCommand, ReaderDecider, Vantage},
    session::{SessionEvent, SessionOpened, TokenHash},
    user::{Identity, UserClosed, UserRegistered},
    values::{Body, ContentType, ConversationName, DeviceName, Emoji, PersonName, Username},
};
use tidings_event_store::{EventStore, Metadata, Position, StreamAppend};

use super::World;

impl World {
    /// A group of two with so many messages by the first.
    pub async fn talk(&mut self, messages: u64) -> (UserId, UserId, ConversationId) {
        let (ada, bob) = (self.user("ada").await, self.user("bob").await);
        let group = self.group(ada, &[bob]).await;
        for n in 1..=messages {
            self.send(group, ada, &format!("message {n}")).await;
        }
        (ada, bob, group)
    }

    pub async fn append(&mut self, stream: StreamId, event: impl Into<Event>) -> Position {
        let name = stream.name();
        let new = self.sealing.seal(&name, &event.into(), Metadata::default(), None).unwrap();
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
                let (sent_at, content) = (sent.at, sent.content.clone());
                self.origins.insert(message, Origin { sender, sent_at, key, author_key, attachments: vec![], content });
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
        let message =
            SendMessage { by, key, author_key, content_type, reply_to, mentions, attachments: vec![], content, at };
        assert!(self.command(id, ConversationCommand::Send(message)).await, "the message is refused");
        let seq = self.conversations[&id].as_ref().unwrap().last_seq;
        MessageId { conversation: id, seq, version: self.versions[&StreamId::Conversation(id)] }
    }

    pub async fn act(&mut self, id: MessageId, by: UserId, action: MessageAction) -> bool {
        let (mut at, origin) = (self.now(), self.origins[&id].clone());
        if let MessageAction::Expire(retention) = &action {
            at = origin.sent_at.plus_millis(retention.seconds().cast_signed() * 1_000);
        }
        let command = MessageCommand { by, origin: origin.clone(), at, action: action.clone() };
        let state = self.messages.entry(id).or_default();
        let Ok(events) = MessageDecider::decide(state, &command) else { return false };
        for event in &events {
            MessageDecider::evolve(state, event);
        }
        for event in &events {
            self.append(StreamId::Message(id), event.clone()).await;
        }
        if matches!(action, MessageAction::Delete | MessageAction::Expire(_)) && !events.is_empty() {
            self.log.codec.keyring().destroy(&[origin.key]).await.unwrap();
        }
        !events.is_empty()
    }

    pub async fn edit(&mut self, id: MessageId, by: UserId, body: &str) -> bool {
        self.edit_with(id, by, body, vec![]).await
    }

    pub async fn edit_with(&mut self, id: MessageId, by: UserId, body: &str, mentions: Vec<UserId>) -> bool {
        let content = MessageContent { subject: None, body: Some(Body::parse(body).unwrap()) };
        self.act(id, by, MessageAction::Edit { content, mentions }).await
    }

    pub async fn react(&mut self, id: MessageId, by: UserId, emoji: &str) -> bool {
        self.act(id, by, MessageAction::React(Emoji::parse(emoji).unwrap())).await
    }

    pub fn deleted(&self, id: MessageId) -> bool {
        self.messages.get(&id).is_some_and(|message| message.deleted.is_some())
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
        for event in &events {
            ReaderDecider::evolve(reader, event);
        }
        for event in &events {
            self.append(StreamId::Reader(id, user), event.clone()).await;
        }
        !events.is_empty()
    }
}
