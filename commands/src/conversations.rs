//! Conversations and who is in them.

use tidings_domain::{
    ConversationId, StreamId, UserId,
    conversation::{
        Conversation, ConversationCommand, ConversationEvent, ConversationRefusal, ConversationStarted, Member,
        MemberRole,
    },
    values::ConversationName,
};

use crate::{Commands, Context, Error, Outcome, executor::Events};

/// A conversation that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub conversation: ConversationId,
    /// What was recorded; none when it was there already.
    pub event: Option<ConversationStarted>,
}

/// What a conversation's own state says about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The `seq` of the last message.
    pub last_seq: u64,
    /// How they are or were in it; none for one who never was.
    pub person: Option<Member>,
    /// Whether every member may do what admins may: so in a direct conversation.
    pub equals: bool,
    /// Whether the other of a direct conversation of two blocks them.
    pub stopped: bool,
}

impl Standing {
    /// Somebody who is in it now.
    pub fn member(&self) -> Result<Member, ConversationRefusal> {
        self.person.filter(|person| person.present).ok_or(ConversationRefusal::NotAMember)
    }

    /// Somebody who is in it now and may let the others hear of them.
    pub fn speaker(&self) -> Result<Member, ConversationRefusal> {
        let member = self.member()?;
        if self.stopped { Err(ConversationRefusal::Blocked) } else { Ok(member) }
    }

    /// Whether they see this message.
    pub fn shows(&self, seq: u64) -> bool {
        let last = self.person.map_or(0, |person| if person.present { self.last_seq } else { person.left_seq });
        (1..=last).contains(&seq)
    }
}

impl Commands {
    /// Starts a group; the caller owns it. Those named exist, and none of them blocks the caller.
    pub async fn start_group(
        &self,
        by: UserId,
        name: ConversationName,
        members: Vec<UserId>,
        context: &Context,
    ) -> Result<Outcome<Started>, Error> {
        let conversation = ConversationId::new(context.new_id("conversation"));
        if let Some(before) = self.0.conversations.recalled(StreamId::Conversation(conversation), context).await? {
            return Ok(started(conversation, before));
        }
        self.must_be_welcome_to(by, &members).await?;
        let key = self.fresh_key().await?;
        self.start(conversation, ConversationCommand::StartGroup { by, members, name, key, at: context.now }, context)
            .await
    }

    /// The direct conversation of the caller and those named, started unless it is there. Those named exist. Nobody starts one
    /// with somebody who blocks them; into one of more than two that is there they write as into a group.
    pub async fn start_direct(
        &self,
        by: UserId,
        members: Vec<UserId>,
        context: &Context,
    ) -> Result<Outcome<Started>, Error> {
        let conversation = ConversationId::direct(members.iter().chain([&by]));
        if members.len() > 1 && !self.is_started(conversation).await? {
            self.must_be_welcome_to(by, &members).await?;
        }
        let key = self.fresh_key().await?;
        self.start(conversation, ConversationCommand::StartDirect { by, members, key, at: context.now }, context).await
    }

    async fn start(
        &self,
        conversation: ConversationId,
        command: ConversationCommand,
        context: &Context,
    ) -> Result<Outcome<Started>, Error> {
        let outcome = self.0.conversations.execute(StreamId::Conversation(conversation), &command, context).await?;
        Ok(started(conversation, outcome))
    }

    /// Calls a group something else.
    pub async fn rename(
        &self,
        conversation: ConversationId,
        by: UserId,
        name: ConversationName,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        self.converse(conversation, ConversationCommand::Rename { by, name, at: context.now }, context).await
    }

    /// Adds somebody who exists and does not block the caller, or gives a role to somebody who is there.
    pub async fn put_member(
        &self,
        conversation: ConversationId,
        by: UserId,
        user: UserId,
        role: Option<MemberRole>,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.0.conversations.recalled(StreamId::Conversation(conversation), context).await? {
            return Ok(before.map(drop));
        }
        self.must_be_welcome_in(conversation, by, user).await?;
        self.converse(conversation, ConversationCommand::AddMember { by, user, role, at: context.now }, context).await
    }

    /// Removes somebody, or leaves.
    pub async fn remove_member(
        &self,
        conversation: ConversationId,
        by: UserId,
        user: UserId,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        self.converse(conversation, ConversationCommand::RemoveMember { by, user, at: context.now }, context).await
    }

    async fn converse(
        &self,
        conversation: ConversationId,
        command: ConversationCommand,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let stream = StreamId::Conversation(conversation);
        Ok(self.0.conversations.execute(stream, &command, context).await?.map(drop))
    }

    /// How somebody stands in a conversation that exists.
    pub async fn standing(&self, conversation: ConversationId, user: UserId) -> Result<Standing, Error> {
        self.look(conversation, |conversation| Standing {
            last_seq: conversation.last_seq,
            person: conversation.people.get(&user).copied(),
            equals: conversation.kind == tidings_domain::conversation::ConversationKind::Direct,
            stopped: conversation.stops(user),
        })
        .await
    }

    pub(crate) async fn is_started(&self, conversation: ConversationId) -> Result<bool, Error> {
        let started = |state: &Option<Conversation>| state.as_ref().is_some_and(Conversation::is_started);
        self.0.conversations.peek(StreamId::Conversation(conversation), started).await
    }

    async fn look<R>(&self, conversation: ConversationId, look: impl Fn(&Conversation) -> R) -> Result<R, Error> {
        let seen = self.0.conversations.peek(StreamId::Conversation(conversation), |state| {
            state.as_ref().filter(|conversation| conversation.is_started()).map(&look)
        });
        seen.await?.ok_or_else(|| ConversationRefusal::NoSuchConversation.into())
    }
}

fn started(conversation: ConversationId, outcome: Outcome<Events<ConversationEvent>>) -> Outcome<Started> {
    outcome.map(|events| {
        let event = events.into_iter().find_map(|(_, event)| match event {
            ConversationEvent::Started(event) => Some(event),
            ConversationEvent::Renamed(_)
            | ConversationEvent::MemberAdded(_)
            | ConversationEvent::MemberRemoved(_)
            | ConversationEvent::MemberRoleChanged(_)
            | ConversationEvent::BlocksChanged(_)
            | ConversationEvent::RetentionChanged(_)
            | ConversationEvent::MessageSent(_) => None,
        });
        Started { conversation, event }
    })
}
