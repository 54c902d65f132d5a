//! Uploaded files.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use tidings_domain::{AttachmentId, UserId};

use crate::{
    fold::conversations::{
        attachments::{AttachmentRow, FileRow},
        tables::Changes,
    },
    sqlite::ids::Id16,
};

/// The columns that [`file`] takes.
pub(in crate::sqlite) const FILE: &str = "name, media_type, size, width, height, thumbnail_width, thumbnail_height";

/// What a file is, from these columns on; none once that is erased.
pub(in crate::sqlite) fn file(row: &Row<'_>, first: usize) -> Result<Option<FileRow>> {
    let Some(media_type) = row.get(first + 1)? else { return Ok(None) };
    let pair = |at: usize| -> Result<Option<(i64, i64)>> {
        Ok(row.get::<_, Option<i64>>(at)?.zip(row.get::<_, Option<i64>>(at + 1)?))
    };
    Ok(Some(FileRow {
        name: row.get(first)?,
        media_type,
        size: row.get(first + 2)?,
        dimensions: pair(first + 3)?,
        thumbnail: pair(first + 5)?,
    }))
}

pub(super) fn read(db: &Connection, ids: &[AttachmentId]) -> Result<Vec<(AttachmentId, AttachmentRow)>> {
    let sql = format!("SELECT uploader, uploaded_at, message, {FILE} FROM attachments WHERE id = ?");
    let mut statement = db.prepare_cached(&sql)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let row = statement.query_row([id.as_bytes()], |row| {
            Ok(AttachmentRow {
                uploader: row.get::<_, Id16<UserId>>(0)?.0,
                uploaded_at: row.get(1)?,
                message: row.get(2)?,
                file: file(row, 3)?,
            })
        });
        found.extend(row.optional()?.map(|row| (*id, row)));
    }
    Ok(found)
}

/// All files of somebody.
pub(in crate::sqlite) fn uploaded_by(db: &Connection, uploader: UserId) -> Result<Vec<AttachmentId>> {
    let mut statement = db.prepare_cached("SELECT id FROM attachments WHERE uploader = ? ORDER BY id")?;
    let rows = statement.query_map([uploader.as_bytes()], |row| Ok(row.get::<_, Id16<AttachmentId>>(0)?.0))?;
    rows.collect()
}

pub(super) fn write(db: &Connection, changes: &Changes<'_>) -> Result<()> {
    for (id, row) in &changes.attachments {
        let Some(row) = row else {
            db.prepare_cached("DELETE FROM attachments WHERE id = ?")?.execute([id.as_bytes()])?;
            continue;
        };
        let file = row.file.as_ref();
        let (dimensions, thumbnail) = (file.and_then(|file| file.dimensions), file.and_then(|file| file.thumbnail));
        db.prepare_cached("INSERT OR REPLACE INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
            params![
                id.as_bytes(),
                row.uploader.as_bytes(),
                row.uploaded_at,
                row.message,
                file.and_then(|file| file.name.as_deref()),
                file.map(|file| &file.media_type),
                file.map_or(0, |file| file.size),
                dimensions.map(|(width, _)| width),
                dimensions.map(|(_, height)| height),
                thumbnail.map(|(width, _)| width),
                thumbnail.map(|(_, height)| height),
            ],
        )?;
    }
    Ok(())
}
