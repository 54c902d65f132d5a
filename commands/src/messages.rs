//! Messages: sent, edited, deleted, reacted to, pinned.

use tidings_domain::{
    ConversationId, MessageId, StreamId, UserId,
    conversation::{
        ConversationCommand, ConversationEvent, ConversationRefusal, MemberRole, MessageContent, MessageSent,
        SendMessage,
    },
    message::{MessageAction, MessageCommand, Origin},
    user::UserRefusal,
    values::{Body, ContentType, Emoji, Subject, Username},
};

use crate::{Commands, Context, Error, Outcome, conversations::Standing};

/// The most members that one message mentions; further names in it are text.
const MOST_MENTIONS: usize = 50;

/// A message to send.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Subject and body.
    pub content: MessageContent,
    /// What the body is.
    pub content_type: ContentType,
    /// The message it answers, in the same conversation.
    pub reply_to: Option<MessageId>,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub id: MessageId,
    /// What was recorded.
    pub event: MessageSent,
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
        let author_key = self
            .0
            .users
            .peek(StreamId::User(by), |user| user.as_ref().filter(|user| user.is_active()).map(|user| user.key))
            .await?
            .ok_or(UserRefusal::NoSuchUser)?;
        let reply_to = match draft.reply_to {
            Some(id) => Some(self.reply_to(conversation, id, by).await?),
            None => None,
        };
        let message = SendMessage {
            by,
            key: self.fresh_key().await?,
            author_key,
            reply_to,
            mentions: self.mentions(&draft.content, &draft.content_type).await?,
            content_type: draft.content_type,
            content: draft.content,
            at: context.now,
        };
        let command = ConversationCommand::Send(message);
        let outcome = self.0.conversations.execute(StreamId::Conversation(conversation), &command, context).await?;
        let Outcome { value, position, replayed } = outcome;
        let sent = value.into_iter().find_map(|(version, event)| sent(conversation, version, event));
        let value = sent.ok_or_else(|| Error::Internal("a sent message without its event".to_owned()))?;
        Ok(Outcome { value, position, replayed })
    }

    async fn reply_to(&self, conversation: ConversationId, id: MessageId, by: UserId) -> Result<u64, Error> {
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

    /// The accounts that a text names as `@username`. Who of them is in the conversation, its decider knows.
    async fn mentions(&self, content: &MessageContent, content_type: &ContentType) -> Result<Vec<UserId>, Error> {
        let Some(body) = content.body.as_ref().filter(|_| content_type.is_text()) else { return Ok(vec![]) };
        let mut mentions = vec![];
        for username in mentioned(body.as_str()).take(MOST_MENTIONS) {
            if let Some(user) = self.user_named(&username).await?
                && !mentions.contains(&user)
            {
                mentions.push(user);
            }
        }
        Ok(mentions)
    }

    /// Writes a message anew; only its sender may, and only while in the conversation.
    pub async fn edit(
        &self,
        id: MessageId,
        by: UserId,
        changed: Edit,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let (standing, sent) = self.visible_message(id, by).await?;
        standing.member()?;
        let edited = self.0.messages.peek(StreamId::Message(id), |state| state.edited.clone()).await?;
        let present = edited.or_else(|| sent.content.clear().cloned());
        let subject = changed.subject.unwrap_or_else(|| present.and_then(|content| content.subject));
        let content = MessageContent { subject, body: Some(changed.body) };
        let mut mentions = self.mentions(&content, &sent.content_type).await?;
        let mut members = vec![];
        for user in mentions.drain(..) {
            if self.standing(id.conversation, user).await?.member().is_ok() {
                members.push(user);
            }
        }
        self.act(id, by, sent, MessageAction::Edit { content, mentions: members }, context).await
    }

    /// Deletes a message for everyone and destroys its key; only its sender may.
    pub async fn delete_for_everyone(
        &self,
        id: MessageId,
        by: UserId,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let (_, sent) = self.visible_message(id, by).await?;
        let key = sent.key;
        let outcome = self.act(id, by, sent, MessageAction::Delete, context).await?;
        self.0.shared.codec().keyring().destroy(&[key]).await?;
        Ok(outcome)
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
        let (standing, sent) = self.visible_message(id, by).await?;
        standing.member()?;
        let action = if there { MessageAction::React(emoji) } else { MessageAction::Unreact(emoji) };
        self.act(id, by, sent, action, context).await
    }

    /// Pins or unpins a message: owner and admins, or anybody in a direct conversation.
    pub async fn pin(&self, id: MessageId, by: UserId, there: bool, context: &Context) -> Result<Outcome<()>, Error> {
        let (standing, sent) = self.visible_message(id, by).await?;
        if standing.member()?.role < MemberRole::Admin && !standing.equals {
            return Err(ConversationRefusal::NotAnAdmin.into());
        }
        self.act(id, by, sent, if there { MessageAction::Pin } else { MessageAction::Unpin }, context).await
    }

    async fn act(
        &self,
        id: MessageId,
        by: UserId,
        sent: MessageSent,
        action: MessageAction,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let origin = Origin { sender: sent.sender, key: sent.key, author_key: sent.author_key, content: sent.content };
        let command = MessageCommand { by, origin, at: context.now, action };
        Ok(self.0.messages.execute(StreamId::Message(id), &command, context).await?.map(drop))
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
            | ConversationEvent::MemberRoleChanged(_) => Err(Error::NoSuchMessage),
        }
    }
}

fn sent(conversation: ConversationId, version: u64, event: ConversationEvent) -> Option<Sent> {
    match event {
        ConversationEvent::MessageSent(event) => {
            Some(Sent { id: MessageId { conversation, seq: event.seq, version }, event })
        }
        ConversationEvent::Started(_)
        | ConversationEvent::Renamed(_)
        | ConversationEvent::MemberAdded(_)
        | ConversationEvent::MemberRemoved(_)
        | ConversationEvent::MemberRoleChanged(_) => None,
    }
}

/// The usernames that a text names: `@` at its start or after something that cannot be part of an address, then the
/// longest run of username characters, without the punctuation that ends a sentence.
fn mentioned(text: &str) -> impl Iterator<Item = Username> + '_ {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    text.match_indices('@').filter_map(move |(at, _)| {
        if text[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || in_name(before)) {
            return None;
        }
        let rest = &text[at + 1..];
        let end = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
        Username::parse(rest[..end].trim_end_matches(['.', '-'])).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_an_at_sign_and_a_username_but_not_an_address() {
        let names = |text: &str| mentioned(text).map(Username::into_string).collect::<Vec<_>>();
        assert_eq!(names("@ada, (@Grace_H) and @linus."), ["ada", "grace_h", "linus"]);
        assert_eq!(names("mail ada@example.org or @ or @x"), Vec::<String>::new());
    }
}
