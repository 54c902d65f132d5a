//! How far a reader is, and what they see otherwise than their mark says.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::{
    ConversationId, UserId,
    reader::{DeliveredUpTo, MessageHidden, MessageMarkedRead, MessageMarkedUnread, ReadUpTo, ReaderSettingsChanged},
};

use super::{ConversationsFold, members::move_mark, state::Member};
use crate::sqlite::{error::FoldError, signed};

/// Kinds of receipts.
pub(in crate::sqlite) const READ_UP_TO: i64 = 0;
pub(in crate::sqlite) const DELIVERED_UP_TO: i64 = 1;
pub(in crate::sqlite) const THIS_ONE_READ: i64 = 2;

/// Marks of exceptions.
const NONE: i64 = 0;
const READ: i64 = 1;
const UNREAD: i64 = 2;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Exception {
    hidden: bool,
    mark: i64,
    counts: i64,
}

/// A reader, one message, and how that stands for them.
struct Reading<'a> {
    member: &'a mut Member,
    user: UserId,
    key: i64,
    seq: i64,
    /// Whether the message may count: deleted ones are counted out by themselves.
    deleted: bool,
    exception: Option<Exception>,
}

impl Reading<'_> {
    /// Replaces the exception, and its part in the unread count.
    fn set(&mut self, db: &Connection, hidden: bool, mark: i64) -> Result<(), FoldError> {
        let read = hidden || mark == READ;
        let counts = match (self.seq > self.member.mark, self.deleted) {
            (_, true) => 0,
            (true, false) => -i64::from(read),
            (false, false) => i64::from(mark == UNREAD && !hidden),
        };
        let next = (hidden || mark != NONE).then_some(Exception { hidden, mark, counts });
        self.member.adjust += counts - self.exception.map_or(0, |before| before.counts);
        self.member.exceptions += i64::from(next.is_some()) - i64::from(self.exception.is_some());
        match next {
            Some(next) => db
                .prepare_cached("INSERT OR REPLACE INTO exceptions VALUES (?, ?, ?, ?, ?)")?
                .execute(params![self.user.as_bytes(), self.key, next.hidden, next.mark, next.counts])?,
            None => db
                .prepare_cached("DELETE FROM exceptions WHERE user = ? AND key = ?")?
                .execute(params![self.user.as_bytes(), self.key])?,
        };
        self.exception = next;
        Ok(())
    }
}

impl ConversationsFold {
    fn reader(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        seq: i64,
    ) -> Result<(i64, &mut Member), FoldError> {
        let conversation = self.rows.conversation(db, id)?;
        if seq > conversation.last_seq {
            return Err(FoldError::data("this message is not there"));
        }
        let number = conversation.number;
        Ok((number, self.rows.member(db, number, user)?))
    }

    fn reading(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        seq: u64,
    ) -> Result<Reading<'_>, FoldError> {
        let seq = signed(seq);
        let (number, member) = self.reader(db, id, user, seq)?;
        let key = super::key(number, seq);
        let deleted = db
            .prepare_cached("SELECT deleted_at IS NOT NULL FROM messages WHERE key = ?")?
            .query_row([key], |row| row.get(0))
            .optional()?
            .ok_or_else(|| FoldError::data("this message is not there"))?;
        let exception = if member.exceptions == 0 { None } else { read_exception(db, user, key)? };
        Ok(Reading { member, user, key, seq, deleted, exception })
    }

    pub(super) fn read_up_to(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        event: &ReadUpTo,
    ) -> Result<(), FoldError> {
        let seq = signed(event.seq);
        let (number, member) = self.reader(db, id, user, seq)?;
        if seq < member.mark {
            return Ok(());
        }
        move_mark(db, member, number, user, seq)?;
        write_receipt(db, user, READ_UP_TO, super::key(number, seq), event.at.millis())
    }

    pub(super) fn delivered_up_to(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        event: &DeliveredUpTo,
    ) -> Result<(), FoldError> {
        let seq = signed(event.seq);
        let (number, member) = self.reader(db, id, user, seq)?;
        if seq <= member.delivered {
            return Ok(());
        }
        member.delivered = seq;
        write_receipt(db, user, DELIVERED_UP_TO, super::key(number, seq), event.at.millis())
    }

    pub(super) fn marked_read(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        event: &MessageMarkedRead,
    ) -> Result<(), FoldError> {
        let mut reading = self.reading(db, id, user, event.seq)?;
        let hidden = reading.exception.is_some_and(|exception| exception.hidden);
        if !hidden && !reading.deleted {
            let above = reading.seq > reading.member.mark;
            reading.set(db, false, if above { READ } else { NONE })?;
        }
        let key = reading.key;
        write_receipt(db, user, THIS_ONE_READ, key, event.at.millis())
    }

    /// Nothing, where the reader sent or joined since it was decided: that has read it.
    pub(super) fn marked_unread(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        event: &MessageMarkedUnread,
    ) -> Result<(), FoldError> {
        let mut reading = self.reading(db, id, user, event.seq)?;
        let hidden = reading.exception.is_some_and(|exception| exception.hidden);
        if hidden || reading.deleted {
            return Ok(());
        }
        let member = &reading.member;
        if reading.seq > member.mark {
            return reading.set(db, false, NONE);
        }
        if signed(event.floor) >= member.floor() && reading.seq > member.joined_seq {
            return reading.set(db, false, UNREAD);
        }
        Ok(())
    }

    pub(super) fn hidden(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        event: &MessageHidden,
    ) -> Result<(), FoldError> {
        self.reading(db, id, user, event.seq)?.set(db, true, NONE)
    }

    pub(super) fn settings_changed(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        event: &ReaderSettingsChanged,
    ) -> Result<(), FoldError> {
        let (_, member) = self.reader(db, id, user, 0)?;
        member.muted = event.muted.unwrap_or(member.muted);
        member.archived = event.archived.unwrap_or(member.archived);
        Ok(())
    }

    /// A message is deleted: whatever anybody marked about it counts no more; what is hidden stays hidden.
    pub(super) fn drop_exceptions(&mut self, db: &Connection, number: i64, key: i64) -> Result<(), FoldError> {
        let mut statement = db.prepare_cached("SELECT user, hidden, mark, counts FROM exceptions WHERE key = ?")?;
        let rows = statement.query_map([key], |row| {
            let exception = Exception { hidden: row.get(1)?, mark: row.get(2)?, counts: row.get(3)? };
            Ok((row.get::<_, [u8; 16]>(0)?, exception))
        })?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        for (user, exception) in rows {
            let user = UserId::new(uuid::Uuid::from_bytes(user));
            let (_, seq) = super::unkey(key);
            let member = self.rows.member(db, number, user)?;
            Reading { member, user, key, seq, deleted: true, exception: Some(exception) }.set(
                db,
                exception.hidden,
                NONE,
            )?;
        }
        Ok(())
    }
}

fn read_exception(db: &Connection, user: UserId, key: i64) -> rusqlite::Result<Option<Exception>> {
    db.prepare_cached("SELECT hidden, mark, counts FROM exceptions WHERE user = ? AND key = ?")?
        .query_row(params![user.as_bytes(), key], |row| {
            Ok(Exception { hidden: row.get(0)?, mark: row.get(1)?, counts: row.get(2)? })
        })
        .optional()
}

/// The first one counts: a mark passes a message once.
fn write_receipt(db: &Connection, user: UserId, kind: i64, key: i64, at: i64) -> Result<(), FoldError> {
    db.prepare_cached("INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?)")?.execute(params![
        user.as_bytes(),
        kind,
        key,
        at
    ])?;
    Ok(())
}
