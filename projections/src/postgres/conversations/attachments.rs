//! Uploaded files.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{AttachmentId, UserId};
use uuid::Uuid;

use super::write::column;
use crate::{
    fold::{
        Done,
        conversations::attachments::{AttachmentRow, FileRow},
    },
    postgres::backend::PostgresBackend,
};

/// What a file is; none once that is erased.
pub(in crate::postgres) fn file(row: &PgRow) -> sqlx::Result<Option<FileRow>> {
    let Some(media_type) = row.try_get("media_type")? else { return Ok(None) };
    let pair = |one: &str, other: &str| -> sqlx::Result<Option<(i64, i64)>> {
        Ok(row.try_get::<Option<i64>, _>(one)?.zip(row.try_get(other)?))
    };
    Ok(Some(FileRow {
        name: row.try_get("name")?,
        media_type,
        size: row.try_get("size")?,
        dimensions: pair("width", "height")?,
        thumbnail: pair("thumbnail_width", "thumbnail_height")?,
    }))
}

impl PostgresBackend {
    pub(super) async fn read_attachments(&mut self, ids: &[AttachmentId]) -> Done<Vec<(AttachmentId, AttachmentRow)>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows =
            sqlx::query("SELECT * FROM attachments WHERE id = ANY ($1)").bind(ids).fetch_all(&mut self.db).await?;
        let row = |row: &PgRow| {
            let attachment = AttachmentRow {
                uploader: UserId::new(row.try_get("uploader")?),
                uploaded_at: row.try_get("uploaded_at")?,
                message: row.try_get("message")?,
                file: file(row)?,
            };
            Ok((AttachmentId::new(row.try_get("id")?), attachment))
        };
        Ok(rows.iter().map(row).collect::<sqlx::Result<_>>()?)
    }

    pub(super) async fn write_attachments(&mut self, rows: &[(AttachmentId, Option<&AttachmentRow>)]) -> Done {
        sqlx::query("DELETE FROM attachments WHERE id = ANY ($1)")
            .bind(column(rows, |(id, _)| id.uuid()))
            .execute(&mut self.db)
            .await?;
        let there: Vec<_> = rows.iter().filter_map(|(id, row)| Some((id.uuid(), (*row)?))).collect();
        let file = |of: fn(&FileRow) -> Option<i64>| column(&there, |(_, row)| row.file.as_ref().and_then(of));
        sqlx::query(
            "INSERT INTO attachments
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[],
                 $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])",
        )
        .bind(column(&there, |(id, _)| *id))
        .bind(column(&there, |(_, row)| row.uploader.uuid()))
        .bind(column(&there, |(_, row)| row.uploaded_at))
        .bind(column(&there, |(_, row)| row.message))
        .bind(column(&there, |(_, row)| row.file.as_ref().and_then(|file| file.name.as_deref())))
        .bind(column(&there, |(_, row)| row.file.as_ref().map(|file| file.media_type.as_str())))
        .bind(column(&there, |(_, row)| row.file.as_ref().map_or(0, |file| file.size)))
        .bind(file(|file| file.dimensions.map(|(width, _)| width)))
        .bind(file(|file| file.dimensions.map(|(_, height)| height)))
        .bind(file(|file| file.thumbnail.map(|(width, _)| width)))
        .bind(file(|file| file.thumbnail.map(|(_, height)| height)))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}
