//! How far a reader is, and what they see otherwise than their mark says.

use tidings_domain::{
    ConversationId, UserId,
    reader::{DeliveredUpTo, MessageHidden, MessageMarkedRead, MessageMarkedUnread, ReadUpTo, ReaderSettingsChanged},
};

use super::{
    ConversationsFold,
    members::move_mark,
    rows::Rows,
    tables::{ConversationTables, Exception, Member, Place, ReceiptRow, key, unkey},
};
use crate::fold::{Done, FoldError, signed};

/// Kinds of receipts.
pub(crate) const READ_UP_TO: i64 = 0;
pub(crate) const DELIVERED_UP_TO: i64 = 1;
pub(crate) const THIS_ONE_READ: i64 = 2;

/// Marks of exceptions.
const NONE: i64 = 0;
const READ: i64 = 1;
const UNREAD: i64 = 2;

/// A reader, one message, and how that stands for them.
struct Reading {
    place: Place,
    member: Member,
    key: i64,
    seq: i64,
    /// Whether the message is deleted: those are counted out by themselves.
    deleted: bool,
    exception: Option<Exception>,
}

impl Reading {
    /// Replaces the exception, and its part in the unread count.
    async fn set<T: ConversationTables>(mut self, rows: &mut Rows, tables: &mut T, hidden: bool, mark: i64) -> Done {
        let read = hidden || mark == READ;
        let counts = match (self.seq > self.member.mark, self.deleted) {
            (_, true) => 0,
            (true, false) => -i64::from(read),
            (false, false) => i64::from(mark == UNREAD && !hidden),
        };
        let next = (hidden || mark != NONE).then_some(Exception { hidden, mark, counts });
        if next == self.exception {
            return Ok(());
        }
        let exceptions = rows.exceptions(tables, self.place, &self.member).await?;
        match next {
            Some(next) => drop(exceptions.insert(self.key, next)),
            None => drop(exceptions.remove(&self.key)),
        }
        self.member.adjust += counts - self.exception.map_or(0, |before| before.counts);
        self.member.exceptions += i64::from(next.is_some()) - i64::from(self.exception.is_some());
        rows.exception_changed(self.place.1, self.key);
        rows.put_member(self.place, self.member);
        Ok(())
    }
}

impl ConversationsFold {
    async fn reader<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        seq: i64,
    ) -> Done<(Place, Member)> {
        let conversation = self.rows.conversation(tables, id).await?;
        if seq > conversation.last_seq {
            return Err(FoldError::data("this message is not there"));
        }
        let place = (conversation.number, user);
        Ok((place, self.rows.member(tables, place).await?))
    }

    async fn reading<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        seq: u64,
    ) -> Done<Reading> {
        let seq = signed(seq);
        let (place, member) = self.reader(tables, id, user, seq).await?;
        let key = key(place.0, seq);
        let deleted = self.rows.is_deleted(tables, key).await?;
        let exception = self.rows.exceptions(tables, place, &member).await?.get(&key).copied();
        Ok(Reading { place, member, key, seq, deleted, exception })
    }

    pub(super) async fn read_up_to<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        event: &ReadUpTo,
    ) -> Done {
        let seq = signed(event.seq);
        let (place, mut member) = self.reader(tables, id, user, seq).await?;
        if seq < member.mark {
            return Ok(());
        }
        move_mark(&mut self.rows, tables, place, &mut member, seq).await?;
        self.rows.put_member(place, member);
        self.receipt(user, READ_UP_TO, key(place.0, seq), event.at.millis());
        Ok(())
    }

    pub(super) async fn delivered_up_to<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        event: &DeliveredUpTo,
    ) -> Done {
        let seq = signed(event.seq);
        let (place, member) = self.reader(tables, id, user, seq).await?;
        if seq <= member.delivered {
            return Ok(());
        }
        self.rows.put_member(place, Member { delivered: seq, ..member });
        self.receipt(user, DELIVERED_UP_TO, key(place.0, seq), event.at.millis());
        Ok(())
    }

    pub(super) async fn marked_read<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        event: &MessageMarkedRead,
    ) -> Done {
        let reading = self.reading(tables, id, user, event.seq).await?;
        let key = reading.key;
        let hidden = reading.exception.is_some_and(|exception| exception.hidden);
        if !hidden && !reading.deleted {
            let above = reading.seq > reading.member.mark;
            reading.set(&mut self.rows, tables, false, if above { READ } else { NONE }).await?;
        }
        self.receipt(user, THIS_ONE_READ, key, event.at.millis());
        Ok(())
    }

    /// Nothing, where the reader sent or joined since it was decided: that has read it.
    pub(super) async fn marked_unread<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        event: &MessageMarkedUnread,
    ) -> Done {
        let reading = self.reading(tables, id, user, event.seq).await?;
        let hidden = reading.exception.is_some_and(|exception| exception.hidden);
        if hidden || reading.deleted {
            return Ok(());
        }
        let member = &reading.member;
        if reading.seq > member.mark {
            return reading.set(&mut self.rows, tables, false, NONE).await;
        }
        if signed(event.floor) >= member.floor() && reading.seq > member.joined_seq {
            return reading.set(&mut self.rows, tables, false, UNREAD).await;
        }
        Ok(())
    }

    pub(super) async fn hidden<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        event: &MessageHidden,
    ) -> Done {
        self.reading(tables, id, user, event.seq).await?.set(&mut self.rows, tables, true, NONE).await
    }

    pub(super) async fn settings_changed<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        event: &ReaderSettingsChanged,
    ) -> Done {
        let (place, member) = self.reader(tables, id, user, 0).await?;
        let muted = event.muted.unwrap_or(member.muted);
        let archived = event.archived.unwrap_or(member.archived);
        self.rows.put_member(place, Member { muted, archived, ..member });
        Ok(())
    }

    /// A message is deleted: whatever anybody marked about it counts no more; what is hidden stays hidden.
    pub(super) async fn drop_exceptions<T: ConversationTables>(&mut self, tables: &mut T, key: i64) -> Done {
        let (number, seq) = unkey(key);
        for user in self.rows.excepting(tables, key).await? {
            let place = (number, user);
            let member = self.rows.member(tables, place).await?;
            let exception = self.rows.exceptions(tables, place, &member).await?.get(&key).copied();
            let hidden = exception.is_some_and(|exception| exception.hidden);
            let reading = Reading { place, member, key, seq, deleted: true, exception };
            reading.set(&mut self.rows, tables, hidden, NONE).await?;
        }
        Ok(())
    }

    fn receipt(&mut self, user: UserId, kind: i64, key: i64, at: i64) {
        self.rows.add_receipt(ReceiptRow { user, kind, key, at });
    }
}
