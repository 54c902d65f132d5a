//! Who listens, and to which conversations.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use tidings_domain::{ConversationId, SessionId, StreamId, UserId};

use super::{
    Pushed,
    happened::Whom,
    presence::Presence,
    queue::{Ended, Sending},
};

/// Names an open connection.
pub(super) type ListenerId = u64;

/// One open connection, as the hub knows it.
pub(super) struct Listener {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) queue: Sending,
    /// The conversations whose events it gets.
    pub(super) conversations: HashSet<ConversationId>,
}

/// All open connections. Dropping one's end of its queue ends it.
#[derive(Default)]
pub(super) struct Audience {
    listeners: HashMap<ListenerId, Listener>,
    by_user: HashMap<UserId, HashSet<ListenerId>>,
    by_conversation: HashMap<ConversationId, HashSet<ListenerId>>,
    next: ListenerId,
    pub(super) presence: Presence,
}

fn drop_from<K: std::hash::Hash + Eq>(index: &mut HashMap<K, HashSet<ListenerId>>, key: &K, id: ListenerId) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

impl Audience {
    pub(super) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    pub(super) fn add(&mut self, listener: Listener) -> ListenerId {
        let id = self.next;
        self.next += 1;
        self.by_user.entry(listener.user).or_default().insert(id);
        for conversation in &listener.conversations {
            self.by_conversation.entry(*conversation).or_default().insert(id);
        }
        self.listeners.insert(id, listener);
        self.count();
        id
    }

    pub(super) fn remove(&mut self, id: ListenerId) {
        let Some(listener) = self.listeners.remove(&id) else { return };
        drop_from(&mut self.by_user, &listener.user, id);
        for conversation in &listener.conversations {
            drop_from(&mut self.by_conversation, conversation, id);
        }
        if !self.listens(listener.user) {
            self.presence.left(listener.user, Instant::now());
        }
        self.count();
    }

    /// Ends all connections.
    pub(super) fn clear(&mut self) {
        for id in self.listeners.keys().copied().collect::<Vec<_>>() {
            self.remove(id);
        }
    }

    /// Whether somebody has a connection here.
    pub(super) fn listens(&self, user: UserId) -> bool {
        self.by_user.contains_key(&user)
    }

    /// Those whose last connection ended a while ago.
    pub(super) fn take_gone(&mut self, now: Instant) -> Vec<UserId> {
        let by_user = &self.by_user;
        self.presence.gone(now, |user| by_user.contains_key(&user))
    }

    fn count(&self) {
        let count = u32::try_from(self.listeners.len()).unwrap_or(u32::MAX);
        metrics::gauge!("tidings_live_connections").set(count);
    }

    /// Whether somebody listens to a conversation.
    pub(super) fn listen_to(&self, conversation: ConversationId) -> bool {
        self.by_conversation.contains_key(&conversation)
    }

    /// Whether an event of this stream could concern anybody who listens.
    pub(super) fn concerns(&self, stream: &StreamId) -> bool {
        match stream {
            // a conversation may have been started with, or joined by, somebody who listens
            StreamId::Conversation(_) | StreamId::Session(_) | StreamId::Webhook(_) => true,
            StreamId::Message(id) => self.by_conversation.contains_key(&id.conversation),
            StreamId::Reader(conversation, _) => self.by_conversation.contains_key(conversation),
            StreamId::User(user) | StreamId::Devices(user) => self.listens(*user),
            StreamId::Contact(pair) => pair.both().iter().any(|user| self.listens(*user)),
            StreamId::Login(..)
            | StreamId::Attachment(_)
            | StreamId::Request(_)
            | StreamId::Factor(_)
            | StreamId::Attempts(_)
            | StreamId::Schedule(_)
            | StreamId::Access(_)
            | StreamId::Holds => false,
        }
    }

    /// Whether somebody listens whom something concerns; whose a webhook is, is not known here.
    pub(super) fn hears_of(&self, whom: Whom) -> bool {
        match whom {
            Whom::In(conversation, only) => !self.of(conversation, only).is_empty(),
            Whom::One(user) => self.listens(user),
            Whom::Both(pair) => pair.both().iter().any(|user| self.listens(*user)),
            Whom::OwnerOf(_) => true,
        }
    }

    /// Who listens to a conversation, or the only one it concerns.
    pub(super) fn of(&self, conversation: ConversationId, only: Option<UserId>) -> Vec<(UserId, Vec<ListenerId>)> {
        let mut users: HashMap<UserId, Vec<ListenerId>> = HashMap::new();
        for id in self.by_conversation.get(&conversation).into_iter().flatten() {
            if let Some(listener) = self.listeners.get(id).filter(|one| only.is_none_or(|only| only == one.user)) {
                users.entry(listener.user).or_default().push(*id);
            }
        }
        users.into_iter().collect()
    }

    /// The connections of these people.
    pub(super) fn of_users(&self, users: &[UserId]) -> Vec<(UserId, Vec<ListenerId>)> {
        let listening = |user: &UserId| Some((*user, self.by_user.get(user)?.iter().copied().collect()));
        users.iter().filter_map(listening).collect()
    }

    pub(super) fn join(&mut self, conversation: ConversationId, users: &[UserId]) {
        for user in users {
            for id in self.by_user.get(user).into_iter().flatten() {
                self.by_conversation.entry(conversation).or_default().insert(*id);
                if let Some(listener) = self.listeners.get_mut(id) {
                    listener.conversations.insert(conversation);
                }
            }
        }
    }

    pub(super) fn leave(&mut self, conversation: ConversationId, user: UserId) {
        for id in self.by_user.get(&user).into_iter().flatten() {
            drop_from(&mut self.by_conversation, &conversation, *id);
            if let Some(listener) = self.listeners.get_mut(id) {
                listener.conversations.remove(&conversation);
            }
        }
    }

    /// Ends those connections of a user to which `over` applies.
    pub(super) fn end(&mut self, user: UserId, over: impl Fn(&Listener) -> bool) {
        let ids: Vec<ListenerId> = self.by_user.get(&user).into_iter().flatten().copied().collect();
        for id in ids {
            if self.listeners.get(&id).is_some_and(&over) {
                self.remove(id);
            }
        }
    }

    /// Queues something for connections; one whose queue is full is cut off and resumes from what it has. What is not in the
    /// log takes half a queue at most, and cuts nobody off.
    pub(super) fn queue(&mut self, listeners: &[ListenerId], pushed: &Pushed) {
        let kept = pushed.position.is_some();
        let has_room = |one: &Listener| kept || one.queue.is_half_empty();
        for id in listeners {
            let listener = self.listeners.get(id).filter(|one| has_room(one));
            let full = listener.is_some_and(|one| !one.queue.offer(pushed));
            if full && kept {
                metrics::counter!("tidings_live_cut_off_total").increment(1);
                if let Some(listener) = self.listeners.get(id) {
                    listener.queue.end(Ended::FellBehind);
                }
                self.remove(*id);
            }
        }
    }
}
