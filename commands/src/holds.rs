//! Legal holds: placed, released, and asked about by whoever destroys a key.

use tidings_domain::{
    ConversationId, StreamId, UserId,
    hold::{HoldCommand, HoldTarget, Holds},
    values::HoldReason,
};

use crate::{Commands, Context, Error, Outcome};

impl Commands {
    /// Holds something that exists; what is held already gets another reason.
    pub async fn place_hold(
        &self,
        target: HoldTarget,
        reason: HoldReason,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.0.holds.recalled(StreamId::Holds, context).await? {
            return Ok(before.map(drop));
        }
        let key = self.fresh_key().await?;
        let command = HoldCommand::Place { target, reason, key, by: context.actor, at: context.now };
        Ok(self.0.holds.execute(StreamId::Holds, &command, context).await?.map(drop))
    }

    /// Holds it no more. What was to be erased meanwhile is erased by whoever follows the log.
    pub async fn release_hold(&self, target: HoldTarget, context: &Context) -> Result<Outcome<()>, Error> {
        let command = HoldCommand::Release { target, by: context.actor, at: context.now };
        Ok(self.0.holds.execute(StreamId::Holds, &command, context).await?.map(drop))
    }

    /// What is held: all that was placed before this was called, by whatever node.
    pub async fn holds(&self) -> Result<Holds, Error> {
        // having nothing to do is answered only once the log has confirmed what it was decided on
        self.0.holds.execute(StreamId::Holds, &HoldCommand::Ascertain, &Context::default()).await?;
        self.0.holds.peek(StreamId::Holds, Clone::clone).await
    }

    /// Whether a message of this conversation and sender is held now.
    pub(crate) async fn is_held(&self, conversation: ConversationId, sender: UserId) -> Result<bool, Error> {
        Ok(self.holds().await?.covers(conversation, sender))
    }

    /// Whether such a conversation was ever started.
    pub async fn is_conversation(&self, id: ConversationId) -> Result<bool, Error> {
        self.is_started(id).await
    }
}
