//! What was to be erased, and what is not to be kept any more.

use rusqlite::{CachedStatement, Connection, Row, params};
use tidings_domain::{ConversationId, MessageId, Timestamp, UserId};
use tidings_event_store::Position;

use crate::{
    fold::{
        conversations::{erasures::reason_of, key, unkey},
        rows, signed, unsigned,
    },
    model::{Erasure, Expired, ExpiryCursor, ExpiryQuestion, Page},
    sqlite::ids::Id16,
};

const ERASURES: &str =
    "SELECT e.position, e.message, e.version, c.id, e.user, e.asked_by, e.reason, e.asked_at, e.done_at, e.receipt
     FROM erasures e LEFT JOIN conversations c ON c.number = e.message >> 32";

fn erasure(row: &Row<'_>) -> rusqlite::Result<Erasure> {
    let message = match (row.get::<_, Option<i64>>(1)?, row.get(2)?, row.get::<_, Option<Id16<ConversationId>>>(3)?) {
        (Some(key), Some(version), Some(Id16(conversation))) => {
            Some(MessageId { conversation, seq: unsigned(unkey(key).1), version: unsigned(version) })
        }
        _ => None,
    };
    Ok(Erasure {
        position: Position::new(unsigned(row.get(0)?)),
        message,
        user: row.get::<_, Id16<UserId>>(4)?.0,
        by: row.get::<_, Option<Id16<UserId>>>(5)?.map(|by| by.0),
        reason: reason_of(row.get(6)?),
        asked_at: Timestamp::from_millis(row.get(7)?),
        done_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
        receipt: row.get::<_, Option<i64>>(9)?.map(|position| Position::new(unsigned(position))),
    })
}

/// Of what somebody wrote, newest first.
pub(super) fn of(
    db: &Connection,
    user: UserId,
    before: Option<Position>,
    limit: usize,
) -> rusqlite::Result<Page<Erasure, Position>> {
    let mut statement =
        db.prepare_cached(&format!("{ERASURES} WHERE e.user = ? AND e.position < ? ORDER BY e.position DESC LIMIT ?"))?;
    let before = before.map_or(i64::MAX, |before| signed(before.get()));
    let found = statement.query_map(params![user.as_bytes(), before, rows(limit + 1)], erasure)?;
    let mut items = found.collect::<Result<Vec<_>, _>>()?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| last.position);
    Ok(Page { items, next })
}

/// Those that are not done, oldest first.
pub(super) fn waiting(db: &Connection, after: Position, limit: usize) -> rusqlite::Result<Vec<Erasure>> {
    let mut statement = db.prepare_cached(&format!(
        "{ERASURES} WHERE e.done_at IS NULL AND e.position > ? ORDER BY e.position LIMIT ?"
    ))?;
    statement.query_map(params![signed(after.get()), rows(limit)], erasure)?.collect()
}

/// A conversation that keeps messages for a time.
struct Keeping {
    number: i64,
    id: ConversationId,
    last_seq: i64,
    /// What was sent until then is not kept.
    ended: i64,
    expired_seq: i64,
}

/// Messages that are not to be kept any more: those at the beginning of a conversation, all of which are that old.
pub(super) fn expired(db: &Connection, asked: &ExpiryQuestion) -> rusqlite::Result<Expired> {
    let mut found = Expired::default();
    let keeping = keeping(db, asked)?;
    let mut oldest = db.prepare_cached(
        "SELECT key, version, sender, deleted_at IS NULL, latest_at FROM messages WHERE key > ? AND key <= ? ORDER BY key",
    )?;
    let (mut looked_at, (begin, seq)) = (0, unkey(asked.after.0));
    for conversation in &keeping {
        let done = if asked.whole { 0 } else { conversation.expired_seq };
        let from = if conversation.number == begin { done.max(seq) } else { done };
        let end = read_oldest(&mut oldest, conversation, from, asked.limit - looked_at, &mut found)?;
        looked_at += end.1;
        if looked_at >= asked.limit {
            found.next = Some(ExpiryCursor(end.0));
            return Ok(found);
        }
    }
    let last = keeping.last().filter(|_| keeping.len() >= asked.limit);
    found.next = last.map(|last| ExpiryCursor(key(last.number + 1, 0)));
    Ok(found)
}

/// The conversations where something may have expired, from where the look goes on.
fn keeping(db: &Connection, asked: &ExpiryQuestion) -> rusqlite::Result<Vec<Keeping>> {
    // almost all conversations where there is a rule for all of them, else the few that have one
    let sql = if asked.of_all.is_some() {
        "SELECT c.number, c.id, c.last_seq, min(coalesce(r.seconds, ?2), ?2), coalesce(r.expired_seq, 0)
         FROM conversations c LEFT JOIN retained r ON r.conversation = c.number
         WHERE c.number >= ?1 ORDER BY c.number LIMIT ?3"
    } else {
        "SELECT c.number, c.id, c.last_seq, r.seconds, r.expired_seq
         FROM retained r JOIN conversations c ON c.number = r.conversation
         WHERE r.conversation >= ?1 AND r.seconds IS NOT NULL AND ?2 IS NULL ORDER BY r.conversation LIMIT ?3"
    };
    let of_all = asked.of_all.map(|kept| signed(kept.seconds()));
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_map(params![unkey(asked.after.0).0, of_all, rows(asked.limit)], |row| {
        Ok(Keeping {
            number: row.get(0)?,
            id: row.get::<_, Id16<ConversationId>>(1)?.0,
            last_seq: row.get(2)?,
            ended: asked.now.millis().saturating_sub(row.get::<_, i64>(3)?.saturating_mul(1_000)),
            expired_seq: row.get(4)?,
        })
    })?;
    found.collect()
}

/// The last message looked at, and how many were.
fn read_oldest(
    oldest: &mut CachedStatement<'_>,
    conversation: &Keeping,
    from: i64,
    limit: usize,
    found: &mut Expired,
) -> rusqlite::Result<(i64, usize)> {
    let number = conversation.number;
    let (mut last, mut count) = (key(number, from), 0);
    let mut messages = oldest.query(params![last, key(number, conversation.last_seq)])?;
    while count < limit {
        let Some(row) = messages.next()? else { break };
        if row.get::<_, i64>(4)? > conversation.ended {
            break;
        }
        last = row.get(0)?;
        count += 1;
        if row.get(3)? {
            let id = MessageId {
                conversation: conversation.id,
                seq: unsigned(unkey(last).1),
                version: unsigned(row.get(1)?),
            };
            found.messages.push((id, row.get::<_, Id16<UserId>>(2)?.0));
        }
    }
    Ok((last, count))
}
