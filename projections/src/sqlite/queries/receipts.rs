//! Who a message was delivered to and read by, and when: by marks, by single reading, by answers sent after it.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::{Timestamp, UserId};

use super::messages::next_of_sender;
use crate::{
    fold::{
        conversations::{
            readers::{DELIVERED_UP_TO, READ_UP_TO, THIS_ONE_READ},
            unkey,
        },
        signed, unsigned,
    },
    model::{MemberCursor, Message, Page, Receipt, UserRef},
    sqlite::ids::Id16,
    viewing::Viewer,
};

pub(super) fn page(
    db: &Connection,
    viewer: &Viewer,
    message: &Message,
    cursor: Option<MemberCursor>,
    limit: usize,
) -> rusqlite::Result<Page<Receipt, MemberCursor>> {
    let key = viewer.key(signed(message.id.seq));
    let after = cursor.map_or(0, |MemberCursor(after)| signed(after));
    let mut statement = db.prepare_cached(
        "SELECT m.user, u.username, m.joined FROM members m LEFT JOIN directory.users u ON u.id = m.user
         WHERE m.conversation = ? AND m.joined > ? AND m.user <> ? ORDER BY m.joined",
    )?;
    let mut rows = statement.query(params![viewer.number, after, message.sender.id.as_bytes()])?;
    let (mut page, mut last) = (Page::empty(), 0);
    while let Some(row) = rows.next()? {
        let user = UserRef { id: row.get::<_, Id16<UserId>>(0)?.0, username: row.get(1)? };
        let Some(receipt) = receipt(db, user, key, message.created_at)? else { continue };
        if page.items.len() == limit {
            page.next = Some(MemberCursor(last));
            break;
        }
        page.items.push(receipt);
        last = unsigned(row.get(2)?);
    }
    Ok(page)
}

fn receipt(db: &Connection, user: UserRef, key: i64, sent_at: Timestamp) -> rusqlite::Result<Option<Receipt>> {
    let read_at =
        [passed(db, user.id, READ_UP_TO, key)?, exactly(db, user.id, key)?, next_of_sender(db, user.id, key)?];
    let read_at = read_at.into_iter().flatten().min();
    let delivered_at = passed(db, user.id, DELIVERED_UP_TO, key)?.into_iter().chain(read_at).min();
    let read_at = read_at.map(Timestamp::from_millis);
    Ok(delivered_at.map(|at| Receipt { user, sent_at, delivered_at: Timestamp::from_millis(at), read_at }))
}

/// When a mark first reached the message: marks only rise, so the lowest one at or above it was the first.
fn passed(db: &Connection, user: UserId, kind: i64, key: i64) -> rusqlite::Result<Option<i64>> {
    let (number, _) = unkey(key);
    db.prepare_cached(
        "SELECT at FROM receipts WHERE user = ? AND kind = ? AND key >= ? AND key < ? ORDER BY key LIMIT 1",
    )?
    .query_row(params![user.as_bytes(), kind, key, (number + 1) << 32], |row| row.get(0))
    .optional()
}

fn exactly(db: &Connection, user: UserId, key: i64) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT at FROM receipts WHERE user = ? AND kind = ? AND key = ?")?
        .query_row(params![user.as_bytes(), THIS_ONE_READ, key], |row| row.get(0))
        .optional()
}
