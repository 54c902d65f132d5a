//! Messages, and what happens to them after they were sent.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::{
    ConversationId, MessageId, UserId,
    conversation::{MessageContent, MessageSent},
    message::{MessageDeleted, MessageEdited, ReactionAdded, ReactionRemoved},
    values::{Body, Subject},
};

use super::{ConversationsFold, Place, members::move_mark};
use crate::sqlite::{error::FoldError, signed};

pub(in crate::sqlite) const PLAIN_TEXT: &str = "text/plain";

impl ConversationsFold {
    pub(super) fn message_sent(
        &mut self,
        db: &Connection,
        id: ConversationId,
        place: Place,
        event: &MessageSent,
    ) -> Result<(), FoldError> {
        let (seq, at) = (signed(event.seq), event.at.millis());
        let conversation = self.rows.change_conversation(db, id)?;
        if seq != conversation.last_seq + 1 || seq > i64::from(u32::MAX) {
            return Err(FoldError::data("it is not the conversation's next message"));
        }
        conversation.last_seq = seq;
        conversation.activity = place.position;
        conversation.latest_at = conversation.latest_at.max(at);
        let (number, key, latest_at) = (conversation.number, conversation.key(seq), conversation.latest_at);
        let member = self.rows.member(db, number, event.sender)?;
        member.sent_seq = seq;
        move_mark(db, member, number, event.sender, seq)?;
        let closed = self.closed(db)?.get(&event.sender).copied();
        let content = if closed.is_some() { None } else { event.content.clear() };
        let mentions: &[UserId] = if closed.is_some() { &[] } else { &event.mentions };
        let content_type = event.content_type.as_str();
        db.prepare_cached("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, NULL, 0)")?.execute(
            params![
                key,
                place.position,
                place.version,
                event.sender.as_bytes(),
                at,
                latest_at,
                (content_type != PLAIN_TEXT).then_some(content_type),
                event.reply_to.map(signed),
                mention_bytes(mentions),
                subject(content),
                body(content),
                closed,
            ],
        )?;
        add_mentions(db, key, mentions)?;
        if closed.is_some() {
            self.rows.change_conversation(db, id)?.last_deleted_seq = seq;
        }
        Ok(())
    }

    /// The key of a message that is there, and whether it was deleted.
    fn find(&mut self, db: &Connection, id: MessageId) -> Result<(i64, bool), FoldError> {
        let key = self.rows.conversation(db, id.conversation)?.key(signed(id.seq));
        let deleted = db
            .prepare_cached("SELECT deleted_at IS NOT NULL FROM messages WHERE key = ? AND version = ?")?
            .query_row(params![key, signed(id.version)], |row| row.get(0))
            .optional()?;
        deleted.map(|deleted| (key, deleted)).ok_or_else(|| FoldError::data("this message is not there"))
    }

    pub(super) fn edited(&mut self, db: &Connection, id: MessageId, event: &MessageEdited) -> Result<(), FoldError> {
        let (key, deleted) = self.find(db, id)?;
        if deleted {
            return Ok(());
        }
        let edit: i64 = db
            .prepare_cached("SELECT coalesce(max(edit), 0) FROM message_versions WHERE key = ?")?
            .query_row([key], |row| row.get(0))?;
        if edit == 0 {
            db.prepare_cached(
                "INSERT INTO message_versions SELECT key, 1, at, subject, body FROM messages WHERE key = ?",
            )?
            .execute([key])?;
        }
        let (content, at) = (event.content.clear(), event.at.millis());
        db.prepare_cached("INSERT INTO message_versions VALUES (?, ?, ?, ?, ?)")?.execute(params![
            key,
            edit.max(1) + 1,
            at,
            subject(content),
            body(content)
        ])?;
        remove_mentions(db, key)?;
        db.prepare_cached("UPDATE messages SET subject = ?, body = ?, mentions = ?, edited_at = ? WHERE key = ?")?
            .execute(params![subject(content), body(content), mention_bytes(&event.mentions), at, key])?;
        add_mentions(db, key, &event.mentions)
    }

    pub(super) fn deleted(&mut self, db: &Connection, id: MessageId, event: &MessageDeleted) -> Result<(), FoldError> {
        let (key, deleted) = self.find(db, id)?;
        if deleted {
            return Ok(());
        }
        self.erase(db, id.conversation, key, event.at.millis())
    }

    /// Leaves a tombstone of a message.
    pub(super) fn erase(
        &mut self,
        db: &Connection,
        conversation: ConversationId,
        key: i64,
        at: i64,
    ) -> Result<(), FoldError> {
        let (number, seq) = super::unkey(key);
        remove_mentions(db, key)?;
        for statement in [
            "DELETE FROM message_versions WHERE key = ?",
            "DELETE FROM reactions WHERE key = ?",
            "DELETE FROM reaction_counts WHERE key = ?",
        ] {
            db.prepare_cached(statement)?.execute([key])?;
        }
        db.prepare_cached(
            "UPDATE messages
             SET subject = NULL, body = NULL, mentions = NULL, pinned_at = NULL, reactions = 0, deleted_at = ?
             WHERE key = ?",
        )?
        .execute(params![at, key])?;
        self.drop_exceptions(db, number, key)?;
        let conversation = self.rows.change_conversation(db, conversation)?;
        conversation.last_deleted_seq = conversation.last_deleted_seq.max(seq);
        self.erased = true;
        Ok(())
    }

    pub(super) fn reaction_added(
        &mut self,
        db: &Connection,
        id: MessageId,
        place: Place,
        event: &ReactionAdded,
    ) -> Result<(), FoldError> {
        let (key, deleted) = self.find(db, id)?;
        if deleted {
            return Ok(());
        }
        let emoji = event.emoji.as_str();
        let added = db.prepare_cached("INSERT OR IGNORE INTO reactions VALUES (?, ?, ?)")?.execute(params![
            key,
            emoji,
            event.user.as_bytes()
        ])?;
        if added == 0 {
            return Ok(());
        }
        db.prepare_cached(
            "INSERT INTO reaction_counts VALUES (?, ?, ?, 1) ON CONFLICT (key, emoji) DO UPDATE SET count = count + 1",
        )?
        .execute(params![key, emoji, place.position])?;
        db.prepare_cached("UPDATE messages SET reactions = reactions + 1 WHERE key = ?")?.execute([key])?;
        Ok(())
    }

    pub(super) fn reaction_removed(
        &mut self,
        db: &Connection,
        id: MessageId,
        event: &ReactionRemoved,
    ) -> Result<(), FoldError> {
        let (key, _) = self.find(db, id)?;
        let emoji = event.emoji.as_str();
        let removed = db
            .prepare_cached("DELETE FROM reactions WHERE key = ? AND emoji = ? AND user = ?")?
            .execute(params![key, emoji, event.user.as_bytes()])?;
        if removed == 0 {
            return Ok(());
        }
        db.prepare_cached("UPDATE reaction_counts SET count = count - 1 WHERE key = ? AND emoji = ?")?
            .execute(params![key, emoji])?;
        db.prepare_cached("DELETE FROM reaction_counts WHERE key = ? AND emoji = ? AND count = 0")?
            .execute(params![key, emoji])?;
        db.prepare_cached("UPDATE messages SET reactions = reactions - 1 WHERE key = ?")?.execute([key])?;
        Ok(())
    }

    pub(super) fn pinned(&mut self, db: &Connection, id: MessageId, at: Option<i64>) -> Result<(), FoldError> {
        let (key, deleted) = self.find(db, id)?;
        if !deleted {
            db.prepare_cached("UPDATE messages SET pinned_at = ? WHERE key = ?")?.execute(params![at, key])?;
        }
        Ok(())
    }
}

fn subject(content: Option<&MessageContent>) -> Option<&str> {
    content?.subject.as_ref().map(Subject::as_str)
}

fn body(content: Option<&MessageContent>) -> Option<&str> {
    content?.body.as_ref().map(Body::as_str)
}

fn mention_bytes(mentions: &[UserId]) -> Option<Vec<u8>> {
    (!mentions.is_empty()).then(|| mentions.iter().flat_map(|user| *user.as_bytes()).collect())
}

fn add_mentions(db: &Connection, key: i64, mentions: &[UserId]) -> Result<(), FoldError> {
    for user in mentions {
        db.prepare_cached("INSERT OR IGNORE INTO mentions VALUES (?, ?)")?.execute(params![user.as_bytes(), key])?;
    }
    Ok(())
}

fn remove_mentions(db: &Connection, key: i64) -> Result<(), FoldError> {
    let mentions: Option<Vec<u8>> =
        db.prepare_cached("SELECT mentions FROM messages WHERE key = ?")?.query_row([key], |row| row.get(0))?;
    for user in mentions.unwrap_or_default().chunks_exact(16) {
        db.prepare_cached("DELETE FROM mentions WHERE user = ? AND key = ?")?.execute(params![user, key])?;
    }
    Ok(())
}
