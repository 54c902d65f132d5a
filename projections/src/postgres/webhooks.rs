//! The rows of webhooks in PostgreSQL. They change seldom: one statement for each.

use sqlx::{PgConnection, Row, postgres::PgRow};
use tidings_domain::{ConversationId, UserId, WebhookId, webhook::PausedBecause};
use uuid::Uuid;

use crate::fold::directory::{WebhookRow, parse_paused};

pub(super) fn read(row: &PgRow) -> sqlx::Result<(WebhookId, WebhookRow)> {
    let webhook = WebhookRow {
        owner: UserId::new(row.try_get("owner")?),
        url: row.try_get("url")?,
        topics: row.try_get("topics")?,
        conversation: row.try_get::<Option<Uuid>, _>("conversation")?.map(ConversationId::new),
        created_at: row.try_get("created_at")?,
        modified_at: row.try_get("modified_at")?,
        paused: parse_paused(row.try_get("paused")?).map(PausedBecause::as_str),
        paused_at: row.try_get("paused_at")?,
        delivered: row.try_get("delivered")?,
        failing_since: row.try_get("failing_since")?,
        failure_status: row.try_get("failure_status")?,
        failure: row.try_get("failure")?,
        overlap_until: row.try_get("overlap_until")?,
        recent: row.try_get("recent")?,
    };
    Ok((WebhookId::new(row.try_get("id")?), webhook))
}

pub(super) async fn by_ids(db: &mut PgConnection, ids: &[WebhookId]) -> sqlx::Result<Vec<(WebhookId, WebhookRow)>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query("SELECT * FROM webhooks WHERE id = ANY ($1)").bind(ids).fetch_all(db).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn of(db: &mut PgConnection, owner: UserId) -> sqlx::Result<Vec<(WebhookId, WebhookRow)>> {
    let rows = sqlx::query("SELECT * FROM webhooks WHERE owner = $1").bind(owner.uuid()).fetch_all(db).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn write(db: &mut PgConnection, id: WebhookId, row: Option<&WebhookRow>) -> sqlx::Result<()> {
    let Some(row) = row else {
        sqlx::query("DELETE FROM webhooks WHERE id = $1").bind(id.uuid()).execute(db).await?;
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO webhooks (id, owner, url, topics, conversation, created_at, modified_at, paused, paused_at, delivered,
             failing_since, failure_status, failure, overlap_until, recent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (id) DO UPDATE SET url = excluded.url, topics = excluded.topics,
             conversation = excluded.conversation, modified_at = excluded.modified_at, paused = excluded.paused,
             paused_at = excluded.paused_at, delivered = excluded.delivered, failing_since = excluded.failing_since,
             failure_status = excluded.failure_status, failure = excluded.failure,
             overlap_until = excluded.overlap_until, recent = excluded.recent",
    )
    .bind(id.uuid())
    .bind(row.owner.uuid())
    .bind(&row.url)
    .bind(&row.topics)
    .bind(row.conversation.map(ConversationId::uuid))
    .bind(row.created_at)
    .bind(row.modified_at)
    .bind(row.paused)
    .bind(row.paused_at)
    .bind(row.delivered)
    .bind(row.failing_since)
    .bind(row.failure_status)
    .bind(&row.failure)
    .bind(row.overlap_until)
    .bind(&row.recent)
    .execute(db)
    .await?;
    Ok(())
}
