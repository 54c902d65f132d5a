//! The rows that many events change: kept in memory over a batch and written once, changed or not by how many.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::{ConversationId, UserId};

use crate::sqlite::error::FoldError;

/// How many rows of each kind stay in memory between batches.
const KEPT: usize = 30_000;

/// A row of `conversations`, but for its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) number: i64,
    pub(super) joined: i64,
    pub(super) members: i64,
    pub(super) last_seq: i64,
    pub(super) last_deleted_seq: i64,
    pub(super) activity: i64,
    pub(super) latest_at: i64,
}

impl Conversation {
    /// The key of message number `seq`.
    pub(super) const fn key(&self, seq: i64) -> i64 {
        key(self.number, seq)
    }
}

/// The key of message number `seq` of conversation number `number`.
pub(in crate::sqlite) const fn key(number: i64, seq: i64) -> i64 {
    number << 32 | seq
}

/// The conversation's number and the `seq` of a key.
pub(in crate::sqlite) const fn unkey(key: i64) -> (i64, i64) {
    (key >> 32, key & 0xffff_ffff)
}

/// A row of `members`, but for its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) role: i64,
    pub(super) joined: i64,
    pub(super) joined_at: i64,
    pub(super) joined_seq: i64,
    pub(super) left_seq: Option<i64>,
    pub(super) left_position: Option<i64>,
    pub(super) sent_seq: i64,
    pub(super) mark: i64,
    pub(super) delivered: i64,
    pub(super) exceptions: i64,
    pub(super) adjust: i64,
    pub(super) muted: bool,
    pub(super) archived: bool,
}

impl Member {
    /// The mark that their own sending and joining implies.
    pub(super) fn floor(&self) -> i64 {
        self.joined_seq.max(self.sent_seq)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            role: row.get(0)?,
            joined: row.get(1)?,
            joined_at: row.get(2)?,
            joined_seq: row.get(3)?,
            left_seq: row.get(4)?,
            left_position: row.get(5)?,
            sent_seq: row.get(6)?,
            mark: row.get(7)?,
            delivered: row.get(8)?,
            exceptions: row.get(9)?,
            adjust: row.get(10)?,
            muted: row.get(11)?,
            archived: row.get(12)?,
        })
    }

    fn write(&self, db: &Connection, number: i64, user: UserId) -> rusqlite::Result<()> {
        db.prepare_cached("INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                user.as_bytes(),
                number,
                self.role,
                self.joined,
                self.joined_at,
                self.joined_seq,
                self.left_seq,
                self.left_position,
                self.sent_seq,
                self.mark,
                self.delivered,
                self.exceptions,
                self.adjust,
                self.muted,
                self.archived,
            ])?;
        Ok(())
    }
}

struct Kept<T> {
    row: T,
    changed: bool,
}

/// Conversations and members, as they will stand when all is written.
#[derive(Default)]
pub(super) struct Rows {
    conversations: HashMap<ConversationId, Kept<Conversation>>,
    members: HashMap<(i64, UserId), Kept<Option<Member>>>,
    changed_conversations: Vec<ConversationId>,
    changed_members: Vec<(i64, UserId)>,
}

impl Rows {
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A conversation that was just inserted.
    pub(super) fn started(&mut self, id: ConversationId, row: Conversation) {
        self.conversations.insert(id, Kept { row, changed: false });
    }

    /// A conversation, to be read.
    pub(super) fn conversation(&mut self, db: &Connection, id: ConversationId) -> Result<&Conversation, FoldError> {
        Ok(&self.load_conversation(db, id)?.row)
    }

    /// A conversation, to be changed.
    pub(super) fn change_conversation(
        &mut self,
        db: &Connection,
        id: ConversationId,
    ) -> Result<&mut Conversation, FoldError> {
        if !self.load_conversation(db, id)?.changed {
            self.changed_conversations.push(id);
        }
        let kept = self.load_conversation(db, id)?;
        kept.changed = true;
        Ok(&mut kept.row)
    }

    fn load_conversation(&mut self, db: &Connection, id: ConversationId) -> Result<&mut Kept<Conversation>, FoldError> {
        use std::collections::hash_map::Entry;
        match self.conversations.entry(id) {
            Entry::Occupied(kept) => Ok(kept.into_mut()),
            Entry::Vacant(place) => {
                let row = read_conversation(db, id)?.ok_or_else(|| FoldError::data("its conversation is not there"))?;
                Ok(place.insert(Kept { row, changed: false }))
            }
        }
    }

    /// Somebody's place in a conversation, if they ever had one; to be changed when there is one, or to be filled.
    pub(super) fn member_slot(
        &mut self,
        db: &Connection,
        number: i64,
        user: UserId,
    ) -> Result<&mut Option<Member>, FoldError> {
        use std::collections::hash_map::Entry;
        let kept = match self.members.entry((number, user)) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(place) => place.insert(Kept { row: read_member(db, number, user)?, changed: false }),
        };
        if !kept.changed {
            kept.changed = true;
            self.changed_members.push((number, user));
        }
        Ok(&mut kept.row)
    }

    /// Somebody who is or was in a conversation, to be changed.
    pub(super) fn member(&mut self, db: &Connection, number: i64, user: UserId) -> Result<&mut Member, FoldError> {
        let slot = self.member_slot(db, number, user)?;
        slot.as_mut().ok_or_else(|| FoldError::data("this person was never in the conversation"))
    }

    pub(super) fn flush(&mut self, db: &Connection) -> Result<(), FoldError> {
        for id in self.changed_conversations.drain(..) {
            if let Some(kept) = self.conversations.get_mut(&id) {
                write_conversation(db, &kept.row)?;
                kept.changed = false;
            }
        }
        // neighbours in the table are written one after the other
        self.changed_members.sort_unstable_by_key(|(number, user)| (*user, *number));
        for (number, user) in self.changed_members.drain(..) {
            if let Some(kept) = self.members.get_mut(&(number, user)) {
                if let Some(member) = &kept.row {
                    member.write(db, number, user)?;
                }
                kept.changed = false;
            }
        }
        if self.members.len() > KEPT || self.conversations.len() > KEPT {
            self.forget();
        }
        Ok(())
    }
}

fn read_conversation(db: &Connection, id: ConversationId) -> rusqlite::Result<Option<Conversation>> {
    db.prepare_cached(
        "SELECT number, joined, members, last_seq, last_deleted_seq, activity, latest_at FROM conversations WHERE id = ?",
    )?
    .query_row([id.as_bytes()], |row| {
        Ok(Conversation {
            number: row.get(0)?,
            joined: row.get(1)?,
            members: row.get(2)?,
            last_seq: row.get(3)?,
            last_deleted_seq: row.get(4)?,
            activity: row.get(5)?,
            latest_at: row.get(6)?,
        })
    })
    .optional()
}

fn write_conversation(db: &Connection, row: &Conversation) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE conversations SET joined = ?, members = ?, last_seq = ?, last_deleted_seq = ?, activity = ?, latest_at = ?
         WHERE number = ?",
    )?
    .execute(params![
        row.joined,
        row.members,
        row.last_seq,
        row.last_deleted_seq,
        row.activity,
        row.latest_at,
        row.number
    ])?;
    Ok(())
}

fn read_member(db: &Connection, number: i64, user: UserId) -> rusqlite::Result<Option<Member>> {
    db.prepare_cached(
        "SELECT role, joined, joined_at, joined_seq, left_seq, left_position, sent_seq, mark, delivered, exceptions, adjust,
                muted, archived
         FROM members WHERE user = ? AND conversation = ?",
    )?
    .query_row(params![user.as_bytes(), number], Member::read)
    .optional()
}
