//! What a batch changed, into the tables.

use rusqlite::{Connection, Result, params};

use crate::fold::conversations::tables::{Changes, ConversationRow, Member, MessageRow, Place};

pub(super) fn write(db: &Connection, changes: &Changes<'_>) -> Result<()> {
    for row in &changes.conversations {
        write_conversation(db, row)?;
    }
    for (place, member) in &changes.members {
        write_member(db, *place, member)?;
    }
    for row in &changes.sent {
        insert_message(db, row)?;
    }
    for row in &changes.changed {
        update_message(db, row)?;
    }
    write_reactions(db, changes)?;
    for row in &changes.versions {
        db.prepare_cached("INSERT INTO message_versions VALUES (?, ?, ?, ?, ?)")?.execute(params![
            row.key,
            row.edit,
            row.at,
            row.subject,
            row.body
        ])?;
    }
    for (user, key, exception) in &changes.exceptions {
        match exception {
            Some(next) => db
                .prepare_cached("INSERT OR REPLACE INTO exceptions VALUES (?, ?, ?, ?, ?)")?
                .execute(params![user.as_bytes(), key, next.hidden, next.mark, next.counts])?,
            None => db
                .prepare_cached("DELETE FROM exceptions WHERE user = ? AND key = ?")?
                .execute(params![user.as_bytes(), key])?,
        };
    }
    for (user, key, on) in &changes.mentions {
        let statement = if *on {
            "INSERT OR IGNORE INTO mentions VALUES (?, ?)"
        } else {
            "DELETE FROM mentions WHERE user = ? AND key = ?"
        };
        db.prepare_cached(statement)?.execute(params![user.as_bytes(), key])?;
    }
    for receipt in changes.receipts {
        // the first one counts: a mark passes a message once
        db.prepare_cached("INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?)")?.execute(params![
            receipt.user.as_bytes(),
            receipt.kind,
            receipt.key,
            receipt.at
        ])?;
    }
    for (user, at) in changes.closed {
        db.prepare_cached("INSERT OR IGNORE INTO closed VALUES (?, ?)")?.execute(params![user.as_bytes(), at])?;
    }
    super::schedules::write(db, &changes.scheduled)?;
    super::attachments::write(db, changes)?;
    super::accesses::write(db, changes.accesses)?;
    super::erasures::write(db, changes)
}

fn write_conversation(db: &Connection, row: &ConversationRow) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO conversations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (number) DO UPDATE SET name = ?4, joined = ?7, members = ?8, last_seq = ?9, last_deleted_seq = ?10,
             activity = ?11, latest_at = ?12",
    )?
    .execute(params![
        row.number,
        row.id.as_bytes(),
        row.group,
        row.name,
        row.created_at,
        row.started,
        row.joined,
        row.members,
        row.last_seq,
        row.last_deleted_seq,
        row.activity,
        row.latest_at,
    ])?;
    Ok(())
}

fn write_member(db: &Connection, (number, user): Place, row: &Member) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            user.as_bytes(),
            number,
            row.role,
            row.joined,
            row.joined_at,
            row.joined_seq,
            row.left_seq,
            row.left_position,
            row.sent_seq,
            row.mark,
            row.delivered,
            row.exceptions,
            row.adjust,
            row.muted,
            row.archived,
        ],
    )?;
    Ok(())
}

fn insert_message(db: &Connection, row: &MessageRow) -> Result<()> {
    db.prepare_cached("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            row.key,
            row.position,
            row.version,
            row.sender.as_bytes(),
            row.at,
            row.latest_at,
            row.content_type,
            row.reply_to,
            row.mentions,
            row.attachments,
            row.subject,
            row.body,
            row.edited_at,
            row.deleted_at,
            row.pinned_at,
            row.reactions,
        ],
    )?;
    Ok(())
}

fn update_message(db: &Connection, row: &MessageRow) -> Result<()> {
    db.prepare_cached(
        "UPDATE messages SET mentions = ?, attachments = ?, subject = ?, body = ?, edited_at = ?, deleted_at = ?,
             pinned_at = ?, reactions = ?
         WHERE key = ?",
    )?
    .execute(params![
        row.mentions,
        row.attachments,
        row.subject,
        row.body,
        row.edited_at,
        row.deleted_at,
        row.pinned_at,
        row.reactions,
        row.key,
    ])?;
    Ok(())
}

fn write_reactions(db: &Connection, changes: &Changes<'_>) -> Result<()> {
    for key in &changes.erased {
        for statement in [
            "DELETE FROM message_versions WHERE key = ?",
            "DELETE FROM reactions WHERE key = ?",
            "DELETE FROM reaction_counts WHERE key = ?",
        ] {
            db.prepare_cached(statement)?.execute([key])?;
        }
    }
    for (key, emoji, user, on) in &changes.reactions {
        let statement = if *on {
            "INSERT OR IGNORE INTO reactions VALUES (?, ?, ?)"
        } else {
            "DELETE FROM reactions WHERE key = ? AND emoji = ? AND user = ?"
        };
        db.prepare_cached(statement)?.execute(params![key, emoji, user.as_bytes()])?;
    }
    for (key, emoji, count) in &changes.reaction_counts {
        match count {
            Some(count) => db
                .prepare_cached("INSERT OR REPLACE INTO reaction_counts VALUES (?, ?, ?, ?)")?
                .execute(params![key, emoji, count.first, count.count])?,
            None => db
                .prepare_cached("DELETE FROM reaction_counts WHERE key = ? AND emoji = ?")?
                .execute(params![key, emoji])?,
        };
    }
    Ok(())
}
