//! What somebody wants sent later, and what is due.

use tidings_domain::{AttachmentId, ScheduledId, Timestamp, UserId};
use uuid::Uuid;

use super::{attachments::of_messages, messages::usernames};
use crate::{
    fold::{
        conversations::{attachments::attached_in, messages::mentioned_in},
        rows,
    },
    model::{Page, Scheduled, ScheduledCursor, UserRef},
    postgres::{conversations::scheduled_row, reading::Snapshot},
};

async fn shown(db: &mut Snapshot, found: &[sqlx::postgres::PgRow]) -> sqlx::Result<Vec<Scheduled>> {
    let found = found.iter().map(scheduled_row).collect::<Result<Vec<_>, _>>()?;
    let people: Vec<Vec<UserId>> = found.iter().map(|row| mentioned_in(row.people.as_deref())).collect();
    let names = usernames(db, &people).await?;
    let named = |id: UserId| UserRef { id, username: names.get(&id).cloned() };
    let attached: Vec<Vec<AttachmentId>> = found.iter().map(|row| attached_in(row.attachments.as_deref())).collect();
    let files = of_messages(db, &attached).await?;
    let shown = found.into_iter().zip(people).zip(attached).map(|((row, people), attached)| {
        let files = attached.iter().filter_map(|id| files.get(id).cloned()).collect();
        Scheduled::of(row, people.into_iter().map(named).collect(), files)
    });
    Ok(shown.collect())
}

pub(super) async fn page(
    db: &mut Snapshot,
    owner: UserId,
    cursor: Option<ScheduledCursor>,
    limit: usize,
) -> sqlx::Result<Page<Scheduled, ScheduledCursor>> {
    let (after, id) = cursor.map_or((i64::MIN, Uuid::nil()), |ScheduledCursor(at, id)| (at.millis(), id.uuid()));
    let sql = db
        .sql("SELECT * FROM {c}.scheduled WHERE owner = $1 AND (send_at, id) > ($2, $3) ORDER BY send_at, id LIMIT $4");
    let found =
        sqlx::query(sql).bind(owner.uuid()).bind(after).bind(id).bind(rows(limit + 1)).fetch_all(&mut **db).await?;
    let items = shown(db, &found[..found.len().min(limit)]).await?;
    let next = items.last().filter(|_| found.len() > limit).map(|last| ScheduledCursor(last.send_at, last.id));
    Ok(Page { items, next })
}

pub(super) async fn one(db: &mut Snapshot, owner: UserId, id: ScheduledId) -> sqlx::Result<Option<Scheduled>> {
    let sql = db.sql("SELECT * FROM {c}.scheduled WHERE owner = $1 AND id = $2");
    let found = sqlx::query(sql).bind(owner.uuid()).bind(id.uuid()).fetch_all(&mut **db).await?;
    Ok(shown(db, &found).await?.pop())
}

pub(super) async fn due(db: &mut Snapshot, now: Timestamp, limit: usize) -> sqlx::Result<Vec<(UserId, ScheduledId)>> {
    let sql = db.sql("SELECT owner, id FROM {c}.scheduled WHERE stage < 2 AND send_at <= $1 ORDER BY send_at LIMIT $2");
    let found: Vec<(Uuid, Uuid)> =
        sqlx::query_as(sql).bind(now.millis()).bind(rows(limit)).fetch_all(&mut **db).await?;
    Ok(found.into_iter().map(|(owner, id)| (UserId::new(owner), ScheduledId::new(id))).collect())
}
