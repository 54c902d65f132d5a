//! What somebody may see that says what they look for, newest first. The index names messages that may say it; whether they do is
//! looked at in the messages themselves.

use sqlx::{Postgres, QueryBuilder};
use tidings_domain::{ConversationId, Timestamp, UserId};
use tidings_event_store::Position;
use uuid::Uuid;

use super::messages::by_keys;
use crate::{
    fold::{rows, signed, unsigned},
    model::{Page, SearchCursor, SearchFilter, SearchHit, Wanted},
    postgres::reading::{Error, Snapshot},
    text,
};

/// How many messages that may be it are looked at for a page.
const MOST_LOOKED_AT: usize = 10_000;
/// How many at once, at most.
const CHUNK: usize = 500;

/// The conversations to look into.
async fn conversations(db: &mut Snapshot, user: UserId, filter: &SearchFilter) -> sqlx::Result<Vec<ConversationId>> {
    let sql = db.sql(
        "SELECT c.id FROM {c}.members m JOIN {c}.conversations c ON c.number = m.conversation
         WHERE m.user_id = $1 AND ($2::uuid IS NULL OR c.id = $2)
           AND ($3::bigint IS NULL OR c.latest_at >= $3)",
    );
    let ids: Vec<Uuid> = sqlx::query_scalar(sql)
        .bind(user.uuid())
        .bind(filter.conversation.map(ConversationId::uuid))
        .bind(filter.since.map(Timestamp::millis))
        .fetch_all(&mut **db)
        .await?;
    Ok(ids.into_iter().map(ConversationId::new).collect())
}

/// What is wanted as lists of fingerprints: in each list one of every conversation. A fingerprint belongs to one conversation, so a
/// message that has one of each list has all that it must have.
fn lists(conversations: &[ConversationId], wanted: &Wanted) -> Vec<Vec<i64>> {
    let mut lists: Vec<Vec<i64>> = Vec::new();
    for id in conversations {
        for (nth, fingerprint) in text::fingerprints(*id, wanted.pieces()).into_iter().enumerate() {
            match lists.get_mut(nth) {
                Some(list) => list.push(fingerprint),
                None => lists.push(vec![fingerprint]),
            }
        }
    }
    lists
}

/// The keys of messages before a position that may be it, newest first.
async fn candidates(
    db: &mut Snapshot,
    user: UserId,
    lists: &[Vec<i64>],
    filter: &SearchFilter,
    before: i64,
    limit: usize,
) -> sqlx::Result<Vec<(i64, i64)>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        db.sql(
            "SELECT m.key, m.position
             FROM {s}.documents d
             JOIN {c}.conversations c ON c.id = d.conversation
             JOIN {c}.messages m ON m.key = (c.number << 32 | d.seq)
             JOIN {c}.members me ON me.conversation = c.number
             LEFT JOIN {c}.exceptions e ON e.user_id = me.user_id AND e.key = m.key
             WHERE e.hidden IS NOT TRUE AND m.deleted_at IS NULL AND d.seq <= coalesce(me.left_seq, c.last_seq)",
        )
        .0,
    );
    sql.push(" AND me.user_id = ").push_bind(user.uuid());
    sql.push(" AND m.position < ").push_bind(before);
    for list in lists {
        sql.push(" AND d.fingerprints && ").push_bind(list);
    }
    if let Some(from) = filter.from {
        sql.push(" AND m.sender = ").push_bind(from.uuid());
    }
    if let Some(since) = filter.since {
        sql.push(" AND m.at >= ").push_bind(since.millis());
    }
    if let Some(until) = filter.until {
        sql.push(" AND m.at < ").push_bind(until.millis());
    }
    sql.push(" ORDER BY m.position DESC LIMIT ").push_bind(rows(limit));
    sql.build_query_as().fetch_all(&mut **db).await
}

pub(super) async fn page(
    db: &mut Snapshot,
    user: UserId,
    wanted: &Wanted,
    filter: &SearchFilter,
    cursor: Option<SearchCursor>,
    limit: usize,
) -> Result<Page<SearchHit, SearchCursor>, Error> {
    if !db.searches() {
        return Err(Error::NotReady);
    }
    let mut page = Page::empty();
    let lists = lists(&conversations(db, user, filter).await?, wanted);
    if lists.is_empty() {
        return Ok(page);
    }
    let mut before = cursor.map_or(i64::MAX, |SearchCursor(position)| signed(position.get()));
    let (mut chunk, mut looked_at, mut last) = (limit + 1, 0, before);
    while looked_at < MOST_LOOKED_AT {
        let found = candidates(db, user, &lists, filter, before, chunk).await?;
        let keys: Vec<i64> = found.iter().map(|(key, _)| *key).collect();
        for found in by_keys(db, user, &keys).await? {
            let Some(hit) = SearchHit::look(found.message, wanted) else { continue };
            if page.items.len() == limit {
                page.next = Some(SearchCursor(Position::new(unsigned(last))));
                return Ok(page);
            }
            last = found.position;
            page.items.push(hit);
        }
        match found.last() {
            Some((_, position)) if found.len() == chunk => before = *position,
            Some(_) | None => return Ok(page),
        }
        looked_at += found.len();
        chunk = (chunk * 2).min(CHUNK);
    }
    page.next = Some(SearchCursor(Position::new(unsigned(before))));
    Ok(page)
}
