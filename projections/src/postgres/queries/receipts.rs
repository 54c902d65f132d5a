//! Who a message was delivered to and read by, and when: by marks, by single reading, by answers sent after it.

use sqlx::Row;
use tidings_domain::{MessageId, Timestamp, UserId};

use super::{messages::by_id, viewer::find};
use crate::{
    fold::{
        conversations::readers::{DELIVERED_UP_TO, READ_UP_TO, THIS_ONE_READ},
        rows, signed, unsigned,
    },
    model::{MemberCursor, Page, Receipt, UserRef},
    postgres::reading::Snapshot,
};

/// When a mark of kind `{kind}` first reached the message: marks only rise, so the lowest one at or above it was the first.
fn passed(kind: i64) -> String {
    format!(
        "(SELECT r.at FROM {{c}}.receipts r WHERE r.user_id = m.user_id AND r.kind = {kind} AND r.key >= $2
             AND r.key < ((m.conversation + 1) << 32) ORDER BY r.key LIMIT 1)"
    )
}

pub(super) async fn page(
    db: &mut Snapshot,
    user: UserId,
    id: MessageId,
    cursor: Option<MemberCursor>,
    limit: usize,
) -> sqlx::Result<Option<Page<Receipt, MemberCursor>>> {
    let Some(message) = by_id(db, user, id).await? else { return Ok(None) };
    let Some(viewer) = find(db, user, id.conversation).await? else { return Ok(None) };
    let sql = db.sql(&format!(
        "SELECT * FROM (
             SELECT m.user_id, u.username, m.joined, {delivered} AS delivered, least({read},
                 (SELECT r.at FROM {{c}}.receipts r WHERE r.user_id = m.user_id AND r.kind = {THIS_ONE_READ} AND r.key = $2),
                 (SELECT x.at FROM {{c}}.messages x WHERE x.sender = m.user_id AND x.key > $2
                      AND x.key < ((m.conversation + 1) << 32) ORDER BY x.key LIMIT 1)) AS read
             FROM {{c}}.members m LEFT JOIN {{d}}.users u ON u.id = m.user_id
             WHERE m.conversation = $1 AND m.joined > $3 AND m.user_id <> $4
         ) AS of_member
         WHERE delivered IS NOT NULL OR read IS NOT NULL ORDER BY joined LIMIT $5",
        delivered = passed(DELIVERED_UP_TO),
        read = passed(READ_UP_TO),
    ));
    let mut selected = sqlx::query(sql)
        .bind(viewer.number)
        .bind(viewer.key(signed(id.seq)))
        .bind(cursor.map_or(0, |MemberCursor(after)| signed(after)))
        .bind(message.sender.id.uuid())
        .bind(rows(limit + 1))
        .fetch_all(&mut **db)
        .await?;
    let more = selected.len() > limit;
    selected.truncate(limit);
    let mut page = Page::empty();
    for row in &selected {
        let (delivered, read): (Option<i64>, Option<i64>) = (row.try_get("delivered")?, row.try_get("read")?);
        let Some(at) = delivered.into_iter().chain(read).min() else { continue };
        page.items.push(Receipt {
            user: UserRef { id: UserId::new(row.try_get("user_id")?), username: row.try_get("username")? },
            sent_at: message.created_at,
            delivered_at: Timestamp::from_millis(at),
            read_at: read.map(Timestamp::from_millis),
        });
        page.next = Some(MemberCursor(unsigned(row.try_get("joined")?)));
    }
    page.next = page.next.filter(|_| more);
    Ok(Some(page))
}
