//! Readers: how far they are, and what they do with single messages.

use tidings_domain::{
    ConversationId, MessageId, StreamId, UserId,
    conversation::MessageSent,
    reader::{Reader, ReaderAction, ReaderCommand, Vantage},
};

use crate::{Commands, Context, Error, Outcome, conversations::Standing};

impl Commands {
    /// Moves the read mark forward to a message.
    pub async fn read_up_to(&self, id: MessageId, by: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.has_read(id.conversation, by, context).await? {
            return Ok(before);
        }
        let (standing, _) = self.visible_or_hidden(id, by).await?;
        self.read(id.conversation, by, standing, ReaderAction::ReadUpTo(id.seq), context).await
    }

    /// Moves the delivery mark forward to a message.
    pub async fn delivered_up_to(&self, id: MessageId, by: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.has_read(id.conversation, by, context).await? {
            return Ok(before);
        }
        let (standing, _) = self.visible_or_hidden(id, by).await?;
        self.read(id.conversation, by, standing, ReaderAction::DeliveredUpTo(id.seq), context).await
    }

    /// Marks one message read.
    pub async fn mark_read(&self, id: MessageId, by: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.has_read(id.conversation, by, context).await? {
            return Ok(before);
        }
        let (standing, _) = self.visible_message(id, by).await?;
        standing.member()?;
        self.read(id.conversation, by, standing, ReaderAction::MarkRead(id.seq), context).await
    }

    /// Marks one message unread. One that may never count (one's own, a deleted one, one from before joining) stays as it
    /// is.
    pub async fn mark_unread(&self, id: MessageId, by: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.has_read(id.conversation, by, context).await? {
            return Ok(before);
        }
        let (standing, sent) = self.visible_message(id, by).await?;
        let deleted = self.0.messages.peek(StreamId::Message(id), |message| message.deleted.is_some()).await?;
        let countable = sent.sender != by && !deleted && id.seq > standing.member()?.joined_seq;
        self.read(id.conversation, by, standing, ReaderAction::MarkUnread { seq: id.seq, countable }, context).await
    }

    /// Deletes one message for this reader alone.
    pub async fn hide(&self, id: MessageId, by: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.has_read(id.conversation, by, context).await? {
            return Ok(before);
        }
        let (standing, _) = self.visible_message(id, by).await?;
        self.read(id.conversation, by, standing, ReaderAction::Hide(id.seq), context).await
    }

    /// Mutes or archives a conversation, or not any more.
    pub async fn change_settings(
        &self,
        conversation: ConversationId,
        by: UserId,
        muted: Option<bool>,
        archived: Option<bool>,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.has_read(conversation, by, context).await? {
            return Ok(before);
        }
        let standing = self.standing(conversation, by).await?;
        standing.member()?;
        self.read(conversation, by, standing, ReaderAction::Settings { muted, archived }, context).await
    }

    /// How far a reader is, by their own stream alone; what they sent moves their mark too, and stands in [`Standing`].
    pub async fn reader(&self, conversation: ConversationId, user: UserId) -> Result<Reader, Error> {
        self.0.readers.peek(StreamId::Reader(conversation, user), Clone::clone).await
    }

    /// A mark may point at a message that its reader has hidden: it is still a place in the order.
    async fn visible_or_hidden(&self, id: MessageId, by: UserId) -> Result<(Standing, MessageSent), Error> {
        let standing = self.standing(id.conversation, by).await?;
        standing.member()?;
        Ok((standing, self.sent_message(id).await?))
    }

    /// What a command with this key did for the reader before.
    async fn has_read(
        &self,
        conversation: ConversationId,
        by: UserId,
        context: &Context,
    ) -> Result<Option<Outcome<()>>, Error> {
        let before = self.0.readers.recalled(StreamId::Reader(conversation, by), context).await?;
        Ok(before.map(|before| before.map(drop)))
    }

    async fn read(
        &self,
        conversation: ConversationId,
        by: UserId,
        standing: Standing,
        action: ReaderAction,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let person = standing.person.ok_or(Error::NoSuchMessage)?;
        let last = if person.present { standing.last_seq } else { person.left_seq };
        let command = ReaderCommand { vantage: Vantage { floor: person.floor(), last }, at: context.now, action };
        Ok(self.0.readers.execute_new(StreamId::Reader(conversation, by), &command, context).await?.map(drop))
    }
}
