//! Webhooks.

use rusqlite::{Connection, params};
use tidings_domain::{UserId, WebhookId};

use crate::{
    fold::rows,
    model::Webhook,
    sqlite::{
        ids::Id16,
        webhooks::{COLUMNS, read},
    },
};

pub(super) fn of(db: &Connection, owner: UserId) -> rusqlite::Result<Vec<Webhook>> {
    let sql = format!("SELECT {COLUMNS} FROM directory.webhooks WHERE owner = ? ORDER BY created_at, id");
    let mut statement = db.prepare_cached(&sql)?;
    statement.query_map([owner.as_bytes()], |row| read(row).map(Webhook::of))?.collect()
}

pub(super) fn all(
    db: &Connection,
    after: Option<WebhookId>,
    limit: usize,
) -> rusqlite::Result<Vec<(WebhookId, UserId)>> {
    let mut statement =
        db.prepare_cached("SELECT id, owner FROM directory.webhooks WHERE id > ? ORDER BY id LIMIT ?")?;
    let after = after.as_ref().map_or(&[][..], |after| after.as_bytes());
    let found = statement.query_map(params![after, rows(limit)], |row| {
        Ok((row.get::<_, Id16<WebhookId>>(0)?.0, row.get::<_, Id16<UserId>>(1)?.0))
    })?;
    found.collect()
}
