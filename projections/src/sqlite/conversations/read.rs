//! Rows by their keys.

use rusqlite::{OptionalExtension, Row, params};
use tidings_domain::{AttachmentId, ConversationId, ScheduledId, UserId};

use crate::{
    fold::{
        Done,
        conversations::{
            attachments::AttachmentRow,
            erasures::RetainedRow,
            tables::{
                Changes, ConversationRow, ConversationTables, Exception, Member, MessageRow, Place, ReactionCount,
                STRETCH_BITS, ScheduledRow, key,
            },
        },
    },
    sqlite::{backend::SqliteBackend, ids::Id16},
};

impl ConversationTables for SqliteBackend {
    const TOGETHER: bool = false;

    async fn next_number(&mut self) -> Done<i64> {
        let number = self.db.query_row(
            "SELECT 1 + max((SELECT coalesce(max(number), 0) FROM conversations),
                            (SELECT coalesce(max(ordinal), 0) FROM parked))",
            [],
            |row| row.get(0),
        )?;
        Ok(number)
    }

    async fn conversations(&mut self, ids: &[ConversationId]) -> Done<Vec<ConversationRow>> {
        let mut statement = self.db.prepare_cached(
            "SELECT number, id, kind, name, created_at, started, joined, members, last_seq, last_deleted_seq, activity,
                    latest_at
             FROM conversations WHERE id = ?",
        )?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(statement.query_row([id.as_bytes()], conversation).optional()?);
        }
        Ok(found)
    }

    async fn members(&mut self, places: &[Place]) -> Done<Vec<(Place, Member)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT role, joined, joined_at, joined_seq, left_seq, left_position, sent_seq, mark, delivered, exceptions,
                    adjust, muted, archived
             FROM members WHERE user = ? AND conversation = ?",
        )?;
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let (number, user) = place;
            let row = statement.query_row(params![user.as_bytes(), number], member).optional()?;
            found.extend(row.map(|row| (*place, row)));
        }
        Ok(found)
    }

    async fn messages(&mut self, keys: &[i64]) -> Done<Vec<MessageRow>> {
        let mut statement = self.db.prepare_cached(
            "SELECT key, position, version, sender, at, latest_at, content_type, reply_to, mentions, subject, body,
                    edited_at, deleted_at, pinned_at, reactions, attachments
             FROM messages WHERE key = ?",
        )?;
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.extend(statement.query_row([key], message).optional()?);
        }
        Ok(found)
    }

    async fn last_edit(&mut self, key: i64) -> Done<i64> {
        let mut statement =
            self.db.prepare_cached("SELECT coalesce(max(edit), 0) FROM message_versions WHERE key = ?")?;
        Ok(statement.query_row([key], |row| row.get(0))?)
    }

    async fn reaction(&mut self, key: i64, emoji: &str, user: UserId) -> Done<bool> {
        let mut statement =
            self.db.prepare_cached("SELECT 1 FROM reactions WHERE key = ? AND emoji = ? AND user = ?")?;
        Ok(statement.exists(params![key, emoji, user.as_bytes()])?)
    }

    async fn reaction_count(&mut self, key: i64, emoji: &str) -> Done<Option<ReactionCount>> {
        let mut statement =
            self.db.prepare_cached("SELECT first, count FROM reaction_counts WHERE key = ? AND emoji = ?")?;
        let count = |row: &Row<'_>| Ok(ReactionCount { first: row.get(0)?, count: row.get(1)? });
        Ok(statement.query_row(params![key, emoji], count).optional()?)
    }

    async fn exceptions(&mut self, (number, user): Place) -> Done<Vec<(i64, Exception)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT key, hidden, mark, counts FROM exceptions WHERE user = ? AND key >= ? AND key < ?",
        )?;
        let rows = statement.query_map(params![user.as_bytes(), key(number, 0), key(number + 1, 0)], |row| {
            Ok((row.get(0)?, Exception { hidden: row.get(1)?, mark: row.get(2)?, counts: row.get(3)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn excepting(&mut self, key: i64) -> Done<Vec<UserId>> {
        let mut statement = self.db.prepare_cached("SELECT user FROM exceptions WHERE key = ?")?;
        let rows = statement.query_map([key], |row| Ok(row.get::<_, Id16<UserId>>(0)?.0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn closed(&mut self) -> Done<Vec<(UserId, i64)>> {
        let mut statement = self.db.prepare_cached("SELECT user, at FROM closed")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, Id16<UserId>>(0)?.0, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn written_by(&mut self, sender: UserId) -> Done<Vec<(i64, ConversationId)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT m.key, c.id FROM authors a
             CROSS JOIN messages m ON m.key >= a.stretch << ?2 AND m.key < (a.stretch + 1) << ?2 AND m.sender = a.user
             CROSS JOIN conversations c ON c.number = m.key >> 32
             WHERE a.user = ?1 AND m.deleted_at IS NULL",
        )?;
        let rows = statement.query_map(params![sender.as_bytes(), STRETCH_BITS], |row| {
            Ok((row.get(0)?, row.get::<_, Id16<ConversationId>>(1)?.0))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn scheduled(&mut self, ids: &[ScheduledId]) -> Done<Vec<ScheduledRow>> {
        Ok(super::schedules::by_ids(&self.db, ids)?)
    }

    async fn scheduled_of(&mut self, owner: UserId) -> Done<Vec<ScheduledRow>> {
        Ok(super::schedules::of(&self.db, owner)?)
    }

    async fn attachments(&mut self, ids: &[AttachmentId]) -> Done<Vec<(AttachmentId, AttachmentRow)>> {
        Ok(super::attachments::read(&self.db, ids)?)
    }

    async fn uploaded_by(&mut self, uploader: UserId) -> Done<Vec<AttachmentId>> {
        Ok(super::attachments::uploaded_by(&self.db, uploader)?)
    }

    async fn retained(&mut self, number: i64) -> Done<Option<RetainedRow>> {
        Ok(super::erasures::retained(&self.db, number)?)
    }

    async fn write(&mut self, changes: &Changes<'_>) -> Done {
        super::write::write(&self.db, changes)?;
        if let Some(touched) = self.touching() {
            touched.by_conversations(changes);
        }
        Ok(())
    }
}

fn conversation(row: &Row<'_>) -> rusqlite::Result<ConversationRow> {
    Ok(ConversationRow {
        number: row.get(0)?,
        id: row.get::<_, Id16<ConversationId>>(1)?.0,
        group: row.get(2)?,
        name: row.get(3)?,
        created_at: row.get(4)?,
        started: row.get(5)?,
        joined: row.get(6)?,
        members: row.get(7)?,
        last_seq: row.get(8)?,
        last_deleted_seq: row.get(9)?,
        activity: row.get(10)?,
        latest_at: row.get(11)?,
    })
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
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

fn message(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    Ok(MessageRow {
        key: row.get(0)?,
        position: row.get(1)?,
        version: row.get(2)?,
        sender: row.get::<_, Id16<UserId>>(3)?.0,
        at: row.get(4)?,
        latest_at: row.get(5)?,
        content_type: row.get(6)?,
        reply_to: row.get(7)?,
        mentions: row.get(8)?,
        subject: row.get(9)?,
        body: row.get(10)?,
        edited_at: row.get(11)?,
        deleted_at: row.get(12)?,
        pinned_at: row.get(13)?,
        reactions: row.get(14)?,
        attachments: row.get(15)?,
        stored: true,
    })
}
