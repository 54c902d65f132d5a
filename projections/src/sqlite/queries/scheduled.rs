//! What somebody wants sent later, and what is due.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::{ScheduledId, Timestamp, UserId};

use super::{attachments::of_message, stretch::user_ref};
use crate::{
    fold::{
        conversations::{messages::mentioned_in, tables::ScheduledRow},
        rows,
    },
    model::{Page, Scheduled, ScheduledCursor},
    sqlite::{
        conversations::{SCHEDULED_COLUMNS, scheduled_row},
        ids::Id16,
    },
};

fn shown(db: &Connection, row: ScheduledRow) -> rusqlite::Result<Scheduled> {
    let to = mentioned_in(row.people.as_deref()).into_iter().map(|user| user_ref(db, user));
    let to = to.collect::<Result<_, _>>()?;
    let files = of_message(db, row.attachments.as_deref().unwrap_or_default())?;
    Ok(Scheduled::of(row, to, files))
}

pub(super) fn page(
    db: &Connection,
    owner: UserId,
    cursor: Option<ScheduledCursor>,
    limit: usize,
) -> rusqlite::Result<Page<Scheduled, ScheduledCursor>> {
    let (after, id) = cursor.map_or((i64::MIN, [0; 16]), |ScheduledCursor(at, id)| (at.millis(), *id.as_bytes()));
    let mut statement = db.prepare_cached(&format!(
        "SELECT {SCHEDULED_COLUMNS} FROM scheduled WHERE owner = ? AND (send_at, id) > (?, ?) ORDER BY send_at, id LIMIT ?"
    ))?;
    let found = statement.query_map(params![owner.as_bytes(), after, id, rows(limit + 1)], scheduled_row)?;
    let found: Vec<ScheduledRow> = found.collect::<Result<_, _>>()?;
    let more = found.len() > limit;
    let items = found.into_iter().take(limit).map(|row| shown(db, row)).collect::<rusqlite::Result<Vec<_>>>()?;
    let next = items.last().filter(|_| more).map(|last| ScheduledCursor(last.send_at, last.id));
    Ok(Page { items, next })
}

pub(super) fn one(db: &Connection, owner: UserId, id: ScheduledId) -> rusqlite::Result<Option<Scheduled>> {
    let found = db
        .prepare_cached(&format!("SELECT {SCHEDULED_COLUMNS} FROM scheduled WHERE id = ? AND owner = ?"))?
        .query_row(params![id.as_bytes(), owner.as_bytes()], scheduled_row)
        .optional()?;
    found.map(|row| shown(db, row)).transpose()
}

pub(super) fn due(db: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<(UserId, ScheduledId)>> {
    let mut statement =
        db.prepare_cached("SELECT owner, id FROM scheduled WHERE stage < 2 AND send_at <= ? ORDER BY send_at LIMIT ?")?;
    let found = statement.query_map(params![now.millis(), rows(limit)], |row| {
        Ok((row.get::<_, Id16<UserId>>(0)?.0, row.get::<_, Id16<ScheduledId>>(1)?.0))
    })?;
    found.collect()
}
