//! The inbox, single conversations, unread counts.

use std::collections::HashMap;

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{ConversationId, MessageId, Timestamp, UserId, conversation::ConversationKind};
use tidings_event_store::Position;
use uuid::Uuid;

use super::{
    messages::by_keys,
    viewer::{COLUMNS, UNREAD, viewer},
};
use crate::{
    fold::{rows, signed, unsigned},
    model::{
        Conversation, ConversationAccess, ConversationUnread, InboxCursor, InboxFilter, Page, UnreadSummary, UserRef,
    },
    postgres::reading::Snapshot,
    viewing::{Viewer, role},
};

/// Beside what [`viewer`] takes: all that a conversation shows and that is one value.
fn shown() -> String {
    format!(
        "{COLUMNS}, c.name, {UNREAD} AS unread,
         (SELECT x.version FROM {{c}}.messages x WHERE x.key = (c.number << 32 | m.mark)) AS mark_version,
         (SELECT x.key FROM {{c}}.messages x
             LEFT JOIN {{c}}.exceptions e ON m.exceptions > 0 AND e.user_id = m.user_id AND e.key = x.key
             WHERE x.key BETWEEN (c.number << 32 | 1) AND (c.number << 32 | coalesce(m.left_seq, c.last_seq))
               AND e.hidden IS NOT TRUE
             ORDER BY x.key DESC LIMIT 1) AS last_key"
    )
}

/// A conversation as its row shows it; people and last message come with those of the whole page.
struct Shown {
    viewer: Viewer,
    name: Option<String>,
    unread: i64,
    mark_version: Option<i64>,
    last_key: Option<i64>,
}

fn read(user: UserId, row: &PgRow) -> sqlx::Result<Shown> {
    Ok(Shown {
        viewer: viewer(user, row)?,
        name: row.try_get("name")?,
        unread: row.try_get("unread")?,
        mark_version: row.try_get("mark_version")?,
        last_key: row.try_get("last_key")?,
    })
}

async fn complete(db: &mut Snapshot, user: UserId, shown: Vec<Shown>) -> sqlx::Result<Vec<Conversation>> {
    let keys: Vec<i64> = shown.iter().filter_map(|shown| shown.last_key).collect();
    let last = by_keys(db, user, &keys).await?;
    let mut last: HashMap<i64, _> = last.into_iter().map(|found| (found.key, found.message)).collect();
    let direct = shown.iter().map(|shown| &shown.viewer).filter(|viewer| viewer.kind == ConversationKind::Direct);
    let direct: Vec<i64> = direct.map(|viewer| viewer.number).collect();
    let mut people = people(db, &direct).await?;
    let conversation = |Shown { viewer, name, unread, mark_version, last_key }| {
        let mark = |version| MessageId { conversation: viewer.id, seq: unsigned(viewer.mark), version };
        Conversation {
            id: viewer.id,
            kind: viewer.kind,
            name: if viewer.kind == ConversationKind::Direct { None } else { name },
            my_role: viewer.left_seq.is_none().then(|| role(viewer.role)),
            member_count: unsigned(viewer.members),
            members: people.remove(&viewer.number).unwrap_or_default(),
            created_at: Timestamp::from_millis(viewer.created_at),
            unread: unsigned(unread),
            read_up_to: mark_version.map(|version| mark(unsigned(version))),
            muted: viewer.muted,
            archived: viewer.archived,
            last_message: last_key.and_then(|key| last.remove(&key)),
        }
    };
    Ok(shown.into_iter().map(conversation).collect())
}

/// The people of direct conversations, who never change.
async fn people(db: &mut Snapshot, numbers: &[i64]) -> sqlx::Result<HashMap<i64, Vec<UserRef>>> {
    let mut found: HashMap<i64, Vec<UserRef>> = HashMap::new();
    if numbers.is_empty() {
        return Ok(found);
    }
    let sql = db.sql(
        "SELECT asked.number, m.user_id, u.username
         FROM unnest($1::bigint[]) AS asked (number)
         JOIN LATERAL (SELECT user_id, joined FROM {c}.members WHERE conversation = asked.number ORDER BY joined LIMIT 20) m
             ON TRUE
         LEFT JOIN {d}.users u ON u.id = m.user_id
         ORDER BY asked.number, m.joined",
    );
    let rows: Vec<(i64, Uuid, Option<String>)> = sqlx::query_as(sql).bind(numbers).fetch_all(&mut **db).await?;
    for (number, user, username) in rows {
        found.entry(number).or_default().push(UserRef { id: UserId::new(user), username });
    }
    Ok(found)
}

pub(super) async fn inbox(
    db: &mut Snapshot,
    user: UserId,
    filter: InboxFilter,
    cursor: Option<InboxCursor>,
    limit: usize,
) -> sqlx::Result<Page<Conversation, InboxCursor>> {
    let began = match cursor {
        Some(cursor) => signed(cursor.began.get()),
        // all that this snapshot can show
        None => checkpoint(db).await?,
    };
    let sql = db.sql(&format!(
        "SELECT * FROM (
             SELECT {}, CASE WHEN c.activity <= $2 THEN c.activity ELSE coalesce(
                 (SELECT x.position FROM {{c}}.messages x
                  WHERE x.key = (c.number << 32 | {{c}}.seq_at(c.number, c.last_seq, $2))),
                 CASE WHEN c.started <= $2 THEN c.started END) END AS active
             FROM {{c}}.members m JOIN {{c}}.conversations c ON c.number = m.conversation
             WHERE m.user_id = $1 AND m.left_seq IS NULL AND ($4::boolean IS NULL OR m.archived = $4)
         ) AS mine
         WHERE active < $3 AND ($5::boolean IS NULL OR (unread > 0) = $5)
         ORDER BY active DESC LIMIT $6",
        shown()
    ));
    let selected = sqlx::query(sql)
        .bind(user.uuid())
        .bind(began)
        .bind(cursor.map_or(i64::MAX, |cursor| signed(cursor.after.get())))
        .bind(filter.archived)
        .bind(filter.unread)
        .bind(rows(limit + 1))
        .fetch_all(&mut **db)
        .await?;
    let page = &selected[..selected.len().min(limit)];
    let next = match page.last().filter(|_| selected.len() > limit) {
        Some(last) => Some(InboxCursor {
            began: Position::new(unsigned(began)),
            after: Position::new(unsigned(last.try_get("active")?)),
        }),
        None => None,
    };
    let shown = page.iter().map(|row| read(user, row)).collect::<Result<_, _>>()?;
    Ok(Page { items: complete(db, user, shown).await?, next })
}

/// How far the conversations are in this snapshot.
async fn checkpoint(db: &mut Snapshot) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT g.position FROM tidings_views.generations g
         WHERE g.projection = 'conversations' AND g.number = $1",
    )
    .bind(db.conversations())
    .fetch_optional(&mut **db)
    .await
    .map(|position| position.unwrap_or(i64::MAX))
}

pub(super) async fn access(db: &mut Snapshot, user: UserId, id: ConversationId) -> sqlx::Result<ConversationAccess> {
    let sql = db.sql(&format!(
        "SELECT {} FROM {{c}}.conversations c JOIN {{c}}.members m ON m.conversation = c.number
         WHERE c.id = $2 AND m.user_id = $1",
        shown()
    ));
    let row = sqlx::query(sql).bind(user.uuid()).bind(id.uuid()).fetch_optional(&mut **db).await?;
    let Some(row) = row else {
        let sql = db.sql("SELECT EXISTS (SELECT FROM {c}.conversations WHERE id = $1)");
        let there: bool = sqlx::query_scalar(sql).bind(id.uuid()).fetch_one(&mut **db).await?;
        return Ok(if there { ConversationAccess::NeverMember } else { ConversationAccess::Missing });
    };
    let shown = read(user, &row)?;
    let left = shown.viewer.left_seq.is_some();
    let conversation = complete(db, user, vec![shown]).await?.pop().map(Box::new);
    Ok(match conversation {
        Some(conversation) if left => ConversationAccess::Former(conversation),
        Some(conversation) => ConversationAccess::Member(conversation),
        None => ConversationAccess::Missing,
    })
}

pub(super) async fn unread_summary(db: &mut Snapshot, user: UserId) -> sqlx::Result<UnreadSummary> {
    let sql = db.sql(&format!(
        "SELECT mine.id, mine.unread, (SELECT count(*) FROM {{c}}.mentions n
             LEFT JOIN {{c}}.exceptions e ON mine.exceptions > 0 AND e.user_id = n.user_id AND e.key = n.key
             WHERE n.user_id = $1 AND n.key <= mine.last AND n.key > CASE WHEN mine.exceptions > 0 THEN mine.first ELSE mine.mark END
               AND CASE WHEN n.key > mine.mark THEN coalesce(e.counts, 0) = 0 ELSE e.counts = 1 END)
         FROM (
             SELECT c.id, c.number, m.exceptions, c.number << 32 AS first, c.number << 32 | m.mark AS mark,
                 c.number << 32 | c.last_seq AS last, {UNREAD} AS unread
             FROM {{c}}.members m JOIN {{c}}.conversations c ON c.number = m.conversation
             WHERE m.user_id = $1 AND m.left_seq IS NULL
         ) AS mine
         WHERE mine.unread > 0 ORDER BY mine.number"
    ));
    let rows: Vec<(Uuid, i64, i64)> = sqlx::query_as(sql).bind(user.uuid()).fetch_all(&mut **db).await?;
    let mut summary = UnreadSummary::default();
    for (id, unread, mentions) in rows {
        let (id, unread, mentions) = (ConversationId::new(id), unsigned(unread), unsigned(mentions));
        summary.total += unread;
        summary.conversations.push(ConversationUnread { id, unread, mentions });
    }
    Ok(summary)
}

pub(super) async fn unread(db: &mut Snapshot, user: UserId, id: ConversationId) -> sqlx::Result<u64> {
    let sql = db.sql(&format!(
        "SELECT {UNREAD} FROM {{c}}.conversations c JOIN {{c}}.members m ON m.conversation = c.number
         WHERE c.id = $2 AND m.user_id = $1"
    ));
    let unread: Option<i64> =
        sqlx::query_scalar(sql).bind(user.uuid()).bind(id.uuid()).fetch_optional(&mut **db).await?;
    Ok(unread.map_or(0, unsigned))
}
