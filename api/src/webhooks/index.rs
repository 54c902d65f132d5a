//! Which webhooks an event may be for.

use std::collections::{HashMap, HashSet};

use tidings_domain::{
    ConversationId, Event, StreamId, UserId, WebhookId, conversation::ConversationEvent, user::UserEvent,
    webhook::WebhookEvent,
};

/// Owners by the conversations they are or were in, and their webhooks. It may name too many, never too few: who may see what
/// is judged for each event when it is delivered.
#[derive(Debug, Default)]
pub(super) struct Index {
    webhooks: HashMap<UserId, HashSet<WebhookId>>,
    owners: HashMap<ConversationId, HashSet<UserId>>,
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asks {
    /// There may be something new for these.
    News(Vec<WebhookId>),
    /// This webhook is not what it was.
    Changed(WebhookId),
    /// These may go on, or must stop.
    ChangedAll(Vec<WebhookId>),
    /// Nothing.
    Nothing,
}

impl Index {
    pub(super) fn is_empty(&self) -> bool {
        self.webhooks.is_empty()
    }

    pub(super) fn knows(&self, owner: UserId) -> bool {
        self.webhooks.contains_key(&owner)
    }

    pub(super) fn add(&mut self, webhook: WebhookId, owner: UserId) {
        self.webhooks.entry(owner).or_default().insert(webhook);
    }

    pub(super) fn joined(&mut self, owner: UserId, conversations: impl IntoIterator<Item = ConversationId>) {
        for conversation in conversations {
            self.owners.entry(conversation).or_default().insert(owner);
        }
    }

    pub(super) fn remove(&mut self, webhook: WebhookId) {
        self.webhooks.retain(|_, webhooks| {
            webhooks.remove(&webhook);
            !webhooks.is_empty()
        });
        let Self { webhooks, owners } = self;
        owners.retain(|_, owners| {
            owners.retain(|owner| webhooks.contains_key(owner));
            !owners.is_empty()
        });
    }

    pub(super) fn of(&self, owner: UserId) -> Vec<WebhookId> {
        self.webhooks.get(&owner).into_iter().flatten().copied().collect()
    }

    fn in_conversation(&self, conversation: ConversationId) -> Vec<WebhookId> {
        let owners = self.owners.get(&conversation).into_iter().flatten();
        owners.flat_map(|owner| self.of(*owner)).collect()
    }

    /// What an event of the log asks for. Notes who comes into a conversation by it.
    pub(super) fn follow(&mut self, stream: &StreamId, event: &Event) -> Asks {
        match (stream, event) {
            (StreamId::Webhook(id), Event::Webhook(event)) => match event {
                // whoever delivers has written these, and knows
                WebhookEvent::Delivered(_) | WebhookEvent::Failing(_) => Asks::Nothing,
                WebhookEvent::Created(_)
                | WebhookEvent::Changed(_)
                | WebhookEvent::SecretRotated(_)
                | WebhookEvent::Paused(_)
                | WebhookEvent::Resumed(_)
                | WebhookEvent::Moved(_)
                | WebhookEvent::Deleted(_) => Asks::Changed(*id),
            },
            (StreamId::User(user), Event::User(UserEvent::Reinstated(_) | UserEvent::Suspended(_))) => {
                Asks::ChangedAll(self.of(*user))
            }
            (StreamId::Conversation(conversation), Event::Conversation(event)) => {
                match event {
                    ConversationEvent::Started(event) => self.come(*conversation, &event.members),
                    ConversationEvent::MemberAdded(event) => self.come(*conversation, &[event.user]),
                    ConversationEvent::MessageSent(_)
                    | ConversationEvent::Renamed(_)
                    | ConversationEvent::MemberRemoved(_)
                    | ConversationEvent::MemberRoleChanged(_)
                    | ConversationEvent::RetentionChanged(_)
                    | ConversationEvent::BlocksChanged(_) => {}
                }
                Asks::News(self.in_conversation(*conversation))
            }
            (StreamId::Reader(conversation, _), _) => Asks::News(self.in_conversation(*conversation)),
            (StreamId::Message(id), _) => Asks::News(self.in_conversation(id.conversation)),
            (
                StreamId::User(_)
                | StreamId::Login(..)
                | StreamId::Session(_)
                | StreamId::Conversation(_)
                | StreamId::Attachment(_)
                | StreamId::Request(_)
                | StreamId::Contact(_)
                | StreamId::Factor(_)
                | StreamId::Devices(_)
                | StreamId::Attempts(_)
                | StreamId::Schedule(_)
                | StreamId::Webhook(_)
                | StreamId::Access(_)
                | StreamId::Holds,
                _,
            ) => Asks::Nothing,
        }
    }

    fn come(&mut self, conversation: ConversationId, users: &[UserId]) {
        for user in users.iter().filter(|user| self.webhooks.contains_key(user)) {
            self.owners.entry(conversation).or_default().insert(*user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_domain::{Timestamp, reader::ReadUpTo};
    use uuid::Uuid;

    #[test]
    fn an_event_asks_for_the_webhooks_of_those_who_are_there() {
        let user = |n| UserId::new(Uuid::from_u128(n));
        let webhook = |n| WebhookId::new(Uuid::from_u128(n));
        let here = ConversationId::new(Uuid::from_u128(9));
        let read = Event::Reader(ReadUpTo { seq: 1, at: Timestamp::from_millis(0) }.into());
        let mut index = Index::default();
        index.add(webhook(1), user(1));
        index.add(webhook(2), user(2));
        index.joined(user(1), [here]);
        assert_eq!(index.follow(&StreamId::Reader(here, user(3)), &read), Asks::News(vec![webhook(1)]));
        index.come(here, &[user(2), user(3)]);
        index.remove(webhook(1));
        assert_eq!(index.follow(&StreamId::Reader(here, user(3)), &read), Asks::News(vec![webhook(2)]));
        index.remove(webhook(2));
        assert!(index.is_empty() && index.owners.is_empty());
    }
}
