//! Messages out of one conversation, as one person sees them.

use std::sync::OnceLock;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::{ConversationId, MessageId, Timestamp, UserId};

use super::attachments::of_message;
use crate::{
    fold::{
        conversations::{
            messages::{PLAIN_TEXT, mentioned_in},
            tables::STRETCH_BITS,
            unkey,
        },
        rows, unsigned,
    },
    model::{Message, Reaction, UserRef},
    sqlite::ids::Id16,
    viewing::{Stretch, Viewer},
};

impl Stretch {
    /// The statement; each variant is put together once.
    fn sql(&self, viewer: &Viewer) -> &'static str {
        static VARIANTS: [OnceLock<String>; 256] = [const { OnceLock::new() }; 256];
        let exceptions = viewer.exceptions > 0;
        // for one who has left nothing counts, whatever they once marked unread
        let marks = exceptions && viewer.left_seq.is_none();
        let facts = [
            exceptions,
            marks,
            self.unread == Some(true),
            self.unread == Some(false),
            self.received,
            self.from.is_some(),
            self.times.is_some(),
            self.newest_first,
        ];
        let variant = facts.into_iter().fold(0, |variant, fact| variant << 1 | usize::from(fact));
        VARIANTS[variant].get_or_init(|| self.build_sql(exceptions, marks))
    }

    fn build_sql(&self, exceptions: bool, marks: bool) -> String {
        let mark = if marks { "coalesce(e.mark, 0)" } else { "0" };
        let (join, visible) = if exceptions {
            ("LEFT JOIN exceptions e ON e.user = ?1 AND e.key = m.key", "AND coalesce(e.hidden, 0) = 0")
        } else {
            ("", "")
        };
        let unread = "(m.deleted_at IS NULL AND m.sender <> ?1 AND ";
        let counts = format!("CASE WHEN m.key > ?2 THEN {mark} <> 1 ELSE {mark} = 2 END)");
        let unread = match self.unread {
            None => String::new(),
            Some(true) => format!("AND {unread}{counts}"),
            Some(false) => format!("AND NOT {unread}{counts}"),
        };
        let received = if self.received { "AND m.sender <> ?1" } else { "" };
        // only where they wrote is looked
        let (messages, from) = if self.from.is_some() {
            let stretches = format!(
                "authors a CROSS JOIN messages m
                    ON m.key >= a.stretch << {STRETCH_BITS} AND m.key < (a.stretch + 1) << {STRETCH_BITS}"
            );
            let theirs = "AND a.user = ?5 AND m.sender = ?5";
            (stretches, format!("{theirs} AND a.stretch BETWEEN ?3 >> {STRETCH_BITS} AND ?4 >> {STRETCH_BITS}"))
        } else {
            ("messages m".to_owned(), String::new())
        };
        let times = if self.times.is_some() { "AND m.at >= ?6 AND m.at < ?7" } else { "" };
        let order = if self.newest_first { "DESC" } else { "ASC" };
        let by_stretch = if self.from.is_some() { format!("a.stretch {order},") } else { String::new() };
        format!(
            "SELECT m.key, m.version, m.sender, m.attachments, m.at, m.content_type, m.reply_to, m.mentions, m.subject, m.body,
                m.edited_at, m.deleted_at, m.pinned_at IS NOT NULL, m.reactions, m.position,
                CASE WHEN m.reply_to IS NOT NULL
                     THEN (SELECT r.version FROM messages r WHERE r.key = (m.key >> 32 << 32) + m.reply_to) END,
                m.sender = ?1 OR m.deleted_at IS NOT NULL
                    OR CASE WHEN m.key > ?2 THEN {mark} = 1 ELSE {mark} <> 2 END
             FROM {messages} {join}
             WHERE m.key BETWEEN ?3 AND ?4 {visible} {unread} {received} {from} {times}
             ORDER BY {by_stretch} m.key {order} LIMIT ?8"
        )
    }
}

/// A message and where in the log it stands.
pub(super) struct Found {
    pub(super) position: i64,
    pub(super) message: Message,
}

/// The messages of a stretch, in its order.
pub(super) fn read(db: &Connection, viewer: &Viewer, stretch: &Stretch) -> rusqlite::Result<Vec<Found>> {
    if stretch.low > stretch.high {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare_cached(stretch.sql(viewer))?;
    let from = stretch.from.map(|from| *from.as_bytes());
    let (since, until) = stretch.times.unwrap_or_default();
    // all of them, in every variant: the last one's number is what SQLite counts
    let mut selected = statement.query(params![
        viewer.user.as_bytes(),
        viewer.mark_key(),
        stretch.low,
        stretch.high,
        from,
        since,
        until,
        rows(stretch.limit),
    ])?;
    let (mut found, mut names) = (Vec::new(), Names::new(db));
    while let Some(row) = selected.next()? {
        found.push(message(db, viewer, &mut names, row)?);
    }
    Ok(found)
}

/// People as they are named now. A page has many messages by few: each of them is looked up once.
struct Names<'a> {
    db: &'a Connection,
    known: Vec<UserRef>,
}

impl<'a> Names<'a> {
    const fn new(db: &'a Connection) -> Self {
        Self { db, known: Vec::new() }
    }

    fn of(&mut self, id: UserId) -> rusqlite::Result<UserRef> {
        if let Some(known) = self.known.iter().find(|known| known.id == id) {
            return Ok(known.clone());
        }
        let named = user_ref(self.db, id)?;
        self.known.push(named.clone());
        Ok(named)
    }
}

fn message(db: &Connection, viewer: &Viewer, names: &mut Names<'_>, row: &Row<'_>) -> rusqlite::Result<Found> {
    let key: i64 = row.get(0)?;
    let (_, seq) = unkey(key);
    let conversation: ConversationId = viewer.id;
    let id = |seq: i64, version: i64| MessageId { conversation, seq: unsigned(seq), version: unsigned(version) };
    let (reply_to, reply_version): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(15)?);
    let mentions: Option<Vec<u8>> = row.get(7)?;
    let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    let message = Message {
        id: id(seq, row.get(1)?),
        sender: names.of(row.get::<_, Id16<UserId>>(2)?.0)?,
        subject: row.get(8)?,
        body: row.get(9)?,
        content_type: row.get::<_, Option<String>>(5)?.unwrap_or_else(|| PLAIN_TEXT.to_owned()),
        reply_to: reply_to.zip(reply_version).map(|(seq, version)| id(seq, version)),
        mentions: mentioned_in(mentions.as_deref()).into_iter().map(|id| names.of(id)).collect::<Result<_, _>>()?,
        attachments: row.get::<_, Option<Vec<u8>>>(3)?.map_or(Ok(Vec::new()), |ids| of_message(db, &ids))?,
        reactions: if row.get::<_, i64>(13)? > 0 { reactions(db, viewer.user, key)? } else { Vec::new() },
        created_at: Timestamp::from_millis(row.get(4)?),
        edited_at: time(row.get(10)?),
        deleted_at: time(row.get(11)?),
        read: row.get(16)?,
        pinned: row.get(12)?,
    };
    Ok(Found { position: row.get(14)?, message })
}

fn reactions(db: &Connection, viewer: UserId, key: i64) -> rusqlite::Result<Vec<Reaction>> {
    let mut statement = db.prepare_cached(
        "SELECT c.emoji, c.count, EXISTS (SELECT 1 FROM reactions r WHERE r.key = c.key AND r.emoji = c.emoji AND r.user = ?2)
         FROM reaction_counts c WHERE c.key = ?1 ORDER BY c.first",
    )?;
    let rows = statement.query_map(params![key, viewer.as_bytes()], |row| {
        Ok(Reaction { emoji: row.get(0)?, count: unsigned(row.get(1)?), mine: row.get(2)? })
    })?;
    rows.collect()
}

/// Somebody as they are named now.
pub(super) fn user_ref(db: &Connection, id: UserId) -> rusqlite::Result<UserRef> {
    let username: Option<Option<String>> = db
        .prepare_cached("SELECT username FROM directory.users WHERE id = ?")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(UserRef { id, username: username.flatten() })
}
