//! All that somebody received, over all their conversations, newest first.

use tidings_domain::{Timestamp, UserId};
use tidings_event_store::Position;

use super::messages::by_keys;
use crate::{
    fold::{rows, signed, unsigned},
    model::{Message, Page, ReceivedCursor, ReceivedFilter},
    postgres::reading::Snapshot,
};

/// How many conversations are looked into at first; the next time twice as many.
const FIRST: i64 = 32;

/// The newest messages of some conversations, those with the latest activity first: `$2` how many of them are passed over,
/// `$3` how many are looked into. A conversation cannot give anything newer than its own activity, so the first one that is
/// not looked into bounds all that is left. `$4` before which position, `$5` `$6` when, `$7` from whom, `$8` whether
/// unread, `$9` how many.
const NEWEST: &str = "SELECT of_one.key, of_one.position FROM (
        SELECT m.*, c.number, c.last_seq,
            least(coalesce(m.left_seq, c.last_seq),
                CASE WHEN c.activity < $4 THEN c.last_seq ELSE {c}.seq_at(c.number, c.last_seq, $4 - 1) END) AS high,
            greatest(m.joined_seq + 1,
                CASE WHEN $5::bigint IS NULL THEN 1 ELSE {c}.seq_since(c.number, c.last_seq, $5) END) AS low
        FROM {c}.members m JOIN {c}.conversations c ON c.number = m.conversation
        WHERE m.user_id = $1 AND ($5::bigint IS NULL OR c.latest_at >= $5)
        ORDER BY c.activity DESC OFFSET $2 LIMIT $3
    ) AS me
    JOIN LATERAL (
        SELECT x.key, x.position FROM {c}.messages x
        LEFT JOIN {c}.exceptions e ON me.exceptions > 0 AND e.user_id = $1 AND e.key = x.key
        WHERE x.key BETWEEN (me.number << 32 | me.low) AND (me.number << 32 | me.high)
          AND me.low <= me.high AND x.sender <> $1 AND e.hidden IS NOT TRUE
          AND ($5::bigint IS NULL OR x.at >= $5) AND ($6::bigint IS NULL OR x.at < $6)
          AND ($7::uuid IS NULL OR x.sender = $7)
          AND ($8::boolean IS NULL OR $8 = (x.deleted_at IS NULL AND me.left_seq IS NULL
              AND CASE WHEN x.key > (me.number << 32 | me.mark) THEN coalesce(e.mark, 0) <> 1 ELSE coalesce(e.mark, 0) = 2 END))
        ORDER BY x.key DESC LIMIT $9
    ) AS of_one ON TRUE
    ORDER BY of_one.position DESC LIMIT $9";

pub(super) async fn page(
    db: &mut Snapshot,
    user: UserId,
    filter: &ReceivedFilter,
    cursor: Option<ReceivedCursor>,
    limit: usize,
) -> sqlx::Result<Page<Message, ReceivedCursor>> {
    let before = cursor.map_or(i64::MAX, |ReceivedCursor(position)| signed(position.get()));
    let mut found: Vec<(i64, i64)> = Vec::new();
    let (mut passed, mut chunk) = (0, FIRST);
    loop {
        let sql = db.sql(NEWEST);
        let some: Vec<(i64, i64)> = sqlx::query_as(sql)
            .bind(user.uuid())
            .bind(passed)
            .bind(chunk)
            .bind(before)
            .bind(filter.since.map(Timestamp::millis))
            .bind(filter.until.map(Timestamp::millis))
            .bind(filter.from.map(UserId::uuid))
            .bind(filter.unread)
            .bind(rows(limit + 1))
            .fetch_all(&mut **db)
            .await?;
        found.extend(some);
        found.sort_unstable_by_key(|(_, position)| std::cmp::Reverse(*position));
        found.truncate(limit + 1);
        (passed, chunk) = (passed + chunk, chunk * 2);
        let Some(bound) = next_activity(db, user, filter, passed).await? else { break };
        if found.len() > limit && found.last().is_some_and(|(_, position)| *position > bound) {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let keys: Vec<i64> = found.iter().map(|(key, _)| *key).collect();
    let messages = by_keys(db, user, &keys).await?;
    let next = messages.last().filter(|_| more).map(|last| ReceivedCursor(Position::new(unsigned(last.position))));
    Ok(Page { items: messages.into_iter().map(|found| found.message).collect(), next })
}

/// The activity of the first conversation that was not looked into.
async fn next_activity(
    db: &mut Snapshot,
    user: UserId,
    filter: &ReceivedFilter,
    passed: i64,
) -> sqlx::Result<Option<i64>> {
    let sql = db.sql(
        "SELECT c.activity FROM {c}.members m JOIN {c}.conversations c ON c.number = m.conversation
         WHERE m.user_id = $1 AND ($3::bigint IS NULL OR c.latest_at >= $3)
         ORDER BY c.activity DESC OFFSET $2 LIMIT 1",
    );
    let since = filter.since.map(Timestamp::millis);
    sqlx::query_scalar(sql).bind(user.uuid()).bind(passed).bind(since).fetch_optional(&mut **db).await
}
