//! Messages of a conversation: pages, single ones, what they said before.

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::{ConversationId, MessageId, Timestamp, UserId};

use super::stretch::read;
use crate::{
    fold::{
        conversations::{tables::STRETCH_BITS, unkey},
        signed, unsigned,
    },
    model::{Message, MessageAnchor, MessageVersion, Page},
    viewing::{Stretch, Viewer},
};

type MessagePage = Page<Message, MessageAnchor>;

pub(super) fn page(
    db: &Connection,
    viewer: &Viewer,
    anchor: MessageAnchor,
    unread: Option<bool>,
    limit: usize,
) -> rusqlite::Result<MessagePage> {
    match anchor {
        MessageAnchor::Newest => older(db, viewer, viewer.last_visible(), unread, limit),
        MessageAnchor::Before(seq) => older(db, viewer, signed(seq) - 1, unread, limit),
        MessageAnchor::After(seq) => newer(db, viewer, signed(seq), unread, limit),
        MessageAnchor::Around(seq) => around(db, viewer, signed(seq), unread, limit),
    }
}

/// Where the unread messages begin: at the mark, or at the first one marked unread below it.
pub(super) fn first_unread_key(db: &Connection, viewer: &Viewer) -> rusqlite::Result<i64> {
    let above = viewer.mark_key() + 1;
    if viewer.exceptions == 0 || viewer.left_seq.is_some() {
        return Ok(above);
    }
    let marked: Option<i64> = db
        .prepare_cached("SELECT min(key) FROM exceptions WHERE user = ? AND key BETWEEN ? AND ? AND mark = 2")?
        .query_row(params![viewer.user.as_bytes(), viewer.key(0), above], |row| row.get(0))?;
    Ok(marked.unwrap_or(above).min(above))
}

/// Where unread messages begin, where only they are wanted.
fn from_unread(db: &Connection, viewer: &Viewer, unread: Option<bool>) -> rusqlite::Result<i64> {
    if unread == Some(true) { first_unread_key(db, viewer) } else { Ok(viewer.key(1)) }
}

fn older(
    db: &Connection,
    viewer: &Viewer,
    high: i64,
    unread: Option<bool>,
    limit: usize,
) -> rusqlite::Result<MessagePage> {
    of_stretch(db, viewer, &Stretch::older(viewer, high, unread, from_unread(db, viewer, unread)?, limit))
}

fn newer(
    db: &Connection,
    viewer: &Viewer,
    seq: i64,
    unread: Option<bool>,
    limit: usize,
) -> rusqlite::Result<MessagePage> {
    of_stretch(db, viewer, &Stretch::newer(viewer, seq, unread, from_unread(db, viewer, unread)?, limit))
}

fn of_stretch(db: &Connection, viewer: &Viewer, stretch: &Stretch) -> rusqlite::Result<MessagePage> {
    Ok(stretch.page(read(db, viewer, stretch)?.into_iter().map(|found| found.message).collect()))
}

/// Half a page after `seq`, it itself and what fits before it. Goes on to older ones.
fn around(
    db: &Connection,
    viewer: &Viewer,
    seq: i64,
    unread: Option<bool>,
    limit: usize,
) -> rusqlite::Result<MessagePage> {
    let mut items = match limit / 2 {
        0 => Vec::new(),
        half => newer(db, viewer, seq, unread, half)?.items,
    };
    let rest = older(db, viewer, seq, unread, limit - items.len())?;
    items.extend(rest.items);
    Ok(Page { items, next: rest.next })
}

/// One message by its `seq`.
pub(super) fn one(db: &Connection, viewer: &Viewer, seq: u64) -> rusqlite::Result<Option<Message>> {
    if !viewer.sees(seq) {
        return Ok(None);
    }
    let key = viewer.key(signed(seq));
    let found = read(db, viewer, &Stretch::between(key, key, 1))?;
    Ok(found.into_iter().next().map(|found| found.message))
}

/// One message by its id, which must be right in all its parts.
pub(super) fn by_id(db: &Connection, user: UserId, id: MessageId) -> rusqlite::Result<Option<(Viewer, Message)>> {
    let Some(viewer) = Viewer::find(db, user, id.conversation)? else { return Ok(None) };
    let message = one(db, &viewer, id.seq)?.filter(|message| message.id == id);
    Ok(message.map(|message| (viewer, message)))
}

/// Several messages; where the viewer stands is looked up once for neighbours of one conversation.
pub(super) fn several(
    db: &Connection,
    user: UserId,
    places: &[(ConversationId, u64)],
) -> rusqlite::Result<Vec<Option<Message>>> {
    let mut viewer: Option<(ConversationId, Option<Viewer>)> = None;
    let mut found = Vec::with_capacity(places.len());
    for (conversation, seq) in places {
        let known = match viewer.take() {
            Some((id, known)) if id == *conversation => known,
            Some(_) | None => Viewer::find(db, user, *conversation)?,
        };
        found.push(known.as_ref().map_or(Ok(None), |known| one(db, known, *seq))?);
        viewer = Some((*conversation, known));
    }
    Ok(found)
}

/// The newest message that the viewer has not hidden.
pub(super) fn last(db: &Connection, viewer: &Viewer) -> rusqlite::Result<Option<Message>> {
    let stretch = Stretch::between(viewer.key(1), viewer.key(viewer.last_visible()), 1);
    Ok(read(db, viewer, &stretch)?.into_iter().next().map(|found| found.message))
}

/// What is pinned before a `seq`, or at all.
pub(super) fn pinned(
    db: &Connection,
    viewer: &Viewer,
    before: Option<u64>,
    limit: usize,
) -> rusqlite::Result<Page<Message, u64>> {
    let high = before.map_or(i64::MAX, |before| signed(before) - 1).min(viewer.last_visible());
    let mut statement = db.prepare_cached(
        "SELECT key FROM messages WHERE pinned_at IS NOT NULL AND key BETWEEN ? AND ? ORDER BY key DESC",
    )?;
    let mut keys = statement.query(params![viewer.key(1), viewer.key(high)])?;
    let mut page = Page::empty();
    while let Some(row) = keys.next()? {
        let seq = unsigned(unkey(row.get(0)?).1);
        let Some(message) = one(db, viewer, seq)? else { continue };
        if page.items.len() == limit {
            page.next = page.items.last().map(|last: &Message| last.id.seq);
            break;
        }
        page.items.push(message);
    }
    Ok(page)
}

pub(super) fn history(db: &Connection, viewer: &Viewer, message: &Message) -> rusqlite::Result<Vec<MessageVersion>> {
    if message.deleted_at.is_some() {
        return Ok(Vec::new());
    }
    let key = viewer.key(signed(message.id.seq));
    let mut statement =
        db.prepare_cached("SELECT subject, body, at FROM message_versions WHERE key = ? ORDER BY edit")?;
    let versions = statement.query_map([key], |row| {
        Ok(MessageVersion { subject: row.get(0)?, body: row.get(1)?, at: Timestamp::from_millis(row.get(2)?) })
    })?;
    let mut versions: Vec<_> = versions.collect::<Result<_, _>>()?;
    if versions.is_empty() {
        versions.push(message.only_version());
    }
    Ok(versions)
}

/// When a message of this sender came after the one of this key, in the same conversation.
pub(super) fn next_of_sender(db: &Connection, sender: UserId, after: i64) -> rusqlite::Result<Option<i64>> {
    let (number, _) = unkey(after);
    db.prepare_cached(
        "SELECT m.at FROM authors a
         CROSS JOIN messages m ON m.key >= a.stretch << ?4 AND m.key < (a.stretch + 1) << ?4 AND m.sender = a.user
         WHERE a.user = ?1 AND a.stretch >= ?2 >> ?4 AND a.stretch < ?3 >> ?4 AND m.key > ?2
         ORDER BY a.stretch, m.key LIMIT 1",
    )?
    .query_row(params![sender.as_bytes(), after, (number + 1) << 32, STRETCH_BITS], |row| row.get(0))
    .optional()
}
