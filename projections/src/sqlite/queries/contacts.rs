//! Contacts and blocks, each with the other's account.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::{Timestamp, UserId};
use tidings_event_store::Position;

use super::people::{USER, read_user};
use crate::{
    fold::{rows, signed, unsigned},
    model::{Block, Contact, ContactCursor, ContactState, Page, User},
    sqlite::ids::Id16,
};

/// How many columns [`USER`] has: what a table adds stands behind them.
const OF_USER: usize = 13;

fn account(row: &Row<'_>) -> rusqlite::Result<(User, Timestamp)> {
    Ok((read_user(row)?, Timestamp::from_millis(row.get(OF_USER)?)))
}

fn read_contact(row: &Row<'_>) -> rusqlite::Result<Contact> {
    let (user, since) = account(row)?;
    let state = ContactState::numbered(row.get(OF_USER + 2)?);
    let unknown = || rusqlite::Error::IntegralValueOutOfRange(OF_USER + 2, 0);
    Ok(Contact { user, state: state.ok_or_else(unknown)?, since })
}

fn before(cursor: Option<ContactCursor>) -> i64 {
    cursor.map_or(i64::MAX, |ContactCursor(position)| signed(position.get()))
}

/// A page out of one row more than it may have, each with its position in the log.
fn cut<T>(mut found: Vec<(T, i64)>, limit: usize) -> Page<T, ContactCursor> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(_, position)| ContactCursor(Position::new(unsigned(*position))));
    Page { items: found.into_iter().map(|(item, _)| item).collect(), next }
}

pub(super) fn page(
    db: &Connection,
    viewer: UserId,
    state: ContactState,
    cursor: Option<ContactCursor>,
    limit: usize,
) -> rusqlite::Result<Page<Contact, ContactCursor>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {USER}, c.since, c.position, c.state FROM directory.contacts c
         JOIN directory.users u ON u.id = c.other AND u.closed_at IS NULL
         WHERE c.user = ? AND c.state = ? AND c.position < ? ORDER BY c.position DESC LIMIT ?"
    ))?;
    let asked = params![viewer.as_bytes(), state.number(), before(cursor), rows(limit + 1)];
    let selected = statement.query_map(asked, |row| Ok((read_contact(row)?, row.get(OF_USER + 1)?)))?;
    Ok(cut(selected.collect::<Result<_, _>>()?, limit))
}

pub(super) fn one(db: &Connection, viewer: UserId, other: UserId) -> rusqlite::Result<Option<Contact>> {
    db.prepare_cached(&format!(
        "SELECT {USER}, c.since, c.position, c.state FROM directory.contacts c
         JOIN directory.users u ON u.id = c.other AND u.closed_at IS NULL WHERE c.user = ? AND c.other = ?"
    ))?
    .query_row(params![viewer.as_bytes(), other.as_bytes()], read_contact)
    .optional()
}

pub(super) fn ids(db: &Connection, user: UserId, limit: usize) -> rusqlite::Result<Vec<UserId>> {
    let mut statement = db.prepare_cached(
        "SELECT other FROM directory.contacts WHERE user = ? AND state = ? ORDER BY position DESC LIMIT ?",
    )?;
    let asked = params![user.as_bytes(), ContactState::Accepted.number(), rows(limit)];
    let selected = statement.query_map(asked, |row| Ok(row.get::<_, Id16<UserId>>(0)?.0))?;
    selected.collect()
}

pub(super) fn blocks(
    db: &Connection,
    viewer: UserId,
    cursor: Option<ContactCursor>,
    limit: usize,
) -> rusqlite::Result<Page<Block, ContactCursor>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {USER}, b.since, b.position FROM directory.blocks b
         JOIN directory.users u ON u.id = b.other AND u.closed_at IS NULL
         WHERE b.user = ? AND b.position < ? ORDER BY b.position DESC LIMIT ?"
    ))?;
    let selected = statement.query_map(params![viewer.as_bytes(), before(cursor), rows(limit + 1)], |row| {
        let (user, since) = account(row)?;
        Ok((Block { user, since }, row.get(OF_USER + 1)?))
    })?;
    Ok(cut(selected.collect::<Result<_, _>>()?, limit))
}
