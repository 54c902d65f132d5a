//! What was to be erased, and what is not to be kept any more.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{ConversationId, MessageId, Timestamp, UserId};
use tidings_event_store::Position;
use uuid::Uuid;

use crate::{
    fold::{
        conversations::{erasures::reason_of, key, unkey},
        rows, signed, unsigned,
    },
    model::{Erasure, Expired, ExpiryCursor, ExpiryQuestion, Page},
    postgres::reading::Snapshot,
};

const ERASURES: &str =
    "SELECT e.*, c.id FROM {c}.erasures e LEFT JOIN {c}.conversations c ON c.number = e.message >> 32";

fn erasure(row: &PgRow) -> sqlx::Result<Erasure> {
    let position = |position: i64| Position::new(unsigned(position));
    let id = |key: Option<i64>, version: Option<i64>, conversation: Option<Uuid>| {
        let conversation = ConversationId::new(conversation?);
        Some(MessageId { conversation, seq: unsigned(unkey(key?).1), version: unsigned(version?) })
    };
    Ok(Erasure {
        position: position(row.try_get("position")?),
        message: id(row.try_get("message")?, row.try_get("version")?, row.try_get("id")?),
        user: UserId::new(row.try_get("user_id")?),
        by: row.try_get::<Option<Uuid>, _>("asked_by")?.map(UserId::new),
        reason: reason_of(row.try_get("reason")?),
        asked_at: Timestamp::from_millis(row.try_get("asked_at")?),
        done_at: row.try_get::<Option<i64>, _>("done_at")?.map(Timestamp::from_millis),
        receipt: row.try_get::<Option<i64>, _>("receipt")?.map(position),
    })
}

/// Of what somebody wrote, newest first.
pub(super) async fn of(
    db: &mut Snapshot,
    user: UserId,
    before: Option<Position>,
    limit: usize,
) -> sqlx::Result<Page<Erasure, Position>> {
    let sql = format!("{ERASURES} WHERE e.user_id = $1 AND e.position < $2 ORDER BY e.position DESC LIMIT $3");
    let before = before.map_or(i64::MAX, |before| signed(before.get()));
    let query = sqlx::query(db.sql(&sql)).bind(user.uuid()).bind(before).bind(rows(limit + 1));
    let found = query.fetch_all(&mut **db).await?;
    let items = found.iter().take(limit).map(erasure).collect::<Result<Vec<_>, _>>()?;
    let next = items.last().filter(|_| found.len() > limit).map(|last| last.position);
    Ok(Page { items, next })
}

/// Those that are not done, oldest first.
pub(super) async fn waiting(db: &mut Snapshot, after: Position, limit: usize) -> sqlx::Result<Vec<Erasure>> {
    let sql = format!("{ERASURES} WHERE e.done_at IS NULL AND e.position > $1 ORDER BY e.position LIMIT $2");
    let query = sqlx::query(db.sql(&sql)).bind(signed(after.get())).bind(rows(limit));
    query.fetch_all(&mut **db).await?.iter().map(erasure).collect()
}

/// The conversations where something may have expired, from where the look goes on: $1 their first number, $2 how long all
/// keep messages, $3 how many conversations.
const ALL_KEEP: &str =
    "SELECT c.number, c.id, c.last_seq, least(r.seconds, $2) AS seconds, coalesce(r.expired_seq, 0) AS expired_seq
     FROM {c}.conversations c LEFT JOIN {c}.retained r ON r.conversation = c.number
     WHERE c.number >= $1 ORDER BY c.number LIMIT $3";
const SOME_KEEP: &str = "SELECT c.number, c.id, c.last_seq, r.seconds, r.expired_seq
     FROM {c}.retained r JOIN {c}.conversations c ON c.number = r.conversation
     WHERE r.conversation >= $1 AND r.seconds IS NOT NULL AND $2::bigint IS NULL ORDER BY r.conversation LIMIT $3";

/// Messages that are not to be kept any more: those at the beginning of a conversation, all of which are that old. The first
/// of a conversation is looked at by itself: most have none.
const EXPIRED: &str = "WITH keeping AS MATERIALIZED (
         SELECT k.number, k.id, (k.number << 32) | k.last_seq AS last, $4::bigint - k.seconds * 1000 AS ended,
             (k.number << 32) | greatest(CASE WHEN $5 THEN 0 ELSE k.expired_seq END,
                 CASE WHEN k.number = $1 THEN $6::bigint ELSE 0 END) AS done
         FROM (KEEP) k
     )
     SELECT k.number, k.id, m.* FROM keeping k
     LEFT JOIN LATERAL (
         SELECT f.latest_at FROM {c}.messages f WHERE f.key > k.done AND f.key <= k.last ORDER BY f.key LIMIT 1
     ) first ON TRUE
     LEFT JOIN LATERAL (
         SELECT m.key, m.version, m.sender, m.deleted_at IS NULL AS there FROM {c}.messages m
         WHERE first.latest_at <= k.ended AND m.key > k.done AND m.key <= k.last AND m.latest_at <= k.ended
         ORDER BY m.key LIMIT $3
     ) m ON TRUE
     ORDER BY k.number, m.key";

/// See [`ExpiryQuestion`].
pub(super) async fn expired(db: &mut Snapshot, asked: &ExpiryQuestion) -> sqlx::Result<Expired> {
    let (number, seq) = unkey(asked.after.0);
    let sql = EXPIRED.replace("KEEP", if asked.of_all.is_some() { ALL_KEEP } else { SOME_KEEP });
    let found = sqlx::query(db.sql(&sql))
        .bind(number)
        .bind(asked.of_all.map(|kept| signed(kept.seconds())))
        .bind(rows(asked.limit))
        .bind(asked.now.millis())
        .bind(asked.whole)
        .bind(seq)
        .fetch_all(&mut **db)
        .await?;
    let (mut expired, mut conversations, mut looked_at, mut last) = (Expired::default(), 0, 0, None);
    for row in &found {
        let number: i64 = row.try_get("number")?;
        if last != Some(number) {
            (last, conversations) = (Some(number), conversations + 1);
        }
        let Some(message) = row.try_get::<Option<i64>, _>("key")? else { continue };
        looked_at += 1;
        if row.try_get("there")? {
            let conversation = ConversationId::new(row.try_get("id")?);
            let version = unsigned(row.try_get("version")?);
            let id = MessageId { conversation, seq: unsigned(unkey(message).1), version };
            expired.messages.push((id, UserId::new(row.try_get("sender")?)));
        }
        if looked_at >= asked.limit {
            expired.next = Some(ExpiryCursor(message));
            return Ok(expired);
        }
    }
    let last = last.filter(|_| conversations >= asked.limit);
    expired.next = last.map(|last| ExpiryCursor(key(last + 1, 0)));
    Ok(expired)
}
