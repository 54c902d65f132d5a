//! Contacts and blocks, each with the other's account.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{Timestamp, UserId};
use tidings_event_store::Position;
use uuid::Uuid;

use super::people::read_user;
use crate::{
    fold::{rows, signed, unsigned},
    model::{Block, Contact, ContactCursor, ContactState, Page},
    postgres::reading::Snapshot,
};

fn read_contact(row: &PgRow) -> sqlx::Result<Contact> {
    let state = ContactState::numbered(row.try_get("state")?);
    let unknown = || sqlx::Error::Decode("a contact is in a state that this version does not know".into());
    Ok(Contact { user: read_user(row)?, state: state.ok_or_else(unknown)?, since: since(row)? })
}

fn read_block(row: &PgRow) -> sqlx::Result<Block> {
    Ok(Block { user: read_user(row)?, since: since(row)? })
}

fn since(row: &PgRow) -> sqlx::Result<Timestamp> {
    Ok(Timestamp::from_millis(row.try_get("since")?))
}

fn before(cursor: Option<ContactCursor>) -> i64 {
    cursor.map_or(i64::MAX, |ContactCursor(position)| signed(position.get()))
}

/// A page out of one row more than it may have.
fn cut<T>(
    mut found: Vec<PgRow>,
    limit: usize,
    read: fn(&PgRow) -> sqlx::Result<T>,
) -> sqlx::Result<Page<T, ContactCursor>> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = match found.last().filter(|_| more) {
        Some(last) => Some(ContactCursor(Position::new(unsigned(last.try_get("position")?)))),
        None => None,
    };
    Ok(Page { items: found.iter().map(read).collect::<Result<_, _>>()?, next })
}

pub(super) async fn page(
    db: &mut Snapshot,
    viewer: UserId,
    state: ContactState,
    cursor: Option<ContactCursor>,
    limit: usize,
) -> sqlx::Result<Page<Contact, ContactCursor>> {
    let sql = db.sql(
        "SELECT u.*, c.since, c.position, c.state FROM {d}.contacts c
         JOIN {d}.users u ON u.id = c.other_id AND u.closed_at IS NULL
         WHERE c.user_id = $1 AND c.state = $2 AND c.position < $3 ORDER BY c.position DESC LIMIT $4",
    );
    let asked = sqlx::query(sql).bind(viewer.uuid()).bind(state.number()).bind(before(cursor)).bind(rows(limit + 1));
    cut(asked.fetch_all(&mut **db).await?, limit, read_contact)
}

pub(super) async fn one(db: &mut Snapshot, viewer: UserId, other: UserId) -> sqlx::Result<Option<Contact>> {
    let sql = db.sql(
        "SELECT u.*, c.since, c.position, c.state FROM {d}.contacts c
         JOIN {d}.users u ON u.id = c.other_id AND u.closed_at IS NULL WHERE c.user_id = $1 AND c.other_id = $2",
    );
    let row = sqlx::query(sql).bind(viewer.uuid()).bind(other.uuid()).fetch_optional(&mut **db).await?;
    row.as_ref().map(read_contact).transpose()
}

pub(super) async fn ids(db: &mut Snapshot, user: UserId, limit: usize) -> sqlx::Result<Vec<UserId>> {
    let sql =
        db.sql("SELECT other_id FROM {d}.contacts WHERE user_id = $1 AND state = $2 ORDER BY position DESC LIMIT $3");
    let asked = sqlx::query_scalar(sql).bind(user.uuid()).bind(ContactState::Accepted.number()).bind(rows(limit));
    let ids: Vec<Uuid> = asked.fetch_all(&mut **db).await?;
    Ok(ids.into_iter().map(UserId::new).collect())
}

pub(super) async fn blocks(
    db: &mut Snapshot,
    viewer: UserId,
    cursor: Option<ContactCursor>,
    limit: usize,
) -> sqlx::Result<Page<Block, ContactCursor>> {
    let sql = db.sql(
        "SELECT u.*, b.since, b.position FROM {d}.blocks b
         JOIN {d}.users u ON u.id = b.other_id AND u.closed_at IS NULL
         WHERE b.user_id = $1 AND b.position < $2 ORDER BY b.position DESC LIMIT $3",
    );
    let asked = sqlx::query(sql).bind(viewer.uuid()).bind(before(cursor)).bind(rows(limit + 1));
    cut(asked.fetch_all(&mut **db).await?, limit, read_block)
}
