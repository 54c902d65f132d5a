//! What people want sent later.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{ConversationId, ScheduledId, UserId};
use uuid::Uuid;

use super::write::column;
use crate::{
    fold::{Done, conversations::tables::ScheduledRow},
    postgres::backend::PostgresBackend,
};

impl PostgresBackend {
    pub(super) async fn scheduled_by_ids(&mut self, ids: &[ScheduledId]) -> Done<Vec<ScheduledRow>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query("SELECT * FROM scheduled WHERE id = ANY ($1)").bind(ids).fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
    }

    pub(super) async fn scheduled_by_owner(&mut self, owner: UserId) -> Done<Vec<ScheduledRow>> {
        let found = sqlx::query("SELECT * FROM scheduled WHERE owner = $1").bind(owner.uuid());
        let rows = found.fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
    }

    /// Rows go and come again as they are now.
    pub(super) async fn write_scheduled(&mut self, changes: &[(ScheduledId, Option<&ScheduledRow>)]) -> Done {
        sqlx::query("DELETE FROM scheduled WHERE id = ANY ($1)")
            .bind(column(changes, |(id, _)| id.uuid()))
            .execute(&mut self.db)
            .await?;
        let rows: Vec<&ScheduledRow> = changes.iter().filter_map(|(_, row)| *row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO scheduled
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[], $5::text[], $6::bigint[], $7::bigint[],
                 $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::bytea[])",
        )
        .bind(column(&rows, |row| row.id.uuid()))
        .bind(column(&rows, |row| row.owner.uuid()))
        .bind(column(&rows, |row| row.conversation.uuid()))
        .bind(column(&rows, |row| row.people.as_deref()))
        .bind(column(&rows, |row| row.content_type.as_deref()))
        .bind(column(&rows, |row| row.reply_seq))
        .bind(column(&rows, |row| row.reply_version))
        .bind(column(&rows, |row| row.subject.as_deref()))
        .bind(column(&rows, |row| row.body.as_deref()))
        .bind(column(&rows, |row| row.send_at))
        .bind(column(&rows, |row| row.created_at))
        .bind(column(&rows, |row| row.stage))
        .bind(column(&rows, |row| row.failure.as_deref()))
        .bind(column(&rows, |row| row.attachments.as_deref()))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

pub(in crate::postgres) fn row(row: &PgRow) -> sqlx::Result<ScheduledRow> {
    Ok(ScheduledRow {
        id: ScheduledId::new(row.try_get("id")?),
        owner: UserId::new(row.try_get("owner")?),
        conversation: ConversationId::new(row.try_get("conversation")?),
        people: row.try_get("people")?,
        content_type: row.try_get("content_type")?,
        reply_seq: row.try_get("reply_seq")?,
        reply_version: row.try_get("reply_version")?,
        subject: row.try_get("subject")?,
        body: row.try_get("body")?,
        send_at: row.try_get("send_at")?,
        created_at: row.try_get("created_at")?,
        stage: row.try_get("stage")?,
        failure: row.try_get("failure")?,
        attachments: row.try_get("attachments")?,
    })
}
