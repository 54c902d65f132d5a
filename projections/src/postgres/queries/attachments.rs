//! Uploaded files: those of messages, and who may see them.

use std::collections::HashMap;

use sqlx::Row;
use tidings_domain::{AttachmentId, Timestamp, UserId};
use uuid::Uuid;

use super::messages::by_keys;
use crate::{
    fold::{rows, unsigned},
    model::Attachment,
    postgres::{conversations::attachments::file, reading::Snapshot},
};

/// Those of messages, each in its order.
pub(super) async fn of_messages(
    db: &mut Snapshot,
    of: &[Vec<AttachmentId>],
) -> sqlx::Result<HashMap<AttachmentId, Attachment>> {
    let ids: Vec<Uuid> = of.iter().flatten().map(|id| id.uuid()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = db.sql("SELECT * FROM {c}.attachments WHERE id = ANY ($1)");
    let rows = sqlx::query(sql).bind(ids).fetch_all(&mut **db).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let id = AttachmentId::new(row.try_get("id")?);
        found.extend(file(row)?.map(|file| (id, file.shown(id))));
    }
    Ok(found)
}

/// One that this person may see: of a message that they see, or not of any and their own.
pub(super) async fn visible(db: &mut Snapshot, user: UserId, id: AttachmentId) -> sqlx::Result<Option<Attachment>> {
    let sql = db.sql("SELECT * FROM {c}.attachments WHERE id = $1");
    let Some(row) = sqlx::query(sql).bind(id.uuid()).fetch_optional(&mut **db).await? else { return Ok(None) };
    let Some(file) = file(&row)? else { return Ok(None) };
    let visible = match row.try_get::<Option<i64>, _>("message")? {
        None => UserId::new(row.try_get("uploader")?) == user,
        Some(key) => by_keys(db, user, &[key]).await?.iter().any(|found| found.message.deleted_at.is_none()),
    };
    Ok(visible.then(|| file.shown(id)))
}

/// All files of somebody.
pub(super) async fn uploaded_by(db: &mut Snapshot, user: UserId) -> sqlx::Result<Vec<AttachmentId>> {
    let sql = db.sql("SELECT id FROM {c}.attachments WHERE uploader = $1 ORDER BY id");
    let ids: Vec<Uuid> = sqlx::query_scalar(sql).bind(user.uuid()).fetch_all(&mut **db).await?;
    Ok(ids.into_iter().map(AttachmentId::new).collect())
}

/// How many files somebody uploaded that no message has.
pub(super) async fn unused_of(db: &mut Snapshot, user: UserId) -> sqlx::Result<u64> {
    let sql = db.sql("SELECT count(*) FROM {c}.attachments WHERE uploader = $1 AND message IS NULL");
    sqlx::query_scalar(sql).bind(user.uuid()).fetch_one(&mut **db).await.map(unsigned)
}

/// Files of anybody that no message has or is to have, uploaded before this time, the oldest first.
pub(super) async fn unused(db: &mut Snapshot, before: Timestamp, limit: usize) -> sqlx::Result<Vec<AttachmentId>> {
    let sql = db.sql(
        "SELECT id FROM {c}.attachments a WHERE message IS NULL AND uploaded_at < $1 AND NOT EXISTS (
             SELECT FROM {c}.scheduled s WHERE s.owner = a.uploader AND position(uuid_send(a.id) IN s.attachments) > 0
         ) ORDER BY uploaded_at LIMIT $2",
    );
    let ids: Vec<Uuid> = sqlx::query_scalar(sql).bind(before.millis()).bind(rows(limit)).fetch_all(&mut **db).await?;
    Ok(ids.into_iter().map(AttachmentId::new).collect())
}
