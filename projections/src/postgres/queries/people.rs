//! Accounts, sessions, and who is in a conversation.

use std::collections::HashMap;

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{ConversationId, MessageId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::{
    fold::{
        directory::{parse_roles, wanted},
        rows, signed, unsigned,
    },
    model::{Device, MemberCursor, MemberRow, Page, Session, User, UserCursor, UserRef},
    postgres::reading::Snapshot,
    viewing::role,
};

pub(super) fn read_user(row: &PgRow) -> sqlx::Result<User> {
    Ok(User {
        id: UserId::new(row.try_get("id")?),
        username: row.try_get("username")?,
        email: row.try_get("email")?,
        phone_number: row.try_get("phone_number")?,
        first_name: row.try_get("first_name")?,
        last_name: row.try_get("last_name")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        modified_at: Timestamp::from_millis(row.try_get("modified_at")?),
        roles: parse_roles(row.try_get("roles")?).collect(),
        mfa_enabled: row.try_get("mfa")?,
        imported: row.try_get("imported")?,
        suspended: row.try_get("suspended")?,
        closed: row.try_get::<Option<i64>, _>("closed_at")?.is_some(),
    })
}

pub(super) async fn user(db: &mut Snapshot, id: UserId) -> sqlx::Result<Option<User>> {
    let sql = db.sql("SELECT * FROM {d}.users WHERE id = $1");
    let row = sqlx::query(sql).bind(id.uuid()).fetch_optional(&mut **db).await?;
    row.as_ref().map(read_user).transpose()
}

pub(super) async fn user_by_username(db: &mut Snapshot, username: &str) -> sqlx::Result<Option<User>> {
    let sql = db.sql("SELECT * FROM {d}.users WHERE username = $1");
    let row = sqlx::query(sql).bind(username).fetch_optional(&mut **db).await?;
    row.as_ref().map(read_user).transpose()
}

pub(super) async fn users(db: &mut Snapshot, ids: &[UserId]) -> sqlx::Result<Vec<User>> {
    let sql = db.sql("SELECT * FROM {d}.users WHERE id = ANY ($1)");
    let asked: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let selected = sqlx::query(sql).bind(asked).fetch_all(&mut **db).await?;
    let found = selected.iter().map(|row| Ok((UserId::new(row.try_get("id")?), read_user(row)?)));
    let found: HashMap<UserId, User> = found.collect::<sqlx::Result<_>>()?;
    Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
}

pub(super) async fn search(
    db: &mut Snapshot,
    query: &str,
    cursor: Option<&UserCursor>,
    limit: usize,
) -> sqlx::Result<Page<User, UserCursor>> {
    let wanted = wanted(query);
    if wanted.is_empty() && !query.trim().is_empty() {
        // something was asked for, and no word of anybody can be it
        return Ok(Page::empty());
    }
    let mut selected = if let [first, others @ ..] = wanted.as_slice() {
        matching(db, first, others, cursor, limit + 1).await?
    } else {
        let sql = db.sql("SELECT *, '' AS term FROM {d}.users WHERE username > $1 ORDER BY username LIMIT $2");
        let after = cursor.map_or("", |cursor| cursor.username.as_str());
        sqlx::query(sql).bind(after).bind(rows(limit + 1)).fetch_all(&mut **db).await?
    };
    let more = selected.len() > limit;
    selected.truncate(limit);
    let items: Vec<User> = selected.iter().map(read_user).collect::<Result<_, _>>()?;
    let next = match selected.last().filter(|_| more) {
        Some(last) => Some(UserCursor {
            term: last.try_get("term")?,
            username: last.try_get::<Option<String>, _>("username")?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Page { items, next })
}

/// In the order of the terms that match: each user by the first of theirs.
async fn matching(
    db: &mut Snapshot,
    first: &str,
    others: &[String],
    cursor: Option<&UserCursor>,
    limit: usize,
) -> sqlx::Result<Vec<PgRow>> {
    // U+10FFFF sorts after every character that a term can go on with
    let end = |prefix: &str| format!("{prefix}\u{10ffff}");
    let sql = db.sql(
        "SELECT u.*, t.term FROM {d}.name_terms t JOIN {d}.users u ON u.id = t.user_id
         WHERE t.term >= $1 AND t.term < $2 AND (t.term, t.username) > ($3, $4)
           AND NOT EXISTS (SELECT FROM {d}.name_terms o WHERE o.user_id = t.user_id AND o.term >= $1 AND o.term < t.term)
           AND NOT EXISTS (
               SELECT FROM unnest($5::text[], $6::text[]) AS also (low, high)
               WHERE NOT EXISTS (SELECT FROM {d}.name_terms o WHERE o.user_id = t.user_id
                   AND o.term >= also.low AND o.term < also.high))
         ORDER BY t.term, t.username LIMIT $7",
    );
    let (term, username) = cursor.map_or(("", ""), |cursor| (cursor.term.as_str(), cursor.username.as_str()));
    sqlx::query(sql)
        .bind(first)
        .bind(end(first))
        .bind(term)
        .bind(username)
        .bind(others)
        .bind(others.iter().map(|word| end(word)).collect::<Vec<_>>())
        .bind(rows(limit))
        .fetch_all(&mut **db)
        .await
}

fn read_session(row: &PgRow) -> sqlx::Result<Session> {
    Ok(Session {
        id: SessionId::new(row.try_get("id")?),
        user: UserId::new(row.try_get("user_id")?),
        device_name: row.try_get("device_name")?,
        created_at: Timestamp::from_millis(row.try_get("opened_at")?),
        refreshed_at: Timestamp::from_millis(row.try_get("refreshed_at")?),
    })
}

pub(super) async fn sessions(db: &mut Snapshot, user: UserId, alive_since: Timestamp) -> sqlx::Result<Vec<Session>> {
    let sql =
        db.sql("SELECT * FROM {d}.sessions WHERE user_id = $1 AND refreshed_at >= $2 ORDER BY opened_at DESC, id");
    let selected = sqlx::query(sql).bind(user.uuid()).bind(alive_since.millis()).fetch_all(&mut **db).await?;
    selected.iter().map(read_session).collect()
}

pub(super) async fn session(db: &mut Snapshot, id: SessionId) -> sqlx::Result<Option<Session>> {
    let sql = db.sql("SELECT * FROM {d}.sessions WHERE id = $1");
    let row = sqlx::query(sql).bind(id.uuid()).fetch_optional(&mut **db).await?;
    row.as_ref().map(read_session).transpose()
}

pub(super) async fn devices(db: &mut Snapshot, user: UserId) -> sqlx::Result<Vec<Device>> {
    let sql = db.sql("SELECT * FROM {d}.devices WHERE user_id = $1 ORDER BY number");
    let selected = sqlx::query(sql).bind(user.uuid()).fetch_all(&mut **db).await?;
    let device = |row: &PgRow| {
        Ok(Device {
            number: u32::try_from(row.try_get::<i64, _>("number")?).unwrap_or_default(),
            id: row.try_get("id")?,
            identity_key: row.try_get("identity_key")?,
            key_packages: unsigned(row.try_get("key_packages")?),
            fallback: row.try_get("fallback")?,
            published_at: Timestamp::from_millis(row.try_get("published_at")?),
        })
    };
    selected.iter().map(device).collect()
}

/// Those who are in a conversation now, with the versions of the messages at their marks.
const MEMBERS: &str = "SELECT m.*, u.username,
        (SELECT x.version FROM {c}.messages x WHERE x.key = (c.number << 32 | m.mark)) AS mark_version,
        (SELECT x.version FROM {c}.messages x WHERE x.key = (c.number << 32 | greatest(m.delivered, m.mark))) AS delivered_version
     FROM {c}.conversations c JOIN {c}.members m ON m.conversation = c.number
     LEFT JOIN {d}.users u ON u.id = m.user_id
     WHERE c.id = $1 AND m.left_seq IS NULL";

fn read_member(conversation: ConversationId, row: &PgRow) -> sqlx::Result<MemberRow> {
    let (mark, delivered): (i64, i64) = (row.try_get("mark")?, row.try_get("delivered")?);
    let message = |seq: i64, version: Option<i64>| {
        version.map(|version| MessageId { conversation, seq: unsigned(seq), version: unsigned(version) })
    };
    Ok(MemberRow {
        user: UserRef { id: UserId::new(row.try_get("user_id")?), username: row.try_get("username")? },
        role: role(row.try_get("role")?),
        joined_at: Timestamp::from_millis(row.try_get("joined_at")?),
        read_up_to: message(mark, row.try_get("mark_version")?),
        delivered_up_to: message(delivered.max(mark), row.try_get("delivered_version")?),
    })
}

pub(super) async fn members(
    db: &mut Snapshot,
    id: ConversationId,
    cursor: Option<MemberCursor>,
    limit: usize,
) -> sqlx::Result<Page<MemberRow, MemberCursor>> {
    let sql = db.sql(&format!("{MEMBERS} AND m.joined > $2 ORDER BY m.joined LIMIT $3"));
    let after = cursor.map_or(0, |MemberCursor(after)| signed(after));
    let asked = sqlx::query(sql).bind(id.uuid()).bind(after).bind(rows(limit + 1));
    let mut selected = asked.fetch_all(&mut **db).await?;
    let more = selected.len() > limit;
    selected.truncate(limit);
    let next = match selected.last().filter(|_| more) {
        Some(last) => Some(MemberCursor(unsigned(last.try_get("joined")?))),
        None => None,
    };
    Ok(Page { items: selected.iter().map(|row| read_member(id, row)).collect::<Result<_, _>>()?, next })
}

pub(super) async fn member(db: &mut Snapshot, id: ConversationId, user: UserId) -> sqlx::Result<Option<MemberRow>> {
    let sql = db.sql(&format!("{MEMBERS} AND m.user_id = $2"));
    let row = sqlx::query(sql).bind(id.uuid()).bind(user.uuid()).fetch_optional(&mut **db).await?;
    row.map(|row| read_member(id, &row)).transpose()
}

pub(super) async fn member_ids(db: &mut Snapshot, id: ConversationId) -> sqlx::Result<Vec<UserId>> {
    let sql = db.sql(
        "SELECT m.user_id FROM {c}.conversations c JOIN {c}.members m ON m.conversation = c.number
         WHERE c.id = $1 AND m.left_seq IS NULL ORDER BY m.joined",
    );
    let ids: Vec<Uuid> = sqlx::query_scalar(sql).bind(id.uuid()).fetch_all(&mut **db).await?;
    Ok(ids.into_iter().map(UserId::new).collect())
}
