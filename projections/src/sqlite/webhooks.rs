//! The rows of webhooks in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::{ConversationId, UserId, WebhookId, webhook::PausedBecause};

use super::ids::Id16;
use crate::fold::directory::{WebhookRow, parse_paused};

pub(super) const COLUMNS: &str = "id, owner, url, topics, conversation, created_at, modified_at, paused, paused_at, delivered, \
    failing_since, failure_status, failure, overlap_until, recent";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<(WebhookId, WebhookRow)> {
    let webhook = WebhookRow {
        owner: row.get::<_, Id16<UserId>>(1)?.0,
        url: row.get(2)?,
        topics: row.get(3)?,
        conversation: row.get::<_, Option<Id16<ConversationId>>>(4)?.map(|id| id.0),
        created_at: row.get(5)?,
        modified_at: row.get(6)?,
        paused: parse_paused(row.get::<_, Option<String>>(7)?.as_deref()).map(PausedBecause::as_str),
        paused_at: row.get(8)?,
        delivered: row.get(9)?,
        failing_since: row.get(10)?,
        failure_status: row.get(11)?,
        failure: row.get(12)?,
        overlap_until: row.get(13)?,
        recent: row.get(14)?,
    };
    Ok((row.get::<_, Id16<WebhookId>>(0)?.0, webhook))
}

pub(super) fn by_ids(db: &Connection, ids: &[WebhookId]) -> rusqlite::Result<Vec<(WebhookId, WebhookRow)>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM webhooks WHERE id = ?"))?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(statement.query_row([id.as_bytes()], read).optional()?);
    }
    Ok(found)
}

pub(super) fn of(db: &Connection, owner: UserId) -> rusqlite::Result<Vec<(WebhookId, WebhookRow)>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM webhooks WHERE owner = ?"))?;
    statement.query_map([owner.as_bytes()], read)?.collect()
}

pub(super) fn write(db: &Connection, id: WebhookId, row: Option<&WebhookRow>) -> rusqlite::Result<()> {
    let Some(row) = row else {
        db.prepare_cached("DELETE FROM webhooks WHERE id = ?")?.execute([id.as_bytes()])?;
        return Ok(());
    };
    let sql =
        format!("INSERT OR REPLACE INTO webhooks ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    db.prepare_cached(&sql)?.execute(params![
        id.as_bytes(),
        row.owner.as_bytes(),
        row.url,
        row.topics,
        row.conversation.as_ref().map(ConversationId::as_bytes),
        row.created_at,
        row.modified_at,
        row.paused,
        row.paused_at,
        row.delivered,
        row.failing_since,
        row.failure_status,
        row.failure,
        row.overlap_until,
        row.recent,
    ])?;
    Ok(())
}
