//! Where somebody stands in their conversations.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{ConversationId, UserId};

use crate::{
    model::Membership,
    postgres::reading::Snapshot,
    viewing::{Viewer, kind},
};

/// The columns that [`viewer`] takes, of `conversations c` and `members m`.
pub(super) const COLUMNS: &str = "c.id, c.number, c.is_group, c.created_at, c.members, c.last_seq, c.last_deleted_seq, \
    c.activity, c.latest_at, m.role, m.joined_seq, m.left_seq, m.left_position, m.mark, m.exceptions, m.adjust, m.muted, \
    m.archived";

/// `last - mark - deleted above it + exceptions`: exact, whatever the size of the conversation.
pub(super) const UNREAD: &str =
    "CASE WHEN m.left_seq IS NOT NULL THEN 0 ELSE greatest(0, c.last_seq - m.mark + m.adjust
    - CASE WHEN c.last_deleted_seq > m.mark THEN
        (SELECT count(*) FROM {c}.messages x WHERE x.deleted_at IS NOT NULL
         AND x.key > (c.number << 32 | m.mark) AND x.key <= (c.number << 32 | c.last_seq)) ELSE 0 END) END";

pub(super) fn viewer(user: UserId, row: &PgRow) -> sqlx::Result<Viewer> {
    Ok(Viewer {
        user,
        id: ConversationId::new(row.try_get("id")?),
        number: row.try_get("number")?,
        kind: kind(row.try_get("is_group")?),
        created_at: row.try_get("created_at")?,
        members: row.try_get("members")?,
        last_seq: row.try_get("last_seq")?,
        last_deleted_seq: row.try_get("last_deleted_seq")?,
        activity: row.try_get("activity")?,
        latest_at: row.try_get("latest_at")?,
        role: row.try_get("role")?,
        joined_seq: row.try_get("joined_seq")?,
        left_seq: row.try_get("left_seq")?,
        left_position: row.try_get("left_position")?,
        mark: row.try_get("mark")?,
        exceptions: row.try_get("exceptions")?,
        adjust: row.try_get("adjust")?,
        muted: row.try_get("muted")?,
        archived: row.try_get("archived")?,
    })
}

/// Somebody in a conversation; none when they never were in it.
pub(super) async fn find(db: &mut Snapshot, user: UserId, id: ConversationId) -> sqlx::Result<Option<Viewer>> {
    let sql = db.sql(&format!(
        "SELECT {COLUMNS} FROM {{c}}.conversations c JOIN {{c}}.members m ON m.conversation = c.number
         WHERE c.id = $2 AND m.user_id = $1"
    ));
    let row = sqlx::query(sql).bind(user.uuid()).bind(id.uuid()).fetch_optional(&mut **db).await?;
    row.map(|row| viewer(user, &row)).transpose()
}

/// All conversations somebody is or was in.
pub(super) async fn memberships(db: &mut Snapshot, user: UserId) -> sqlx::Result<Vec<Membership>> {
    let sql = db.sql(&format!(
        "SELECT {COLUMNS} FROM {{c}}.members m JOIN {{c}}.conversations c ON c.number = m.conversation
         WHERE m.user_id = $1 ORDER BY m.conversation"
    ));
    let rows = sqlx::query(sql).bind(user.uuid()).fetch_all(&mut **db).await?;
    rows.iter().map(|row| Ok(viewer(user, row)?.membership())).collect()
}

pub(super) async fn membership(
    db: &mut Snapshot,
    user: UserId,
    id: ConversationId,
) -> sqlx::Result<Option<Membership>> {
    Ok(find(db, user, id).await?.as_ref().map(Viewer::membership))
}
