//! What auditors were shown.

use rusqlite::{Connection, Result, params};

use crate::fold::conversations::accesses::AccessRow;

pub(super) fn write(db: &Connection, rows: &[AccessRow]) -> Result<()> {
    for row in rows {
        // somebody named twice is one
        db.prepare_cached("INSERT OR IGNORE INTO accesses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
            row.subject.as_bytes(),
            row.position,
            row.auditor.as_bytes(),
            row.at,
            row.shown,
            row.conversation.as_ref().map(uuid::Uuid::as_bytes),
            row.message.map(|(seq, _)| seq),
            row.message.map(|(_, version)| version),
            row.as_of,
        ])?;
    }
    Ok(())
}
