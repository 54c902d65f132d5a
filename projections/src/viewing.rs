//! What somebody sees of a conversation, whatever the database: where they stand, and which stretches of messages follow.

use tidings_domain::{
    ConversationId, UserId,
    conversation::{ConversationKind, MemberRole},
};
use tidings_event_store::Position;

use crate::{
    fold::{conversations::key, signed, unsigned},
    model::{Membership, Message, MessageAnchor, Page},
};

/// Somebody who is or was in a conversation, and that conversation.
#[derive(Debug)]
pub(crate) struct Viewer {
    pub(crate) user: UserId,
    pub(crate) id: ConversationId,
    pub(crate) number: i64,
    pub(crate) kind: ConversationKind,
    pub(crate) created_at: i64,
    pub(crate) members: i64,
    pub(crate) last_seq: i64,
    pub(crate) last_deleted_seq: i64,
    pub(crate) activity: i64,
    pub(crate) latest_at: i64,
    pub(crate) role: i64,
    pub(crate) joined_seq: i64,
    pub(crate) left_seq: Option<i64>,
    pub(crate) left_position: Option<i64>,
    pub(crate) mark: i64,
    pub(crate) exceptions: i64,
    pub(crate) adjust: i64,
    pub(crate) muted: bool,
    pub(crate) archived: bool,
}

impl Viewer {
    /// The last message they can see.
    pub(crate) fn last_visible(&self) -> i64 {
        self.left_seq.unwrap_or(self.last_seq)
    }

    /// Whether they see message number `seq`, if they have not hidden it.
    pub(crate) fn sees(&self, seq: u64) -> bool {
        (1..=self.last_visible()).contains(&signed(seq))
    }

    pub(crate) const fn key(&self, seq: i64) -> i64 {
        key(self.number, seq)
    }

    /// The key up to which all is read but exceptions. For one who left nothing counts.
    pub(crate) fn mark_key(&self) -> i64 {
        self.key(if self.left_seq.is_some() { self.last_seq } else { self.mark })
    }

    pub(crate) fn membership(&self) -> Membership {
        Membership {
            conversation: self.id,
            joined_seq: unsigned(self.joined_seq),
            left_seq: self.left_seq.map(unsigned),
            left_position: self.left_position.map(|position| Position::new(unsigned(position))),
            muted: self.muted,
        }
    }
}

pub(crate) fn role(number: i64) -> MemberRole {
    match number {
        2 => MemberRole::Owner,
        1 => MemberRole::Admin,
        _ => MemberRole::Member,
    }
}

pub(crate) const fn kind(group: bool) -> ConversationKind {
    if group { ConversationKind::Group } else { ConversationKind::Direct }
}

/// Which messages between two keys, both included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) low: i64,
    pub(crate) high: i64,
    pub(crate) newest_first: bool,
    pub(crate) unread: Option<bool>,
    /// Only what others sent.
    pub(crate) received: bool,
    pub(crate) from: Option<UserId>,
    /// Sent at or after, and before.
    pub(crate) times: Option<(i64, i64)>,
    pub(crate) limit: usize,
}

impl Stretch {
    pub(crate) const fn between(low: i64, high: i64, limit: usize) -> Self {
        Self { low, high, newest_first: true, unread: None, received: false, from: None, times: None, limit }
    }

    /// At most `limit` messages with a `seq` up to `high`, newest first, and one more that tells whether it goes on.
    /// `first_unread` is the key where unread messages begin.
    pub(crate) fn older(viewer: &Viewer, high: i64, unread: Option<bool>, first_unread: i64, limit: usize) -> Self {
        let low = if unread == Some(true) { first_unread } else { viewer.key(1) };
        let high = viewer.key(high.min(viewer.last_visible()));
        Self { unread, ..Self::between(low, high, limit + 1) }
    }

    /// The messages nearest after `seq`, oldest first.
    pub(crate) fn newer(viewer: &Viewer, seq: i64, unread: Option<bool>, first_unread: i64, limit: usize) -> Self {
        let mut low = viewer.key(seq.max(0) + 1);
        if unread == Some(true) {
            low = low.max(first_unread);
        }
        let high = viewer.key(viewer.last_visible());
        Self { unread, newest_first: false, ..Self::between(low, high, limit + 1) }
    }

    /// What was read for it as a page of at most `limit`, newest first. It goes on the way it was read.
    pub(crate) fn page(&self, mut items: Vec<Message>) -> Page<Message, MessageAnchor> {
        let limit = self.limit.saturating_sub(1);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more).map(|last| last.id.seq);
        let anchor = if self.newest_first { MessageAnchor::Before } else { MessageAnchor::After };
        if !self.newest_first {
            items.reverse();
        }
        Page { items, next: last.map(anchor) }
    }
}
