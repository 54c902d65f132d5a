//! What deciding about a conversation needs to know: who is in it and how many messages it has. Never the messages.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    ConversationCommand, ConversationEvent, ConversationKind, ConversationRefusal, ConversationStarted,
    DirectBlocksChanged, MemberRole, MessageSent,
};
use crate::{
    Decider, KeyId, Timestamp, UserId,
    values::{ConversationName, Retention},
};

/// Somebody who is or was in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What they may do; what they were, when they are gone.
    pub role: MemberRole,
    /// Whether they are in it now.
    pub present: bool,
    /// How many joined before, which orders members by how long they have been there.
    pub order: u64,
    /// The conversation's last `seq` when they last joined: nothing up to there counts as unread.
    pub joined_seq: u64,
    /// The `seq` of the last message they sent; 0 for none.
    pub sent_seq: u64,
    /// The conversation's last `seq` when they left: they see nothing after it.
    pub left_seq: u64,
}

impl Member {
    /// The mark that their own doing in the conversation implies, whatever they have read.
    pub fn floor(&self) -> u64 {
        self.joined_seq.max(self.sent_seq)
    }
}

/// A conversation that was started, or one of two people that is known only for a block between them: nobody is in that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Direct or group.
    pub kind: ConversationKind,
    /// The key of its name.
    pub key: KeyId,
    /// The name of a group.
    pub name: Option<ConversationName>,
    /// Everybody who is or was in it.
    pub people: HashMap<UserId, Member>,
    /// How many are in it now.
    pub member_count: u64,
    /// The `seq` of the last message; 0 for none.
    pub last_seq: u64,
    /// When it was started.
    pub created_at: Timestamp,
    joined: u64,
    /// Who of the two of a direct conversation blocks the other.
    pub blocked_by: Vec<UserId>,
    /// How often that changed.
    pub block_changes: u64,
    /// How long its messages are kept; none for ever.
    pub retention: Option<Retention>,
}

impl Conversation {
    fn started(event: &ConversationStarted) -> Self {
        let mut conversation = Self {
            kind: event.kind,
            key: event.key,
            name: event.name.clear().cloned().flatten(),
            people: HashMap::new(),
            member_count: 0,
            last_seq: 0,
            created_at: event.at,
            joined: 0,
            blocked_by: vec![],
            block_changes: 0,
            retention: None,
        };
        for member in &event.members {
            let owns = event.kind == ConversationKind::Group && *member == event.by;
            conversation.join(*member, if owns { MemberRole::Owner } else { MemberRole::Member });
        }
        conversation
    }

    /// What is known of one of two people that is not started: that one of them blocks the other.
    fn unstarted(event: &DirectBlocksChanged) -> Self {
        Self {
            kind: ConversationKind::Direct,
            key: KeyId(0),
            name: None,
            people: HashMap::new(),
            member_count: 0,
            last_seq: 0,
            created_at: event.at,
            joined: 0,
            blocked_by: event.blocked_by.clone(),
            block_changes: event.changes,
            retention: None,
        }
    }

    /// Whether it was started: somebody is or was in it.
    pub fn is_started(&self) -> bool {
        !self.people.is_empty()
    }

    /// Whether the other of the two blocks this one.
    pub fn stops(&self, user: UserId) -> bool {
        self.blocked_by.iter().any(|by| *by != user)
    }

    /// Somebody who is in it now.
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.people.get(&user).filter(|member| member.present)
    }

    /// Whether this person sees message number `seq`: members see all, those who left what was sent until then.
    pub fn shows(&self, user: UserId, seq: u64) -> bool {
        self.people
            .get(&user)
            .is_some_and(|person| seq >= 1 && seq <= self.last_seq && (person.present || seq <= person.left_seq))
    }

    /// Who owns the group when `leaving` is gone: the longest-standing admin, else the longest-standing member.
    pub(super) fn successor(&self, leaving: UserId) -> Option<UserId> {
        self.people
            .iter()
            .filter(|(user, person)| person.present && **user != leaving)
            .max_by_key(|(_, person)| (person.role, std::cmp::Reverse(person.order)))
            .map(|(user, _)| *user)
    }

    fn join(&mut self, user: UserId, role: MemberRole) {
        self.joined += 1;
        let (order, joined_seq) = (self.joined, self.last_seq);
        let person = self.people.entry(user).or_insert(Member {
            role,
            present: false,
            order,
            joined_seq,
            sent_seq: 0,
            left_seq: 0,
        });
        if !person.present {
            *person = Member { role, present: true, order, joined_seq, ..*person };
            self.member_count += 1;
        }
    }

    fn leave(&mut self, user: UserId) {
        let last_seq = self.last_seq;
        if let Some(person) = self.people.get_mut(&user).filter(|person| person.present) {
            person.present = false;
            person.left_seq = last_seq;
            self.member_count -= 1;
        }
    }

    fn message_sent(&mut self, event: &MessageSent) {
        self.last_seq = event.seq;
        if let Some(person) = self.people.get_mut(&event.sender) {
            person.sent_seq = event.seq;
        }
    }
}

/// `None` before anything is known of it.
pub type ConversationState = Option<Conversation>;

/// Decides about conversations.
#[derive(Debug)]
pub struct ConversationDecider;

impl Decider for ConversationDecider {
    type Command = ConversationCommand;
    type Event = ConversationEvent;
    type State = ConversationState;
    type Refusal = ConversationRefusal;

    fn name(command: &ConversationCommand) -> &'static str {
        command.into()
    }

    fn decide(
        state: &ConversationState,
        command: &ConversationCommand,
    ) -> Result<Vec<ConversationEvent>, ConversationRefusal> {
        super::decide::decide(state.as_ref(), command)
    }

    fn evolve(state: &mut ConversationState, event: &ConversationEvent) {
        let Some(conversation) = state else {
            *state = match event {
                ConversationEvent::Started(event) => Some(Conversation::started(event)),
                ConversationEvent::BlocksChanged(event) => Some(Conversation::unstarted(event)),
                ConversationEvent::Renamed(_)
                | ConversationEvent::MemberAdded(_)
                | ConversationEvent::MemberRemoved(_)
                | ConversationEvent::MemberRoleChanged(_)
                | ConversationEvent::RetentionChanged(_)
                | ConversationEvent::MessageSent(_) => None,
            };
            return;
        };
        match event {
            ConversationEvent::Started(event) => {
                if !conversation.is_started() {
                    let blocked_by = std::mem::take(&mut conversation.blocked_by);
                    let block_changes = conversation.block_changes;
                    *conversation = Conversation { blocked_by, block_changes, ..Conversation::started(event) };
                }
            }
            ConversationEvent::BlocksChanged(event) => {
                conversation.blocked_by.clone_from(&event.blocked_by);
                conversation.block_changes = event.changes;
            }
            ConversationEvent::Renamed(event) => conversation.name = event.name.clear().cloned(),
            ConversationEvent::MemberAdded(event) => conversation.join(event.user, event.role),
            ConversationEvent::MemberRemoved(event) => conversation.leave(event.user),
            ConversationEvent::MemberRoleChanged(event) => {
                if let Some(person) = conversation.people.get_mut(&event.user) {
                    person.role = event.role;
                }
            }
            ConversationEvent::RetentionChanged(event) => conversation.retention = event.retention,
            ConversationEvent::MessageSent(event) => conversation.message_sent(event),
        }
    }

    fn snapshot_format() -> Option<&'static str> {
        Some("conversation-3")
    }

    fn parts(state: &ConversationState) -> usize {
        state.as_ref().map_or(0, |conversation| conversation.people.len())
    }

    /// Messages are counted, not read.
    fn opens(event_name: &str) -> bool {
        event_name != "message_sent"
    }
}
