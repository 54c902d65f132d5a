//! What auditors were shown.

use rusqlite::{Connection, Row, params};
use tidings_domain::{ConversationId, MessageId, Timestamp, UserId};
use tidings_event_store::Position;

use crate::{
    fold::{conversations::accesses::EVERYBODY, rows, signed, unsigned},
    model::{Access, AccessCursor, Page, UserRef},
    sqlite::ids::Id16,
};

const COLUMNS: &str = "a.position, a.auditor, u.username, a.at, a.shown, a.conversation, a.seq, a.version, a.as_of";

fn read(row: &Row<'_>) -> rusqlite::Result<Access> {
    let conversation = row.get::<_, Option<Id16<ConversationId>>>(5)?.map(|id| id.0);
    Ok(Access {
        position: Position::new(unsigned(row.get(0)?)),
        auditor: UserRef { id: row.get::<_, Id16<UserId>>(1)?.0, username: row.get(2)? },
        at: Timestamp::from_millis(row.get(3)?),
        shown: row.get(4)?,
        conversation,
        message: Access::message(conversation, row.get(6)?, row.get(7)?),
        as_of: row.get::<_, Option<i64>>(8)?.map(|position| Position::new(unsigned(position))),
    })
}

pub(super) fn page(
    db: &Connection,
    viewer: UserId,
    cursor: Option<AccessCursor>,
    limit: usize,
) -> rusqlite::Result<Page<Access, AccessCursor>> {
    let before = cursor.map_or(i64::MAX, |AccessCursor(position)| signed(position.get()));
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM (
             SELECT * FROM (SELECT * FROM accesses WHERE subject = ?1 AND position < ?3 AND auditor <> ?1
                            ORDER BY position DESC LIMIT ?4)
             UNION ALL
             SELECT * FROM (SELECT * FROM accesses WHERE subject = ?2 AND position < ?3 AND auditor <> ?1
                                AND at >= (SELECT created_at FROM directory.users WHERE id = ?1)
                            ORDER BY position DESC LIMIT ?4)
             UNION ALL
             SELECT o.* FROM members m JOIN conversations c ON c.number = m.conversation
             JOIN accesses o ON o.subject = c.id AND o.position < ?3 AND o.auditor <> ?1
             WHERE m.user = ?1
         ) a LEFT JOIN directory.users u ON u.id = a.auditor
         GROUP BY a.position ORDER BY a.position DESC LIMIT ?4"
    ))?;
    let asked = params![viewer.as_bytes(), EVERYBODY.as_bytes(), before, rows(limit + 1)];
    let found = statement.query_map(asked, read)?;
    Ok(AccessCursor::page(found.collect::<Result<_, _>>()?, limit))
}

pub(super) fn to(db: &Connection, message: MessageId, since: Position, limit: usize) -> rusqlite::Result<Vec<Access>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM accesses a LEFT JOIN directory.users u ON u.id = a.auditor
         WHERE a.subject = ? AND a.position > ? AND (a.seq IS NULL OR a.seq = ?) ORDER BY a.position LIMIT ?"
    ))?;
    let conversation = message.conversation;
    let asked = params![conversation.as_bytes(), signed(since.get()), signed(message.seq), rows(limit)];
    let found = statement.query_map(asked, read)?;
    found.collect()
}
