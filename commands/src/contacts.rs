//! Contacts and blocks: what two people are to each other.
//!
//! The stream of the two holds the truth. Their direct conversation's stream holds a copy of who blocks whom, written before a
//! block is answered, so that a send looks at nothing but its own conversation (ADR 0013).

use tidings_domain::{
    ConversationId, Pair, StreamId, UserId,
    contact::{Contact, ContactAction, ContactCommand, ContactRefusal, Relation},
    conversation::{Conversation, ConversationCommand, ConversationKind},
};

use crate::{Commands, Context, Error, Outcome};

impl Commands {
    /// Asks somebody who exists to be a contact, or agrees where they have asked.
    pub async fn ask_contact(&self, by: UserId, other: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        self.relate(by, other, ContactAction::Ask, context).await
    }

    /// Withdraws a request, declines one, or ends the contact.
    pub async fn end_contact(&self, by: UserId, other: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        self.relate(by, other, ContactAction::End, context).await
    }

    /// Blocks somebody, and ends whatever was between the two; or unblocks them. When it returns, nothing can be sent into
    /// the direct conversation of the two on any node that this does not allow.
    pub async fn block(&self, by: UserId, other: UserId, there: bool, context: &Context) -> Result<Outcome<()>, Error> {
        let action = if there { ContactAction::Block } else { ContactAction::Unblock };
        let outcome = self.relate(by, other, action, context).await?;
        // also after a repeated command: the first may have come no further than to here
        let copied = self.copy_blocks(by, other, context).await?;
        Ok(Outcome { position: copied.position.max(outcome.position), ..outcome })
    }

    async fn relate(
        &self,
        by: UserId,
        other: UserId,
        action: ContactAction,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let pair = Pair::of(by, other).ok_or(ContactRefusal::Oneself)?;
        let command = ContactCommand { by, action, at: context.now };
        Ok(self.0.contacts.execute(StreamId::Contact(pair), &command, context).await?.map(drop))
    }

    /// Tells the direct conversation of two, started or not, who blocks whom as of now. Copies may overtake each other: each
    /// says how many changes it knows of, and an older one changes nothing.
    async fn copy_blocks(&self, by: UserId, other: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        let (blocked_by, changes) = self
            .contact_state(by, other, |contact| {
                (contact.blocked_by.iter().copied().collect::<Vec<_>>(), contact.block_changes)
            })
            .await?;
        let conversation = ConversationId::direct(&[by, other]);
        let command = ConversationCommand::KnowBlocks { by, blocked_by, changes, at: context.now };
        let stream = StreamId::Conversation(conversation);
        Ok(self.0.conversations.execute(stream, &command, &context.without_key()).await?.map(drop))
    }

    async fn contact_state<R>(&self, one: UserId, other: UserId, look: impl Fn(&Contact) -> R) -> Result<R, Error> {
        let pair = Pair::of(one, other).ok_or(ContactRefusal::Oneself)?;
        self.0.contacts.peek(StreamId::Contact(pair), look).await
    }

    /// Whether two people are contacts of each other.
    pub async fn are_contacts(&self, one: UserId, other: UserId) -> Result<bool, Error> {
        self.contact_state(one, other, |contact| contact.relation == Relation::Accepted).await
    }

    /// Refuses where any of these people blocks this one: who is blocked brings the blocker into nothing.
    pub(crate) async fn must_be_welcome_to(&self, by: UserId, people: &[UserId]) -> Result<(), Error> {
        for person in people.iter().filter(|person| **person != by) {
            if self.contact_state(by, *person, |contact| contact.stops(by)).await? {
                return Err(ContactRefusal::Blocked.into());
            }
        }
        Ok(())
    }

    /// The same for somebody who may be added to a group. Whatever else forbids it, the conversation itself says.
    pub(crate) async fn must_be_welcome_in(
        &self,
        conversation: ConversationId,
        by: UserId,
        user: UserId,
    ) -> Result<(), Error> {
        let adds = |state: &Option<Conversation>| {
            state.as_ref().is_some_and(|conversation| {
                conversation.kind == ConversationKind::Group
                    && conversation.member(by).is_some()
                    && conversation.member(user).is_none()
            })
        };
        if self.0.conversations.peek(StreamId::Conversation(conversation), adds).await? {
            self.must_be_welcome_to(by, &[user]).await?;
        }
        Ok(())
    }
}
