//! What auditors were shown.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{ConversationId, MessageId, Timestamp, UserId};
use tidings_event_store::Position;
use uuid::Uuid;

use crate::{
    fold::{conversations::accesses::EVERYBODY, rows, signed, unsigned},
    model::{Access, AccessCursor, Page, UserRef},
    postgres::reading::Snapshot,
};

fn read(row: &PgRow) -> sqlx::Result<Access> {
    let conversation = row.try_get::<Option<Uuid>, _>("conversation")?.map(ConversationId::new);
    let position = |position: i64| Position::new(unsigned(position));
    Ok(Access {
        position: position(row.try_get("position")?),
        auditor: UserRef { id: UserId::new(row.try_get("auditor")?), username: row.try_get("username")? },
        at: Timestamp::from_millis(row.try_get("at")?),
        shown: row.try_get("shown")?,
        conversation,
        message: Access::message(conversation, row.try_get("seq")?, row.try_get("version")?),
        as_of: row.try_get::<Option<i64>, _>("as_of")?.map(position),
    })
}

pub(super) async fn page(
    db: &mut Snapshot,
    viewer: UserId,
    cursor: Option<AccessCursor>,
    limit: usize,
) -> sqlx::Result<Page<Access, AccessCursor>> {
    let before = cursor.map_or(i64::MAX, |AccessCursor(position)| signed(position.get()));
    let sql = db.sql(
        "SELECT DISTINCT ON (a.position) a.*, u.username FROM (
             (SELECT * FROM {c}.accesses WHERE subject = $1 AND position < $3 AND auditor <> $1
              ORDER BY position DESC LIMIT $4)
             UNION ALL
             (SELECT * FROM {c}.accesses WHERE subject = $2 AND position < $3 AND auditor <> $1
                  AND at >= (SELECT created_at FROM {d}.users WHERE id = $1)
              ORDER BY position DESC LIMIT $4)
             UNION ALL
             SELECT o.* FROM {c}.members m JOIN {c}.conversations c ON c.number = m.conversation
             JOIN {c}.accesses o ON o.subject = c.id AND o.position < $3 AND o.auditor <> $1
             WHERE m.user_id = $1
         ) a LEFT JOIN {d}.users u ON u.id = a.auditor ORDER BY a.position DESC LIMIT $4",
    );
    let asked = sqlx::query(sql).bind(viewer.uuid()).bind(EVERYBODY).bind(before).bind(rows(limit + 1));
    let found = asked.fetch_all(&mut **db).await?;
    Ok(AccessCursor::page(found.iter().map(read).collect::<Result<_, _>>()?, limit))
}

pub(super) async fn to(
    db: &mut Snapshot,
    message: MessageId,
    since: Position,
    limit: usize,
) -> sqlx::Result<Vec<Access>> {
    let sql = db.sql(
        "SELECT a.*, u.username FROM {c}.accesses a LEFT JOIN {d}.users u ON u.id = a.auditor
         WHERE a.subject = $1 AND a.position > $2 AND (a.seq IS NULL OR a.seq = $3) ORDER BY a.position LIMIT $4",
    );
    let asked = sqlx::query(sql).bind(message.conversation.uuid()).bind(signed(since.get())).bind(signed(message.seq));
    let found = asked.bind(rows(limit)).fetch_all(&mut **db).await?;
    found.iter().map(read).collect()
}
