//! What was to be erased, and how long messages are kept.

use rusqlite::{Connection, OptionalExtension, Result, params};
use tidings_domain::UserId;

use crate::fold::conversations::{
    erasures::{Erased, RetainedRow},
    tables::Changes,
};

pub(super) fn retained(db: &Connection, number: i64) -> Result<Option<RetainedRow>> {
    db.prepare_cached("SELECT seconds, expired_seq FROM retained WHERE conversation = ?")?
        .query_row([number], |row| Ok(RetainedRow { seconds: row.get(0)?, expired_seq: row.get(1)? }))
        .optional()
}

pub(super) fn write(db: &Connection, changes: &Changes<'_>) -> Result<()> {
    for row in changes.erasures {
        db.prepare_cached("INSERT INTO erasures VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)")?.execute(params![
            row.position,
            row.message.map(|(key, _)| key),
            row.message.map(|(_, version)| version),
            row.user.as_bytes(),
            row.by.as_ref().map(UserId::as_bytes),
            row.reason,
            row.asked_at,
        ])?;
    }
    for receipt in changes.receipts_of_erasures {
        let (done_at, position) = (receipt.done_at, receipt.position);
        match receipt.of {
            Erased::Message(key) => db
                .prepare_cached("UPDATE erasures SET done_at = ?, receipt = ? WHERE message = ?")?
                .execute(params![done_at, position, key])?,
            Erased::User(user) => db
                .prepare_cached("UPDATE erasures SET done_at = ?, receipt = ? WHERE user = ? AND message IS NULL")?
                .execute(params![done_at, position, user.as_bytes()])?,
        };
    }
    for (number, row) in &changes.retained {
        db.prepare_cached("INSERT OR REPLACE INTO retained VALUES (?, ?, ?)")?.execute(params![
            number,
            row.seconds,
            row.expired_seq
        ])?;
    }
    Ok(())
}
