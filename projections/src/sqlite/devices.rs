//! The rows of devices in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::UserId;

use super::ids::Id16;
use crate::fold::{
    Done,
    directory::{DeviceKey, DeviceRow},
};

const COLUMNS: &str = "SELECT user, number, id, identity_key, key_packages, fallback, published_at FROM devices";

pub(super) fn read(db: &Connection, keys: &[DeviceKey]) -> Done<Vec<(DeviceKey, DeviceRow)>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE user = ? AND number = ?"))?;
    let mut found = Vec::with_capacity(keys.len());
    for (user, number) in keys {
        found.extend(statement.query_row(params![user.as_bytes(), number], row).optional()?);
    }
    Ok(found)
}

pub(super) fn of_user(db: &Connection, user: UserId) -> Done<Vec<(DeviceKey, DeviceRow)>> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE user = ?"))?;
    let rows = statement.query_map([user.as_bytes()], row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn write(db: &Connection, (user, number): DeviceKey, row: Option<&DeviceRow>) -> rusqlite::Result<()> {
    let Some(row) = row else {
        let mut gone = db.prepare_cached("DELETE FROM devices WHERE user = ? AND number = ?")?;
        return gone.execute(params![user.as_bytes(), number]).map(drop);
    };
    let DeviceRow { id, identity_key, key_packages, fallback, published_at } = row;
    db.prepare_cached("INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![user.as_bytes(), number, id, identity_key, key_packages, fallback, published_at])
        .map(drop)
}

fn row(row: &Row<'_>) -> rusqlite::Result<(DeviceKey, DeviceRow)> {
    let key = (row.get::<_, Id16<UserId>>(0)?.0, row.get(1)?);
    let device = DeviceRow {
        id: row.get(2)?,
        identity_key: row.get(3)?,
        key_packages: row.get(4)?,
        fallback: row.get(5)?,
        published_at: row.get(6)?,
    };
    Ok((key, device))
}
