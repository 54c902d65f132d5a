//! The inbox, single conversations, memberships, unread counts.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::{ConversationId, Timestamp, UserId, conversation::ConversationKind};
use tidings_event_store::Position;

use super::{
    messages::last,
    viewer::{COLUMNS, message_id, seq_at},
};
use crate::{
    fold::{conversations::key, signed, unsigned},
    model::{
        Conversation, ConversationAccess, ConversationUnread, InboxCursor, InboxFilter, Membership, Page,
        UnreadSummary, UserRef,
    },
    sqlite::ids::Id16,
    viewing::{Viewer, role},
};

/// All conversations somebody is in now.
pub(super) fn present(db: &Connection, user: UserId) -> rusqlite::Result<Vec<Viewer>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM members m JOIN conversations c ON c.number = m.conversation
         WHERE m.user = ? AND m.left_seq IS NULL"
    ))?;
    let rows = statement.query_map([user.as_bytes()], |row| Viewer::read(user, row))?;
    rows.collect()
}

/// The last activity as of a position; none when the conversation is younger.
fn activity_at(db: &Connection, viewer: &Viewer, position: i64) -> rusqlite::Result<Option<i64>> {
    if viewer.activity <= position {
        return Ok(Some(viewer.activity));
    }
    match seq_at(db, viewer.number, viewer.last_seq, position)? {
        0 => started_by(db, viewer.number, position),
        seq => db
            .prepare_cached("SELECT position FROM messages WHERE key = ?")?
            .query_row([key(viewer.number, seq)], |row| row.get(0))
            .optional(),
    }
}

/// Where a conversation was started, unless that was after a position.
fn started_by(db: &Connection, number: i64, position: i64) -> rusqlite::Result<Option<i64>> {
    let started: i64 = db
        .prepare_cached("SELECT started FROM conversations WHERE number = ?")?
        .query_row([number], |row| row.get(0))?;
    Ok((started <= position).then_some(started))
}

pub(super) fn inbox(
    db: &Connection,
    user: UserId,
    filter: InboxFilter,
    cursor: Option<InboxCursor>,
    limit: usize,
) -> rusqlite::Result<Page<Conversation, InboxCursor>> {
    let began = match cursor {
        Some(cursor) => signed(cursor.began.get()),
        None => db.prepare_cached("SELECT position FROM checkpoint")?.query_row([], |row| row.get(0))?,
    };
    let after = cursor.map_or(i64::MAX, |cursor| signed(cursor.after.get()));
    let mut candidates = Vec::new();
    for viewer in present(db, user)? {
        if filter.archived.is_some_and(|archived| archived != viewer.archived) {
            continue;
        }
        if let Some(activity) = activity_at(db, &viewer, began)?.filter(|activity| *activity < after) {
            candidates.push((activity, viewer));
        }
    }
    candidates.sort_unstable_by_key(|(activity, _)| std::cmp::Reverse(*activity));
    let mut page = Page::empty();
    let mut last_shown = None;
    for (activity, viewer) in candidates {
        let unread = viewer.unread(db)?;
        if filter.unread.is_some_and(|wanted| wanted != (unread > 0)) {
            continue;
        }
        if page.items.len() == limit {
            let after = Position::new(unsigned(last_shown.unwrap_or(0)));
            page.next = Some(InboxCursor { began: Position::new(unsigned(began)), after });
            break;
        }
        page.items.push(conversation(db, &viewer, unread)?);
        last_shown = Some(activity);
    }
    Ok(page)
}

pub(super) fn conversation(db: &Connection, viewer: &Viewer, unread: i64) -> rusqlite::Result<Conversation> {
    let direct = viewer.kind == ConversationKind::Direct;
    let name = if direct {
        None
    } else {
        db.prepare_cached("SELECT name FROM conversations WHERE number = ?")?
            .query_row([viewer.number], |row| row.get(0))?
    };
    Ok(Conversation {
        id: viewer.id,
        kind: viewer.kind,
        name,
        my_role: viewer.left_seq.is_none().then(|| role(viewer.role)),
        member_count: unsigned(viewer.members),
        members: if direct { people(db, viewer.number)? } else { Vec::new() },
        created_at: Timestamp::from_millis(viewer.created_at),
        unread: unsigned(unread),
        read_up_to: message_id(db, viewer.id, viewer.number, viewer.mark)?,
        muted: viewer.muted,
        archived: viewer.archived,
        last_message: last(db, viewer)?,
    })
}

/// The people of a direct conversation, who never change.
fn people(db: &Connection, number: i64) -> rusqlite::Result<Vec<UserRef>> {
    let mut statement = db.prepare_cached(
        "SELECT m.user, u.username FROM members m LEFT JOIN directory.users u ON u.id = m.user
         WHERE m.conversation = ? ORDER BY m.joined LIMIT 20",
    )?;
    let rows = statement
        .query_map([number], |row| Ok(UserRef { id: row.get::<_, Id16<UserId>>(0)?.0, username: row.get(1)? }))?;
    rows.collect()
}

pub(super) fn access(db: &Connection, user: UserId, id: ConversationId) -> rusqlite::Result<ConversationAccess> {
    let Some(viewer) = Viewer::find(db, user, id)? else {
        let there: Option<i64> = db
            .prepare_cached("SELECT number FROM conversations WHERE id = ?")?
            .query_row([id.as_bytes()], |row| row.get(0))
            .optional()?;
        return Ok(if there.is_some() { ConversationAccess::NeverMember } else { ConversationAccess::Missing });
    };
    let conversation = Box::new(conversation(db, &viewer, viewer.unread(db)?)?);
    Ok(if viewer.left_seq.is_some() {
        ConversationAccess::Former(conversation)
    } else {
        ConversationAccess::Member(conversation)
    })
}

/// All conversations somebody is or was in.
pub(super) fn all(db: &Connection, user: UserId) -> rusqlite::Result<Vec<Viewer>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM members m JOIN conversations c ON c.number = m.conversation WHERE m.user = ?"
    ))?;
    let rows = statement.query_map([user.as_bytes()], |row| Viewer::read(user, row))?;
    rows.collect()
}

pub(super) fn memberships(db: &Connection, user: UserId) -> rusqlite::Result<Vec<Membership>> {
    Ok(all(db, user)?.iter().map(Viewer::membership).collect())
}

pub(super) fn membership(db: &Connection, user: UserId, id: ConversationId) -> rusqlite::Result<Option<Membership>> {
    Ok(Viewer::find(db, user, id)?.as_ref().map(Viewer::membership))
}

pub(super) fn unread_summary(db: &Connection, user: UserId) -> rusqlite::Result<UnreadSummary> {
    let mut summary = UnreadSummary::default();
    for viewer in present(db, user)? {
        let unread = unsigned(viewer.unread(db)?);
        if unread > 0 {
            let mentions = unsigned(viewer.unread_mentions(db)?);
            summary.total += unread;
            summary.conversations.push(ConversationUnread { id: viewer.id, unread, mentions });
        }
    }
    Ok(summary)
}

pub(super) fn unread(db: &Connection, user: UserId, id: ConversationId) -> rusqlite::Result<u64> {
    Viewer::find(db, user, id)?.map_or(Ok(0), |viewer| viewer.unread(db).map(unsigned))
}

pub(super) fn number_of(db: &Connection, id: ConversationId) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT number FROM conversations WHERE id = ?")?
        .query_row(params![id.as_bytes()], |row| row.get(0))
        .optional()
}
