//! Where somebody stands in a conversation, and what follows from it for what they see.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::{ConversationId, MessageId, UserId};

use crate::{
    fold::{conversations::key, unsigned},
    sqlite::ids::Id16,
    viewing::{Viewer, kind},
};

/// The columns that [`Viewer::read`] takes, of `conversations c` and `members m`.
pub(super) const COLUMNS: &str = "c.id, c.number, c.kind, c.created_at, c.members, c.last_seq, c.last_deleted_seq, \
    c.activity, c.latest_at, m.role, m.joined_seq, m.left_seq, m.left_position, m.mark, m.exceptions, m.adjust, m.muted, \
    m.archived";

impl Viewer {
    pub(super) fn read(user: UserId, row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            user,
            id: row.get::<_, Id16<ConversationId>>(0)?.0,
            number: row.get(1)?,
            kind: kind(row.get(2)?),
            created_at: row.get(3)?,
            members: row.get(4)?,
            last_seq: row.get(5)?,
            last_deleted_seq: row.get(6)?,
            activity: row.get(7)?,
            latest_at: row.get(8)?,
            role: row.get(9)?,
            joined_seq: row.get(10)?,
            left_seq: row.get(11)?,
            left_position: row.get(12)?,
            mark: row.get(13)?,
            exceptions: row.get(14)?,
            adjust: row.get(15)?,
            muted: row.get(16)?,
            archived: row.get(17)?,
        })
    }

    /// Somebody in a conversation; none when they never were in it.
    pub(super) fn find(db: &Connection, user: UserId, id: ConversationId) -> rusqlite::Result<Option<Self>> {
        db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM conversations c JOIN members m ON m.user = ?1 AND m.conversation = c.number
             WHERE c.id = ?2"
        ))?
        .query_row(params![user.as_bytes(), id.as_bytes()], |row| Self::read(user, row))
        .optional()
    }

    /// Somebody who never was in a conversation and is shown all of it; none where there is none.
    pub(super) fn outside(db: &Connection, user: UserId, id: ConversationId) -> rusqlite::Result<Option<Self>> {
        db.prepare_cached(
            "SELECT id, number, kind, created_at, members, last_seq, last_deleted_seq, activity, latest_at, 0, 0, NULL, NULL,
                    last_seq, 0, 0, FALSE, FALSE
             FROM conversations WHERE id = ?",
        )?
        .query_row([id.as_bytes()], |row| Self::read(user, row))
        .optional()
    }

    /// `last - mark - deleted above it + exceptions`: exact, whatever the size of the conversation.
    pub(super) fn unread(&self, db: &Connection) -> rusqlite::Result<i64> {
        if self.left_seq.is_some() {
            return Ok(0);
        }
        let deleted: i64 = if self.last_deleted_seq > self.mark {
            db.prepare_cached("SELECT count(*) FROM messages WHERE deleted_at IS NOT NULL AND key > ? AND key <= ?")?
                .query_row([self.key(self.mark), self.key(self.last_seq)], |row| row.get(0))?
        } else {
            0
        };
        Ok((self.last_seq - self.mark - deleted + self.adjust).max(0))
    }

    /// How many of the unread messages mention them.
    pub(super) fn unread_mentions(&self, db: &Connection) -> rusqlite::Result<i64> {
        let (first, mark, last) = (self.key(0), self.mark_key(), self.key(self.last_seq));
        if self.exceptions == 0 {
            return db
                .prepare_cached("SELECT count(*) FROM mentions WHERE user = ? AND key > ? AND key <= ?")?
                .query_row(params![self.user.as_bytes(), mark, last], |row| row.get(0));
        }
        db.prepare_cached(
            "SELECT count(*) FROM mentions n LEFT JOIN exceptions e ON e.user = n.user AND e.key = n.key
             WHERE n.user = ? AND n.key > ? AND n.key <= ?
               AND CASE WHEN n.key > ? THEN coalesce(e.counts, 0) = 0 ELSE e.counts = 1 END",
        )?
        .query_row(params![self.user.as_bytes(), first, last, mark], |row| row.get(0))
    }
}

/// The id of message number `seq`; none for 0, and for one that is not there.
pub(super) fn message_id(
    db: &Connection,
    conversation: ConversationId,
    number: i64,
    seq: i64,
) -> rusqlite::Result<Option<MessageId>> {
    if seq == 0 {
        return Ok(None);
    }
    let version: Option<i64> = db
        .prepare_cached("SELECT version FROM messages WHERE key = ?")?
        .query_row([key(number, seq)], |row| row.get(0))
        .optional()?;
    Ok(version.map(|version| MessageId { conversation, seq: unsigned(seq), version: unsigned(version) }))
}

/// The `seq` of the newest message at or before a position; 0 for none. Positions rise with `seq`, and `seq` has no
/// gaps, so a few probes find it.
pub(super) fn seq_at(db: &Connection, number: i64, last_seq: i64, position: i64) -> rusqlite::Result<i64> {
    first_seq(db, number, last_seq, "SELECT position > ?2 FROM messages WHERE key = ?1", position).map(|seq| seq - 1)
}

/// The first `seq` at or before which there is a message from `time` or later; `last_seq + 1` for none.
pub(super) fn seq_since(db: &Connection, number: i64, last_seq: i64, time: i64) -> rusqlite::Result<i64> {
    first_seq(db, number, last_seq, "SELECT latest_at >= ?2 FROM messages WHERE key = ?1", time)
}

/// The first `seq` for which a condition holds that holds for all after it.
fn first_seq(db: &Connection, number: i64, last_seq: i64, holds: &str, bound: i64) -> rusqlite::Result<i64> {
    let mut probe = db.prepare_cached(holds)?;
    let (mut low, mut high) = (1, last_seq + 1);
    while low < high {
        let middle = i64::midpoint(low, high);
        // what is parked leaves a gap at the end only
        let held = probe.query_row([key(number, middle), bound], |row| row.get(0)).optional()?.unwrap_or(true);
        if held { high = middle } else { low = middle + 1 }
    }
    Ok(low)
}
