//! Messages as one person sees them: pages, single ones, what they said before.

use std::collections::HashMap;

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{AttachmentId, ConversationId, MessageId, Timestamp, UserId};
use uuid::Uuid;

use super::{attachments::of_messages, viewer::find};
use crate::{
    fold::{
        conversations::{
            attachments::attached_in,
            key,
            messages::{PLAIN_TEXT, mentioned_in},
            unkey,
        },
        rows, signed, unsigned,
    },
    model::{Message, MessageAnchor, MessageVersion, Page, Reaction, UserRef},
    postgres::reading::Snapshot,
    viewing::{Stretch, Viewer},
};

/// Whether a message `m` does not count as unread for `me`, whose exception is `e`.
const READ: &str = "(m.sender = $1 OR m.deleted_at IS NOT NULL OR me.left_seq IS NOT NULL
    OR CASE WHEN m.key > (me.conversation << 32 | me.mark) THEN coalesce(e.mark, 0) = 1 ELSE coalesce(e.mark, 0) <> 2 END)";

/// Messages `m` that `me`, the person `$1`, has not hidden.
const FROM: &str = "FROM {c}.members me
    JOIN {c}.messages m ON m.key >> 32 = me.conversation
    LEFT JOIN {c}.exceptions e ON e.user_id = $1 AND e.key = m.key
    WHERE me.user_id = $1 AND e.hidden IS NOT TRUE";

/// A message that was found, and where in the log it stands.
pub(super) struct Found {
    pub(super) key: i64,
    pub(super) position: i64,
    pub(super) message: Message,
}

/// The keys of a stretch of one conversation, as a statement with the parameters of [`Stretch`]: `$1` who, `$2` `$3` the
/// keys, `$4` whether unread, `$5` from whom, `$6` `$7` when, `$8` how many.
fn stretch_sql(stretch: &Stretch) -> String {
    let order = if stretch.newest_first { "DESC" } else { "ASC" };
    let received = if stretch.received { "AND m.sender <> $1" } else { "" };
    format!(
        "SELECT m.key {FROM} {received} AND me.conversation = $2 >> 32 AND m.key BETWEEN $2 AND $3
           AND ($4::boolean IS NULL OR $4 <> {READ}) AND ($5::uuid IS NULL OR m.sender = $5)
           AND ($6::bigint IS NULL OR m.at >= $6) AND ($7::bigint IS NULL OR m.at < $7)
         ORDER BY m.key {order} LIMIT $8"
    )
}

/// The messages of a stretch, in its order.
pub(super) async fn read(db: &mut Snapshot, user: UserId, stretch: &Stretch) -> sqlx::Result<Vec<Found>> {
    if stretch.low > stretch.high {
        return Ok(Vec::new());
    }
    let sql = db.sql(&stretch_sql(stretch));
    let keys: Vec<i64> = sqlx::query_scalar(sql)
        .bind(user.uuid())
        .bind(stretch.low)
        .bind(stretch.high)
        .bind(stretch.unread)
        .bind(stretch.from.map(UserId::uuid))
        .bind(stretch.times.map(|(since, _)| since))
        .bind(stretch.times.map(|(_, until)| until))
        .bind(rows(stretch.limit))
        .fetch_all(&mut **db)
        .await?;
    by_keys(db, user, &keys).await
}

/// Messages by their keys, in the order of these; what the viewer has hidden is left out.
pub(super) async fn by_keys(db: &mut Snapshot, user: UserId, keys: &[i64]) -> sqlx::Result<Vec<Found>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = db.sql(&format!(
        "SELECT m.*, c.id AS conversation_id, u.username, {READ} AS read,
             (SELECT r.version FROM {{c}}.messages r WHERE r.key = (m.key >> 32 << 32) + m.reply_to) AS reply_version
         FROM unnest($2::bigint[]) WITH ORDINALITY AS asked (key, place)
         JOIN {{c}}.messages m USING (key)
         JOIN {{c}}.members me ON me.user_id = $1 AND me.conversation = m.key >> 32
         JOIN {{c}}.conversations c ON c.number = me.conversation
         LEFT JOIN {{c}}.exceptions e ON e.user_id = $1 AND e.key = m.key
         LEFT JOIN {{d}}.users u ON u.id = m.sender
         WHERE e.hidden IS NOT TRUE AND (m.key & 4294967295) <= coalesce(me.left_seq, c.last_seq)
         ORDER BY asked.place"
    ));
    let selected = sqlx::query(sql).bind(user.uuid()).bind(keys).fetch_all(&mut **db).await?;
    let reacted = selected.iter().filter(|row| row.try_get::<i64, _>("reactions").is_ok_and(|count| count > 0));
    let reacted: Vec<i64> = reacted.map(|row| row.try_get("key")).collect::<Result<_, _>>()?;
    let mut reactions = reactions(db, user, &reacted).await?;
    let mentioned: Vec<Vec<UserId>> = selected
        .iter()
        .map(|row| Ok(mentioned_in(row.try_get::<Option<&[u8]>, _>("mentions")?)))
        .collect::<sqlx::Result<_>>()?;
    let attached: Vec<Vec<AttachmentId>> = selected
        .iter()
        .map(|row| Ok(attached_in(row.try_get::<Option<&[u8]>, _>("attachments")?)))
        .collect::<sqlx::Result<_>>()?;
    let files = of_messages(db, &attached).await?;
    let names = usernames(db, &mentioned).await?;
    let named = |id: UserId| UserRef { id, username: names.get(&id).cloned() };
    let rows = selected.iter().zip(mentioned).zip(attached).map(|((row, mentioned), attached)| {
        let mut found = message(row)?;
        found.message.mentions = mentioned.into_iter().map(named).collect();
        found.message.attachments = attached.iter().filter_map(|id| files.get(id).cloned()).collect();
        found.message.reactions = reactions.remove(&found.key).unwrap_or_default();
        Ok(found)
    });
    rows.collect()
}

/// All of a message but whom it mentions, what is attached to it and who reacted to it.
fn message(row: &PgRow) -> sqlx::Result<Found> {
    let key: i64 = row.try_get("key")?;
    let conversation = ConversationId::new(row.try_get("conversation_id")?);
    let id = |seq: i64, version: i64| MessageId { conversation, seq: unsigned(seq), version: unsigned(version) };
    let (reply_to, reply_version): (Option<i64>, Option<i64>) =
        (row.try_get("reply_to")?, row.try_get("reply_version")?);
    let time = |column: &str| row.try_get::<Option<i64>, _>(column).map(|millis| millis.map(Timestamp::from_millis));
    let message = Message {
        id: id(unkey(key).1, row.try_get("version")?),
        sender: UserRef { id: UserId::new(row.try_get("sender")?), username: row.try_get("username")? },
        subject: row.try_get("subject")?,
        body: row.try_get("body")?,
        content_type: row.try_get::<Option<String>, _>("content_type")?.unwrap_or_else(|| PLAIN_TEXT.to_owned()),
        reply_to: reply_to.zip(reply_version).map(|(seq, version)| id(seq, version)),
        mentions: Vec::new(),
        attachments: Vec::new(),
        reactions: Vec::new(),
        created_at: Timestamp::from_millis(row.try_get("at")?),
        edited_at: time("edited_at")?,
        deleted_at: time("deleted_at")?,
        read: row.try_get("read")?,
        pinned: row.try_get::<Option<i64>, _>("pinned_at")?.is_some(),
    };
    Ok(Found { key, position: row.try_get("position")?, message })
}

async fn reactions(db: &mut Snapshot, user: UserId, keys: &[i64]) -> sqlx::Result<HashMap<i64, Vec<Reaction>>> {
    let mut found: HashMap<i64, Vec<Reaction>> = HashMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let sql = db.sql(
        "SELECT n.key, n.emoji, n.count,
             EXISTS (SELECT FROM {c}.reactions r WHERE r.key = n.key AND r.emoji = n.emoji AND r.user_id = $2)
         FROM {c}.reaction_counts n WHERE n.key = ANY ($1) ORDER BY n.key, n.first",
    );
    let rows: Vec<(i64, String, i64, bool)> =
        sqlx::query_as(sql).bind(keys).bind(user.uuid()).fetch_all(&mut **db).await?;
    for (key, emoji, count, mine) in rows {
        found.entry(key).or_default().push(Reaction { emoji, count: unsigned(count), mine });
    }
    Ok(found)
}

/// The names of those who have one.
pub(super) async fn usernames(db: &mut Snapshot, of: &[Vec<UserId>]) -> sqlx::Result<HashMap<UserId, String>> {
    let ids: Vec<Uuid> = of.iter().flatten().map(|id| id.uuid()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = db.sql("SELECT id, username FROM {d}.users WHERE id = ANY ($1) AND username IS NOT NULL");
    let rows: Vec<(Uuid, String)> = sqlx::query_as(sql).bind(ids).fetch_all(&mut **db).await?;
    Ok(rows.into_iter().map(|(id, username)| (UserId::new(id), username)).collect())
}

/// Where the unread messages begin: at the mark, or at the first one marked unread below it. Only asked for when only
/// these are wanted.
async fn first_unread(db: &mut Snapshot, viewer: &Viewer, unread: Option<bool>) -> sqlx::Result<i64> {
    let above = viewer.mark_key() + 1;
    if unread != Some(true) || viewer.exceptions == 0 || viewer.left_seq.is_some() {
        return Ok(above);
    }
    let sql = db.sql("SELECT min(key) FROM {c}.exceptions WHERE user_id = $1 AND key BETWEEN $2 AND $3 AND mark = 2");
    let marked = sqlx::query_scalar(sql).bind(viewer.user.uuid()).bind(viewer.key(0)).bind(above);
    let marked: Option<i64> = marked.fetch_one(&mut **db).await?;
    Ok(marked.unwrap_or(above).min(above))
}

type MessagePage = Page<Message, MessageAnchor>;

async fn of_stretch(db: &mut Snapshot, viewer: &Viewer, stretch: &Stretch) -> sqlx::Result<MessagePage> {
    let found = read(db, viewer.user, stretch).await?;
    Ok(stretch.page(found.into_iter().map(|found| found.message).collect()))
}

pub(super) async fn page(
    db: &mut Snapshot,
    user: UserId,
    conversation: ConversationId,
    anchor: MessageAnchor,
    unread: Option<bool>,
    limit: usize,
) -> sqlx::Result<Option<MessagePage>> {
    let Some(viewer) = find(db, user, conversation).await? else { return Ok(None) };
    let first = first_unread(db, &viewer, unread).await?;
    let older = |high: i64, limit: usize| Stretch::older(&viewer, high, unread, first, limit);
    let newer = |seq: u64, limit: usize| Stretch::newer(&viewer, signed(seq), unread, first, limit);
    let page = match anchor {
        MessageAnchor::Newest => of_stretch(db, &viewer, &older(viewer.last_visible(), limit)).await?,
        MessageAnchor::Before(seq) => of_stretch(db, &viewer, &older(signed(seq) - 1, limit)).await?,
        MessageAnchor::After(seq) => of_stretch(db, &viewer, &newer(seq, limit)).await?,
        MessageAnchor::Around(seq) => {
            // half a page after it, it itself and what fits before it; goes on to older ones
            let mut items = match limit / 2 {
                0 => Vec::new(),
                half => of_stretch(db, &viewer, &newer(seq, half)).await?.items,
            };
            let rest = of_stretch(db, &viewer, &older(signed(seq), limit - items.len())).await?;
            items.extend(rest.items);
            Page { items, next: rest.next }
        }
    };
    Ok(Some(page))
}

/// One message by its id, which must be right in all its parts.
pub(super) async fn by_id(db: &mut Snapshot, user: UserId, id: MessageId) -> sqlx::Result<Option<Message>> {
    let found = at(db, user, &[(id.conversation, id.seq)]).await?.pop().flatten();
    Ok(found.filter(|message| message.id == id))
}

/// Several messages, in the order asked.
pub(super) async fn at(
    db: &mut Snapshot,
    user: UserId,
    places: &[(ConversationId, u64)],
) -> sqlx::Result<Vec<Option<Message>>> {
    let ids: Vec<Uuid> = places.iter().map(|(id, _)| id.uuid()).collect();
    let sql = db.sql("SELECT id, number FROM {c}.conversations WHERE id = ANY ($1)");
    let numbers: Vec<(Uuid, i64)> = sqlx::query_as(sql).bind(ids).fetch_all(&mut **db).await?;
    let numbers: HashMap<Uuid, i64> = numbers.into_iter().collect();
    // nothing has the number 0
    let of_place = |(id, seq): &(ConversationId, u64)| {
        numbers.get(&id.uuid()).filter(|_| u32::try_from(*seq).is_ok()).map_or(0, |number| key(*number, signed(*seq)))
    };
    let keys: Vec<i64> = places.iter().map(of_place).collect();
    let found = by_keys(db, user, &keys).await?;
    let found: HashMap<i64, Message> = found.into_iter().map(|found| (found.key, found.message)).collect();
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

pub(super) async fn history(
    db: &mut Snapshot,
    user: UserId,
    id: MessageId,
) -> sqlx::Result<Option<Vec<MessageVersion>>> {
    let Some(message) = by_id(db, user, id).await? else { return Ok(None) };
    if message.deleted_at.is_some() {
        return Ok(Some(Vec::new()));
    }
    let sql = db.sql(
        "SELECT subject, body, at FROM {c}.message_versions
         WHERE key = (SELECT number << 32 FROM {c}.conversations WHERE id = $1) + $2 ORDER BY edit",
    );
    let rows: Vec<(Option<String>, Option<String>, i64)> =
        sqlx::query_as(sql).bind(id.conversation.uuid()).bind(signed(id.seq)).fetch_all(&mut **db).await?;
    let version = |(subject, body, at)| MessageVersion { subject, body, at: Timestamp::from_millis(at) };
    let mut versions: Vec<_> = rows.into_iter().map(version).collect();
    if versions.is_empty() {
        versions.push(message.only_version());
    }
    Ok(Some(versions))
}
