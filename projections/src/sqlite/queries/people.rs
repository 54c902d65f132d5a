//! Accounts, sessions, and who is in a conversation.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::{ConversationId, SessionId, Timestamp, UserId};

use super::{conversations::number_of, viewer::message_id};
use crate::{
    fold::{
        directory::{parse_roles, wanted},
        rows, signed, unsigned,
    },
    model::{Device, MemberCursor, MemberRow, Page, Session, User, UserCursor, UserRef},
    sqlite::ids::Id16,
    viewing::role,
};

pub(super) const USER: &str = "u.id, u.username, u.email, u.phone_number, u.first_name, u.last_name, u.created_at, u.modified_at, \
    u.roles, u.imported, u.suspended, u.closed_at IS NOT NULL, u.mfa";

pub(super) fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get::<_, Id16<UserId>>(0)?.0,
        username: row.get(1)?,
        email: row.get(2)?,
        phone_number: row.get(3)?,
        first_name: row.get(4)?,
        last_name: row.get(5)?,
        created_at: Timestamp::from_millis(row.get(6)?),
        modified_at: Timestamp::from_millis(row.get(7)?),
        roles: parse_roles(&row.get::<_, String>(8)?).collect(),
        mfa_enabled: row.get(12)?,
        imported: row.get(9)?,
        suspended: row.get(10)?,
        closed: row.get(11)?,
    })
}

pub(super) fn user(db: &Connection, id: UserId) -> rusqlite::Result<Option<User>> {
    db.prepare_cached(&format!("SELECT {USER} FROM directory.users u WHERE u.id = ?"))?
        .query_row([id.as_bytes()], read_user)
        .optional()
}

pub(super) fn user_by_username(db: &Connection, username: &str) -> rusqlite::Result<Option<User>> {
    db.prepare_cached(&format!("SELECT {USER} FROM directory.users u WHERE u.username = ?"))?
        .query_row([username], read_user)
        .optional()
}

pub(super) fn search(
    db: &Connection,
    query: &str,
    cursor: Option<&UserCursor>,
    limit: usize,
) -> rusqlite::Result<Page<User, UserCursor>> {
    let (term, username) = cursor.map_or(("", ""), |cursor| (cursor.term.as_str(), cursor.username.as_str()));
    let wanted = wanted(query);
    if wanted.is_empty() && !query.trim().is_empty() {
        // something was asked for, and no word of anybody can be it
        return Ok(Page::empty());
    }
    let mut found = if let [first, others @ ..] = wanted.as_slice() {
        matching(db, first, others, (term, username), limit + 1)?
    } else {
        let sql = format!("SELECT {USER}, '' FROM directory.users u WHERE u.username > ? ORDER BY u.username LIMIT ?");
        let mut statement = db.prepare_cached(&sql)?;
        let selected =
            statement.query_map(params![username, rows(limit + 1)], |row| Ok((read_user(row)?, row.get(13)?)))?;
        selected.collect::<Result<Vec<_>, _>>()?
    };
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(user, term): &(User, String)| UserCursor {
        term: term.clone(),
        username: user.username.clone().unwrap_or_default(),
    });
    Ok(Page { items: found.into_iter().map(|(user, _)| user).collect(), next })
}

/// In the order of the terms that match: each user by the first of theirs.
fn matching(
    db: &Connection,
    first: &str,
    others: &[String],
    after: (&str, &str),
    limit: usize,
) -> rusqlite::Result<Vec<(User, String)>> {
    // U+10FFFF sorts after every character that a term can go on with
    let end = |prefix: &str| format!("{prefix}\u{10ffff}");
    let begins = "EXISTS (SELECT 1 FROM directory.name_terms o WHERE o.user = t.user AND o.term >= ? AND o.term < ?)";
    let also = format!(" AND {begins}").repeat(others.len());
    let sql = format!(
        "SELECT {USER}, t.term FROM directory.name_terms t JOIN directory.users u ON u.id = t.user
         WHERE t.term >= ?1 AND t.term < ?2 AND (t.term, t.username) > (?3, ?4)
           AND NOT EXISTS (SELECT 1 FROM directory.name_terms o WHERE o.user = t.user AND o.term >= ?1 AND o.term < t.term)
           {also} ORDER BY t.term, t.username LIMIT {limit}"
    );
    let mut parameters = vec![first.to_owned(), end(first), after.0.to_owned(), after.1.to_owned()];
    parameters.extend(others.iter().flat_map(|word| [word.clone(), end(word)]));
    let mut statement = db.prepare(&sql)?;
    let selected = statement
        .query_map(rusqlite::params_from_iter(parameters), |row| Ok((read_user(row)?, row.get::<_, String>(13)?)))?;
    selected.collect()
}

fn read_session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: row.get::<_, Id16<SessionId>>(0)?.0,
        user: row.get::<_, Id16<UserId>>(1)?.0,
        device_name: row.get(2)?,
        created_at: Timestamp::from_millis(row.get(3)?),
        refreshed_at: Timestamp::from_millis(row.get(4)?),
    })
}

pub(super) fn sessions(db: &Connection, user: UserId, alive_since: Timestamp) -> rusqlite::Result<Vec<Session>> {
    let mut statement = db.prepare_cached(
        "SELECT id, user, device_name, opened_at, refreshed_at FROM directory.sessions
         WHERE user = ? AND refreshed_at >= ? ORDER BY opened_at DESC, id",
    )?;
    let selected = statement.query_map(params![user.as_bytes(), alive_since.millis()], read_session)?;
    selected.collect()
}

pub(super) fn session(db: &Connection, id: SessionId) -> rusqlite::Result<Option<Session>> {
    db.prepare_cached("SELECT id, user, device_name, opened_at, refreshed_at FROM directory.sessions WHERE id = ?")?
        .query_row([id.as_bytes()], read_session)
        .optional()
}

pub(super) fn devices(db: &Connection, user: UserId) -> rusqlite::Result<Vec<Device>> {
    let mut statement = db.prepare_cached(
        "SELECT number, id, identity_key, key_packages, fallback, published_at FROM directory.devices
         WHERE user = ? ORDER BY number",
    )?;
    let device = |row: &Row<'_>| {
        Ok(Device {
            number: row.get(0)?,
            id: row.get(1)?,
            identity_key: row.get(2)?,
            key_packages: unsigned(row.get(3)?),
            fallback: row.get(4)?,
            published_at: Timestamp::from_millis(row.get(5)?),
        })
    };
    let selected = statement.query_map([user.as_bytes()], device)?;
    selected.collect()
}

const MEMBER: &str = "SELECT m.user, u.username, m.role, m.joined_at, m.mark, m.delivered, m.joined
     FROM members m LEFT JOIN directory.users u ON u.id = m.user";

fn read_member(db: &Connection, id: ConversationId, number: i64, row: &Row<'_>) -> rusqlite::Result<(MemberRow, i64)> {
    let (mark, delivered): (i64, i64) = (row.get(4)?, row.get(5)?);
    let member = MemberRow {
        user: UserRef { id: row.get::<_, Id16<UserId>>(0)?.0, username: row.get(1)? },
        role: role(row.get(2)?),
        joined_at: Timestamp::from_millis(row.get(3)?),
        read_up_to: message_id(db, id, number, mark)?,
        delivered_up_to: message_id(db, id, number, delivered.max(mark))?,
    };
    Ok((member, row.get(6)?))
}

pub(super) fn members(
    db: &Connection,
    id: ConversationId,
    cursor: Option<MemberCursor>,
    limit: usize,
) -> rusqlite::Result<Page<MemberRow, MemberCursor>> {
    let Some(number) = number_of(db, id)? else { return Ok(Page::empty()) };
    let after = cursor.map_or(0, |MemberCursor(after)| signed(after));
    let mut statement = db.prepare_cached(&format!(
        "{MEMBER} WHERE m.conversation = ? AND m.joined > ? AND m.left_seq IS NULL ORDER BY m.joined LIMIT ?"
    ))?;
    let selected =
        statement.query_map(params![number, after, rows(limit + 1)], |row| read_member(db, id, number, row))?;
    let mut found: Vec<_> = selected.collect::<Result<_, _>>()?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(_, joined)| MemberCursor(unsigned(*joined)));
    Ok(Page { items: found.into_iter().map(|(member, _)| member).collect(), next })
}

pub(super) fn member(db: &Connection, id: ConversationId, user: UserId) -> rusqlite::Result<Option<MemberRow>> {
    let Some(number) = number_of(db, id)? else { return Ok(None) };
    db.prepare_cached(&format!("{MEMBER} WHERE m.conversation = ? AND m.user = ? AND m.left_seq IS NULL"))?
        .query_row(params![number, user.as_bytes()], |row| read_member(db, id, number, row).map(|(member, _)| member))
        .optional()
}

pub(super) fn member_ids(db: &Connection, id: ConversationId) -> rusqlite::Result<Vec<UserId>> {
    let Some(number) = number_of(db, id)? else { return Ok(Vec::new()) };
    let mut statement =
        db.prepare_cached("SELECT user FROM members WHERE conversation = ? AND left_seq IS NULL ORDER BY joined")?;
    let selected = statement.query_map([number], |row| row.get::<_, Id16<UserId>>(0).map(|id| id.0))?;
    selected.collect()
}
