//! What is pinned in a conversation.

use tidings_domain::{ConversationId, UserId};

use super::{messages::by_keys, viewer::find};
use crate::{
    fold::{rows, signed},
    model::{Message, Page},
    postgres::reading::Snapshot,
};

pub(super) async fn page(
    db: &mut Snapshot,
    user: UserId,
    conversation: ConversationId,
    before: Option<u64>,
    limit: usize,
) -> sqlx::Result<Option<Page<Message, u64>>> {
    let Some(viewer) = find(db, user, conversation).await? else { return Ok(None) };
    let high = before.map_or(i64::MAX, |before| signed(before) - 1).min(viewer.last_visible());
    let sql = db.sql(
        "SELECT m.key FROM {c}.messages m LEFT JOIN {c}.exceptions e ON e.user_id = $1 AND e.key = m.key
         WHERE m.pinned_at IS NOT NULL AND m.key BETWEEN $2 AND $3 AND e.hidden IS NOT TRUE
         ORDER BY m.key DESC LIMIT $4",
    );
    let keys: Vec<i64> = sqlx::query_scalar(sql)
        .bind(user.uuid())
        .bind(viewer.key(1))
        .bind(viewer.key(high))
        .bind(rows(limit + 1))
        .fetch_all(&mut **db)
        .await?;
    let shown = by_keys(db, user, &keys[..keys.len().min(limit)]).await?;
    let items: Vec<Message> = shown.into_iter().map(|found| found.message).collect();
    let next = items.last().filter(|_| keys.len() > limit).map(|last| last.id.seq);
    Ok(Some(Page { items, next }))
}
