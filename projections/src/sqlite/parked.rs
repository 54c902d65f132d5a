//! Parked events in the file.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use tidings_event_store::Position;

use crate::{
    fold::{signed, unsigned},
    model::ParkedEvent,
};

pub(super) fn read(db: &Connection) -> rusqlite::Result<Vec<ParkedEvent>> {
    let mut statement =
        db.prepare_cached("SELECT position, stream, version, name, error FROM parked ORDER BY position")?;
    let rows = statement.query_map([], |row| {
        Ok(ParkedEvent {
            position: Position::new(unsigned(row.get(0)?)),
            stream: row.get(1)?,
            version: unsigned(row.get(2)?),
            name: row.get(3)?,
            error: row.get(4)?,
        })
    })?;
    rows.collect()
}

/// What was kept for parked events, by position.
pub(super) fn read_reserved(db: &Connection) -> rusqlite::Result<HashMap<Position, i64>> {
    let mut statement = db.prepare_cached("SELECT position, ordinal FROM parked WHERE ordinal IS NOT NULL")?;
    let rows = statement.query_map([], |row| Ok((Position::new(unsigned(row.get(0)?)), row.get(1)?)))?;
    rows.collect()
}

pub(super) fn write(db: &Connection, event: &ParkedEvent, reserved: Option<i64>) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO parked VALUES (?, ?, ?, ?, ?, ?)")?.execute(params![
        signed(event.position.get()),
        event.stream,
        signed(event.version),
        event.name,
        event.error,
        reserved
    ])?;
    Ok(())
}

pub(super) fn remove(db: &Connection, position: Position) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM parked WHERE position = ?")?.execute([signed(position.get())])?;
    Ok(())
}
