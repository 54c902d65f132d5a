//! Erasures: how long messages are kept, what a rule deletes, what is destroyed for what was deleted, and the receipts.

use tidings_domain::{
    ConversationId, KeyId, MessageId, StreamId, UserId,
    attachment::AttachmentRef,
    conversation::ConversationCommand,
    message::{MessageAction, MessageRefusal},
    user::{UserCommand, UserRefusal},
    values::Retention,
};

use crate::{Commands, Context, Error, Outcome, Refusal};

/// What goes with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remains {
    /// Who wrote it.
    pub sender: UserId,
    /// Its key.
    pub key: KeyId,
    /// What is attached to it.
    pub attachments: Vec<AttachmentRef>,
}

impl Remains {
    /// Every key that goes with it.
    pub fn keys(&self) -> Vec<KeyId> {
        std::iter::once(self.key).chain(self.attachments.iter().map(|file| file.key)).collect()
    }
}

impl Commands {
    /// Deletes a message for everyone with what is attached to it, and destroys their keys, unless something holds it; only
    /// its sender may.
    pub async fn delete_for_everyone(
        &self,
        id: MessageId,
        by: UserId,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let before = self.acted(id, context).await?;
        let sent = match &before {
            Some(_) => self.sent_message(id).await?,
            None => self.visible_message(id, by).await?.1,
        };
        let files = sent.attachments.clone();
        let keys: Vec<KeyId> = std::iter::once(sent.key).chain(files.iter().map(|file| file.key)).collect();
        let outcome = match before {
            Some(before) => before,
            None => self.act(id, by, sent, MessageAction::Delete, context).await?,
        };
        if self.is_held(id.conversation, by).await? {
            return Ok(outcome);
        }
        self.destroy_keys(&keys).await?;
        for file in files {
            self.remove_attachment(file.id, context).await?;
        }
        Ok(outcome)
    }

    /// Says how long a conversation's messages are kept: its owner and admins may, and operators.
    pub async fn keep_for(
        &self,
        conversation: ConversationId,
        by: UserId,
        operates: bool,
        retention: Option<Retention>,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let command = ConversationCommand::KeepFor { by, operates, retention, at: context.now };
        let stream = StreamId::Conversation(conversation);
        Ok(self.0.conversations.execute(stream, &command, context).await?.map(drop))
    }

    /// How long a conversation's messages are kept by its own rule; none for ever.
    pub async fn retention_of(&self, conversation: ConversationId) -> Result<Option<Retention>, Error> {
        self.0
            .conversations
            .peek(StreamId::Conversation(conversation), |state| state.as_ref().and_then(|state| state.retention))
            .await
    }

    /// Deletes a message that is older than its conversation's rule keeps, or than all messages are kept, unless it is held.
    /// Whether it is deleted now. Its key is destroyed by whoever follows the log.
    pub async fn expire(&self, id: MessageId, of_all: Option<Retention>, context: &Context) -> Result<bool, Error> {
        let of_its_own = self.retention_of(id.conversation).await?;
        let Some(retention) = of_its_own.into_iter().chain(of_all).min() else { return Ok(false) };
        let sent = match self.sent_message(id).await {
            Err(Error::NoSuchMessage) => return Ok(false),
            sent => sent?,
        };
        match self.act(id, sent.sender, sent, MessageAction::Expire(retention), &context.without_key()).await {
            Ok(_) => Ok(true),
            Err(Error::Refused(Refusal::Message(MessageRefusal::StillKept))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What goes with a message: to be destroyed where it is deleted.
    pub async fn remains(&self, id: MessageId) -> Result<Remains, Error> {
        let sent = self.sent_message(id).await?;
        Ok(Remains { sender: sent.sender, key: sent.key, attachments: sent.attachments })
    }

    /// Writes the receipt of a deleted message's erasure, once for ever. To be called when nothing is left of it.
    pub async fn note_message_erased(&self, id: MessageId, context: &Context) -> Result<Outcome<()>, Error> {
        let sent = self.sent_message(id).await?;
        self.act(id, sent.sender, sent, MessageAction::NoteErased, &context.without_key()).await
    }

    /// The key of an account that is closed.
    pub async fn key_of_closed(&self, user: UserId) -> Result<KeyId, Error> {
        let account = self.account(user).await?.ok_or(UserRefusal::NoSuchUser)?;
        if account.closed { Ok(account.key) } else { Err(UserRefusal::NotClosed.into()) }
    }

    /// The same of a closed account's erasure.
    pub async fn note_user_erased(&self, user: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        let command = UserCommand::NoteErased { at: context.now };
        let stream = StreamId::User(user);
        Ok(self.0.users.execute(stream, &command, &context.without_key()).await?.map(drop))
    }

    /// Whether somebody may see how long a conversation's messages are kept: those who are in it.
    pub async fn must_be_in(&self, conversation: ConversationId, user: UserId) -> Result<(), Error> {
        self.standing(conversation, user).await?.member()?;
        Ok(())
    }
}
