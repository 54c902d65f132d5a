//! Uploaded files: those of a message, and who may see them.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::{AttachmentId, ConversationId, Timestamp, UserId};

use super::messages::one;
use crate::{
    fold::{
        conversations::{attachments::attached_in, unkey},
        rows, unsigned,
    },
    model::Attachment,
    sqlite::{
        conversations::attachments::{FILE, file},
        ids::Id16,
    },
    viewing::Viewer,
};

pub(super) use crate::sqlite::conversations::attachments::uploaded_by;

/// Those of a message, in its order.
pub(super) fn of_message(db: &Connection, ids: &[u8]) -> rusqlite::Result<Vec<Attachment>> {
    let sql = format!("SELECT {FILE} FROM attachments WHERE id = ?");
    let mut statement = db.prepare_cached(&sql)?;
    let mut found = Vec::new();
    for id in attached_in(Some(ids)) {
        let row = statement.query_row([id.as_bytes()], |row| file(row, 0)).optional()?;
        found.extend(row.flatten().map(|file| file.shown(id)));
    }
    Ok(found)
}

/// One that this person may see: of a message that they see, or not of any and their own.
pub(super) fn visible(db: &Connection, user: UserId, id: AttachmentId) -> rusqlite::Result<Option<Attachment>> {
    let sql = format!("SELECT uploader, message, {FILE} FROM attachments WHERE id = ?");
    let row = db.prepare_cached(&sql)?.query_row([id.as_bytes()], |row| {
        Ok((row.get::<_, Id16<UserId>>(0)?.0, row.get::<_, Option<i64>>(1)?, file(row, 2)?))
    });
    let Some((uploader, message, Some(file))) = row.optional()? else { return Ok(None) };
    let visible = match message {
        None => uploader == user,
        Some(key) => sees(db, user, key)?,
    };
    Ok(visible.then(|| file.shown(id)))
}

fn sees(db: &Connection, user: UserId, key: i64) -> rusqlite::Result<bool> {
    let (number, seq) = unkey(key);
    let conversation = db
        .prepare_cached("SELECT id FROM conversations WHERE number = ?")?
        .query_row([number], |row| Ok(row.get::<_, Id16<ConversationId>>(0)?.0))
        .optional()?;
    let Some(conversation) = conversation else { return Ok(false) };
    let Some(viewer) = Viewer::find(db, user, conversation)? else { return Ok(false) };
    Ok(one(db, &viewer, unsigned(seq))?.is_some_and(|message| message.deleted_at.is_none()))
}

/// How many files somebody uploaded that no message has.
pub(super) fn unused_of(db: &Connection, user: UserId) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT count(*) FROM attachments WHERE uploader = ? AND message IS NULL")?
        .query_row([user.as_bytes()], |row| row.get(0))
        .map(unsigned)
}

/// Files of anybody that no message has or is to have, uploaded before this time, the oldest first.
pub(super) fn unused(db: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<Vec<AttachmentId>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM attachments a WHERE message IS NULL AND uploaded_at < ? AND NOT EXISTS (
             SELECT 1 FROM scheduled s WHERE s.owner = a.uploader AND instr(s.attachments, a.id) > 0
         ) ORDER BY uploaded_at LIMIT ?",
    )?;
    let found =
        statement.query_map(params![before.millis(), rows(limit)], |row| Ok(row.get::<_, Id16<AttachmentId>>(0)?.0))?;
    found.collect()
}
