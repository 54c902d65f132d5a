//! Webhooks.

use sqlx::Row;
use tidings_domain::{UserId, WebhookId};
use uuid::Uuid;

use crate::{
    fold::rows,
    model::Webhook,
    postgres::{reading::Snapshot, webhooks::read},
};

pub(super) async fn of(db: &mut Snapshot, owner: UserId) -> sqlx::Result<Vec<Webhook>> {
    let sql = db.sql("SELECT * FROM {d}.webhooks WHERE owner = $1 ORDER BY created_at, id");
    let found = sqlx::query(sql).bind(owner.uuid()).fetch_all(&mut **db).await?;
    found.iter().map(|row| read(row).map(Webhook::of)).collect()
}

pub(super) async fn all(
    db: &mut Snapshot,
    after: Option<WebhookId>,
    limit: usize,
) -> sqlx::Result<Vec<(WebhookId, UserId)>> {
    let sql = db.sql("SELECT id, owner FROM {d}.webhooks WHERE id > $1 ORDER BY id LIMIT $2");
    let after = after.map_or(Uuid::nil(), WebhookId::uuid);
    let found = sqlx::query(sql).bind(after).bind(rows(limit)).fetch_all(&mut **db).await?;
    found.iter().map(|row| Ok((WebhookId::new(row.try_get("id")?), UserId::new(row.try_get("owner")?)))).collect()
}
