//! What people want sent later.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use tidings_domain::{ConversationId, ScheduledId, UserId};

use crate::{fold::conversations::tables::ScheduledRow, sqlite::ids::Id16};

/// What [`row`] takes.
pub(in crate::sqlite) const COLUMNS: &str = "id, owner, conversation, people, content_type, reply_seq, reply_version, subject, body, send_at, \
    created_at, stage, failure, attachments";

/// Rows by their ids.
pub(super) fn by_ids(db: &Connection, ids: &[ScheduledId]) -> Result<Vec<ScheduledRow>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM scheduled WHERE id = ?"))?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(statement.query_row([id.as_bytes()], row).optional()?);
    }
    Ok(found)
}

/// Rows of one person.
pub(super) fn of(db: &Connection, owner: UserId) -> Result<Vec<ScheduledRow>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM scheduled WHERE owner = ?"))?;
    statement.query_map([owner.as_bytes()], row)?.collect()
}

pub(in crate::sqlite) fn row(row: &Row<'_>) -> Result<ScheduledRow> {
    Ok(ScheduledRow {
        id: row.get::<_, Id16<ScheduledId>>(0)?.0,
        owner: row.get::<_, Id16<UserId>>(1)?.0,
        conversation: row.get::<_, Id16<ConversationId>>(2)?.0,
        people: row.get(3)?,
        content_type: row.get(4)?,
        reply_seq: row.get(5)?,
        reply_version: row.get(6)?,
        subject: row.get(7)?,
        body: row.get(8)?,
        send_at: row.get(9)?,
        created_at: row.get(10)?,
        stage: row.get(11)?,
        failure: row.get(12)?,
        attachments: row.get(13)?,
    })
}

pub(super) fn write(db: &Connection, changes: &[(ScheduledId, Option<&ScheduledRow>)]) -> Result<()> {
    for (id, row) in changes {
        let Some(row) = row else {
            db.prepare_cached("DELETE FROM scheduled WHERE id = ?")?.execute([id.as_bytes()])?;
            continue;
        };
        db.prepare_cached("INSERT OR REPLACE INTO scheduled VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                row.id.as_bytes(),
                row.owner.as_bytes(),
                row.conversation.as_bytes(),
                row.people,
                row.content_type,
                row.reply_seq,
                row.reply_version,
                row.subject,
                row.body,
                row.send_at,
                row.created_at,
                row.stage,
                row.failure,
                row.attachments,
            ])?;
    }
    Ok(())
}
