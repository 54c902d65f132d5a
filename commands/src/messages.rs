//! Messages: sent, edited, deleted, reacted to, pinned.

use tidings_domain::{
    AttachmentId, ConversationId, KeyId, MessageId, Personal, StreamId, UserId,
    conversation::{
        ConversationCommand, ConversationEvent, ConversationRefusal, MemberRole, MessageContent, MessageSent,
        SendMessage,
    },
    message::{MessageAction, MessageCommand, Origin},
    user::{User, UserRefusal},
    values::{Body, ContentType, Emoji, Subject},
};

use crate::{
    Commands, Context, Error, Outcome, attachments::File, claims::appended_nothing, conversations::Standing,
    executor::Events,
};

/// A message to send.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Subject and body.
    pub content: MessageContent,
    /// What the body is.
    pub content_type: ContentType,
    /// The message it answers, in the same conversation.
    pub reply_to: Option<MessageId>,
    /// What is attached: the sender's own, and on no other message.
    pub attachments: Vec<AttachmentId>,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub id: MessageId,
    /// What was recorded.
    pub event: MessageSent,
    /// What is attached to it.
    pub attachments: Vec<File>,
}

/// What an edit makes of a message.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The new text.
    pub body: Body,
    /// The new subject; the outer none leaves it, the inner none takes it away.
    pub subject: Option<Option<Subject>>,
}

impl Commands {
    /// Sends a message. The outcome is the same for the same key, for ever.
    pub async fn send(
        &self,
        conversation: ConversationId,
        by: UserId,
        draft: Draft,
        context: &Context,
    ) -> Result<Outcome<Sent>, Error> {
        let stream = StreamId::Conversation(conversation);
        if let Some(before) = self.0.conversations.recalled(stream, context).await? {
            return self.sent(conversation, before).await;
        }
        let author_key = self.author_key(by).await?;
        let reply_to = match draft.reply_to {
            Some(id) => Some(self.reply_to(conversation, id, by).await?),
            None => None,
        };
        let mentions = self.mentions(&draft.content, &draft.content_type).await?;
        let key = self.fresh_key().await?;
        let claimed = match draft.attachments.as_slice() {
            [] => None,
            ids => Some(Box::pin(self.claim_attachments(conversation, by, ids, context)).await?),
        };
        let message = SendMessage {
            by,
            key,
            author_key,
            reply_to,
            mentions,
            attachments: claimed.as_ref().map(|claimed| claimed.files.clone()).unwrap_or_default(),
            content_type: draft.content_type,
            content: draft.content,
            at: context.now,
        };
        let command = ConversationCommand::Send(message);
        match (self.0.conversations.execute_new(stream, &command, context).await, claimed) {
            // under a key the same sending may be under way elsewhere, and a second try has the files all the same
            (Err(error), Some(claimed)) if context.key.is_none() && appended_nothing(&error) => {
                Box::pin(self.give_files_back(claimed, context)).await;
                Err(error)
            }
            (outcome, _) => self.sent(conversation, outcome?).await,
        }
    }

    async fn sent(
        &self,
        conversation: ConversationId,
        outcome: Outcome<Events<ConversationEvent>>,
    ) -> Result<Outcome<Sent>, Error> {
        let mut outcome = sent(conversation, outcome)?;
        if outcome.replayed {
            // what is held keeps its key, and is shown to nobody all the same
            let stream = StreamId::Message(outcome.value.id);
            if self.0.messages.peek(stream, |message| message.deleted.is_some()).await? {
                outcome.value.event.content = Personal::Withheld;
                return Ok(outcome);
            }
        }
        if !outcome.value.event.attachments.is_empty() {
            outcome.value.attachments = Box::pin(self.files_of(&outcome.value.event)).await?;
        }
        Ok(outcome)
    }

    /// The key that what somebody writes is sealed under beside its own; their account must stand.
    pub async fn author_key(&self, by: UserId) -> Result<KeyId, Error> {
        let author = |user: &Option<User>| user.as_ref().map(|user| (user.key, user.closed, user.suspended));
        match self.0.users.peek(StreamId::User(by), author).await? {
            None | Some((_, true, _)) => Err(UserRefusal::NoSuchUser.into()),
            Some((_, false, true)) => Err(UserRefusal::Suspended.into()),
            Some((key, false, false)) => Ok(key),
        }
    }

    pub(crate) async fn reply_to(&self, conversation: ConversationId, id: MessageId, by: UserId) -> Result<u64, Error> {
        let wrong = || Error::from(ConversationRefusal::NoSuchReply);
        if id.conversation != conversation {
            return Err(wrong());
        }
        match self.visible_message(id, by).await {
            Ok(_) => Ok(id.seq),
            Err(Error::NoSuchMessage) => Err(wrong()),
            Err(error) => Err(error),
        }
    }

    /// Writes a message anew; only its sender may, and only while in the conversation.
    pub async fn edit(
        &self,
        id: MessageId,
        by: UserId,
        changed: Edit,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.acted(id, context).await? {
            return Ok(before);
        }
        let (standing, sent) = self.visible_message(id, by).await?;
        standing.speaker()?;
        let edited = self.0.messages.peek(StreamId::Message(id), |state| state.edited.clone()).await?;
        let present = edited.or_else(|| sent.content.clear().cloned());
        let subject = changed.subject.unwrap_or_else(|| present.and_then(|content| content.subject));
        let content = MessageContent { subject, body: Some(changed.body) };
        let mut mentions = vec![];
        for user in self.mentions(&content, &sent.content_type).await? {
            if self.standing(id.conversation, user).await?.member().is_ok() {
                mentions.push(user);
            }
        }
        self.act(id, by, sent, MessageAction::Edit { content, mentions }, context).await
    }

    /// Reacts to a message, or takes the reaction back.
    pub async fn react(
        &self,
        id: MessageId,
        by: UserId,
        emoji: Emoji,
        there: bool,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.acted(id, context).await? {
            return Ok(before);
        }
        let (standing, sent) = self.visible_message(id, by).await?;
        // what was said is taken back at any time
        let _member = if there { standing.speaker()? } else { standing.member()? };
        let action = if there { MessageAction::React(emoji) } else { MessageAction::Unreact(emoji) };
        self.act(id, by, sent, action, context).await
    }

    /// Pins or unpins a message: owner and admins, or anybody in a direct conversation.
    pub async fn pin(&self, id: MessageId, by: UserId, there: bool, context: &Context) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.acted(id, context).await? {
            return Ok(before);
        }
        let (standing, sent) = self.visible_message(id, by).await?;
        if standing.speaker()?.role < MemberRole::Admin && !standing.equals {
            return Err(ConversationRefusal::NotAnAdmin.into());
        }
        self.act(id, by, sent, if there { MessageAction::Pin } else { MessageAction::Unpin }, context).await
    }

    /// What a command with this key did to the message before.
    pub(crate) async fn acted(&self, id: MessageId, context: &Context) -> Result<Option<Outcome<()>>, Error> {
        let before = self.0.messages.recalled(StreamId::Message(id), context).await?;
        Ok(before.map(|before| before.map(drop)))
    }

    pub(crate) async fn act(
        &self,
        id: MessageId,
        by: UserId,
        sent: MessageSent,
        action: MessageAction,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let MessageSent { sender, at: sent_at, key, author_key, attachments, content, .. } = sent;
        let origin = Origin { sender, sent_at, key, author_key, attachments, content };
        let command = MessageCommand { by, origin, at: context.now, action };
        Ok(self.0.messages.execute_new(StreamId::Message(id), &command, context).await?.map(drop))
    }

    /// Who wrote a message that this person can see.
    pub async fn sender(&self, id: MessageId, viewer: UserId) -> Result<UserId, Error> {
        Ok(self.visible_message(id, viewer).await?.1.sender)
    }

    /// A message that this person can see, and how they stand in its conversation.
    pub(crate) async fn visible_message(&self, id: MessageId, user: UserId) -> Result<(Standing, MessageSent), Error> {
        let standing = match self.standing(id.conversation, user).await {
            Err(Error::Refused(_)) => return Err(Error::NoSuchMessage),
            standing => standing?,
        };
        let stream = StreamId::Reader(id.conversation, user);
        if !standing.shows(id.seq) || self.0.readers.peek(stream, |reader| reader.hides(id.seq)).await? {
            return Err(Error::NoSuchMessage);
        }
        Ok((standing, self.sent_message(id).await?))
    }

    /// A message's first event, one read away.
    pub(crate) async fn sent_message(&self, id: MessageId) -> Result<MessageSent, Error> {
        let stream = StreamId::Conversation(id.conversation).name();
        let mut page = self.0.shared.store().read_stream(&stream, id.version - 1, 1).await?;
        let recorded = page.pop().filter(|recorded| recorded.version == id.version).ok_or(Error::NoSuchMessage)?;
        match self.0.shared.codec().open(&recorded, |_| true).await? {
            ConversationEvent::MessageSent(event) if event.seq == id.seq => Ok(event),
            ConversationEvent::MessageSent(_)
            | ConversationEvent::Started(_)
            | ConversationEvent::Renamed(_)
            | ConversationEvent::MemberAdded(_)
            | ConversationEvent::MemberRemoved(_)
            | ConversationEvent::MemberRoleChanged(_)
            | ConversationEvent::RetentionChanged(_)
            | ConversationEvent::BlocksChanged(_) => Err(Error::NoSuchMessage),
        }
    }
}

fn sent(conversation: ConversationId, outcome: Outcome<Events<ConversationEvent>>) -> Result<Outcome<Sent>, Error> {
    let Outcome { value, position, replayed } = outcome;
    let sent = value.into_iter().find_map(|(version, event)| match event {
        ConversationEvent::MessageSent(event) => {
            let id = MessageId { conversation, seq: event.seq, version };
            Some(Sent { id, event, attachments: vec![] })
        }
        ConversationEvent::Started(_)
        | ConversationEvent::Renamed(_)
        | ConversationEvent::MemberAdded(_)
        | ConversationEvent::MemberRemoved(_)
        | ConversationEvent::MemberRoleChanged(_)
        | ConversationEvent::RetentionChanged(_)
        | ConversationEvent::BlocksChanged(_) => None,
    });
    // a new one always has its event; what is recalled may be another command under the same key
    let value = sent.ok_or(Error::KeyReused)?;
    Ok(Outcome { value, position, replayed })
}
