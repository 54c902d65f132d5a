//! What a batch changed, into the tables.

use rusqlite::{Connection, Result, params};

use crate::{
    fold::conversations::tables::{Changes, ConversationRow, Member, MessageRow, Place},
    sqlite::many,
};

pub(super) fn write(db: &Connection, changes: &Changes<'_>) -> Result<()> {
    for row in &changes.conversations {
        write_conversation(db, row)?;
    }
    write_members(db, &changes.members)?;
    insert_messages(db, &changes.sent)?;
    many::insert(db, "INSERT OR IGNORE INTO authors VALUES (?, ?)", changes.authors, |into, (sender, stretch)| {
        into.bind(sender.as_bytes())?;
        into.bind(stretch)
    })?;
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
    // the first one counts: a mark passes a message once
    many::insert(db, "INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?)", changes.receipts, |into, receipt| {
        into.bind(receipt.user.as_bytes())?;
        into.bind(receipt.kind)?;
        into.bind(receipt.key)?;
        into.bind(receipt.at)
    })?;
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

fn write_members(db: &Connection, rows: &[(Place, &Member)]) -> Result<()> {
    let statement = "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    many::insert(db, statement, rows, |into, ((number, user), row)| {
        into.bind(user.as_bytes())?;
        into.bind(number)?;
        into.bind(row.role)?;
        into.bind(row.joined)?;
        into.bind(row.joined_at)?;
        into.bind(row.joined_seq)?;
        into.bind(row.left_seq)?;
        into.bind(row.left_position)?;
        into.bind(row.sent_seq)?;
        into.bind(row.mark)?;
        into.bind(row.delivered)?;
        into.bind(row.exceptions)?;
        into.bind(row.adjust)?;
        into.bind(row.muted)?;
        into.bind(row.archived)
    })?;
    Ok(())
}

fn insert_messages(db: &Connection, rows: &[&MessageRow]) -> Result<()> {
    let statement = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    many::insert(db, statement, rows, |into, row| {
        into.bind(row.key)?;
        into.bind(row.position)?;
        into.bind(row.version)?;
        into.bind(row.sender.as_bytes())?;
        into.bind(row.at)?;
        into.bind(row.latest_at)?;
        into.bind(&row.content_type)?;
        into.bind(row.reply_to)?;
        into.bind(&row.mentions)?;
        into.bind(&row.attachments)?;
        into.bind(&row.subject)?;
        into.bind(&row.body)?;
        into.bind(row.edited_at)?;
        into.bind(row.deleted_at)?;
        into.bind(row.pinned_at)?;
        into.bind(row.reactions)
    })?;
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
