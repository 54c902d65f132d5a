//! Inboxes and unread counts from memory, and what of them has to be read again.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::UserId;
use tidings_event_store::Position;

use super::{
    SqliteQueries,
    conversations::{conversation, present},
    viewer::COLUMNS,
};
use crate::{
    fold::unsigned,
    inboxes::{Entry, Inbox, Item, Sources, Standing},
    measuring::Measured,
    model::{
        Conversation, ConversationUnread, InboxCursor, InboxFilter, InboxPage, Page, Shown, UnreadCounts, UnreadSummary,
    },
    queries::Answer,
    sqlite::pool::Reader,
    viewing::Viewer,
};

impl SqliteQueries {
    /// The first page of an inbox; read only as far as what is kept of it does not hold.
    pub(super) fn kept_inbox(&self, user: UserId, filter: InboxFilter, limit: usize) -> Answer<Arc<InboxPage>> {
        let measured = Measured::named("inbox");
        let inboxes = self.pool.inboxes();
        let page = match inboxes.page(user, filter, limit) {
            Some(page) => page,
            None => self.pool.with(|reader| {
                let mut draft = Draft::read(reader, user, inboxes.of(user))?;
                let page = Arc::new(Shown::new(draft.page(reader.db(), filter, limit)?));
                let inbox = draft.finish();
                inbox.keep_page(filter, limit, page.clone());
                inboxes.keep(&inbox);
                Ok(page)
            })?,
        };
        measured.answered();
        Ok(page)
    }

    /// What is unread; the same way.
    pub(super) fn kept_unread(&self, user: UserId) -> Answer<Arc<UnreadCounts>> {
        let measured = Measured::named("unread_summary");
        let inboxes = self.pool.inboxes();
        let counts = match inboxes.counts(user) {
            Some(counts) => counts,
            None => self.pool.with(|reader| {
                let mut draft = Draft::read(reader, user, inboxes.of(user))?;
                let counts = Arc::new(Shown::new(draft.count(reader.db())?));
                let inbox = draft.finish();
                inbox.keep_counts(counts.clone());
                inboxes.keep(&inbox);
                Ok(counts)
            })?,
        };
        measured.answered();
        Ok(counts)
    }
}

/// An inbox as it stands in one transaction.
struct Draft {
    user: UserId,
    sources: Sources,
    began: i64,
    entries: Vec<Entry>,
    /// What was kept, where all of it holds.
    unchanged: Option<Arc<Inbox>>,
}

impl Draft {
    /// Takes what holds of what is kept, and reads the rest.
    fn read(reader: &Reader, user: UserId, kept: Option<Arc<Inbox>>) -> rusqlite::Result<Self> {
        let (db, sources) = (reader.db(), reader.sources());
        // both views stand still from here on: what was not touched until after this is in them as it was
        let began = db.prepare_cached("SELECT position FROM checkpoint")?.query_row([], |row| row.get(0))?;
        let _: i64 = db.prepare_cached("SELECT position FROM directory.checkpoint")?.query_row([], |row| row.get(0))?;
        let kept = kept.filter(|kept| kept.sources.epoch == sources.epoch);
        let (mut entries, unchanged) = match kept {
            Some(kept) if kept.is_of_the_same() => {
                let (entries, same) = touched_again(db, &kept)?;
                (entries, same.then_some(kept))
            }
            kept => (all_again(db, user, kept.as_deref())?, None),
        };
        entries.sort_by_key(|entry| Reverse(entry.standing.viewer.activity));
        Ok(Self { user, sources, began, entries, unchanged })
    }

    /// The first page, as the inbox that nobody keeps has it.
    fn page(
        &mut self,
        db: &Connection,
        filter: InboxFilter,
        limit: usize,
    ) -> rusqlite::Result<Page<Arc<Shown<Conversation>>, InboxCursor>> {
        let mut page = Page::empty();
        let mut last_shown = 0;
        for entry in &mut self.entries {
            let (viewer, unread) = (&entry.standing.viewer, entry.standing.unread);
            let archived = filter.archived.is_some_and(|archived| archived != viewer.archived);
            if archived || filter.unread.is_some_and(|wanted| wanted != (unread > 0)) {
                continue;
            }
            if page.items.len() == limit {
                let after = Position::new(unsigned(last_shown));
                page.next = Some(InboxCursor { began: Position::new(unsigned(self.began)), after });
                break;
            }
            let item = match entry.item.take() {
                Some(item) => item,
                None => Arc::new(Item::new(conversation(db, viewer, unread)?)),
            };
            page.items.push(item.shown.clone());
            entry.item = Some(item);
            last_shown = entry.standing.viewer.activity;
        }
        Ok(page)
    }

    fn count(&mut self, db: &Connection) -> rusqlite::Result<UnreadSummary> {
        let mut unread = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.standing.unread > 0) {
            let viewer = &entry.standing.viewer;
            let mentions = match entry.mentions {
                Some(mentions) => mentions,
                None => unsigned(viewer.unread_mentions(db)?),
            };
            entry.mentions = Some(mentions);
            let unread_here = unsigned(entry.standing.unread);
            unread.push((viewer.number, ConversationUnread { id: viewer.id, unread: unread_here, mentions }));
        }
        unread.sort_unstable_by_key(|(number, _)| *number);
        let conversations: Vec<_> = unread.into_iter().map(|(_, conversation)| conversation).collect();
        Ok(UnreadSummary { total: conversations.iter().map(|one| one.unread).sum(), conversations })
    }

    /// To be kept; with what was made of it before, where that holds.
    fn finish(self) -> Arc<Inbox> {
        let inbox = Inbox::new(self.user, self.sources, self.entries);
        if let Some(kept) = self.unchanged {
            inbox.take_over(&kept);
        }
        Arc::new(inbox)
    }
}

/// What holds of an inbox of the same conversations, and the rest of it read again; whether all of it holds.
fn touched_again(db: &Connection, kept: &Inbox) -> rusqlite::Result<(Vec<Entry>, bool)> {
    let (mut entries, mut same) = (Vec::with_capacity(kept.entries.len()), true);
    for entry in &kept.entries {
        if let Some((entry, whole)) = kept.still(entry) {
            same &= whole;
            entries.push(entry);
        } else {
            same = false;
            entries.extend(present_in(db, kept.user, entry.standing.viewer.number)?);
        }
    }
    Ok((entries, same))
}

/// All conversations that somebody is in, with what holds of those that are kept.
fn all_again(db: &Connection, user: UserId, kept: Option<&Inbox>) -> rusqlite::Result<Vec<Entry>> {
    let known = kept.into_iter().flat_map(|kept| kept.entries.iter().filter_map(|entry| kept.still(entry)));
    let mut known: HashMap<i64, Entry> = known.map(|(entry, _)| (entry.standing.viewer.number, entry)).collect();
    let again = |viewer: Viewer| known.remove(&viewer.number).map_or_else(|| entry(db, viewer), Ok);
    present(db, user)?.into_iter().map(again).collect()
}

fn entry(db: &Connection, viewer: Viewer) -> rusqlite::Result<Entry> {
    let unread = viewer.unread(db)?;
    Ok(Entry { standing: Arc::new(Standing::new(viewer, unread)), mentions: None, item: None })
}

/// How somebody stands in a conversation that they are in; none where they have left it.
fn present_in(db: &Connection, user: UserId, number: i64) -> rusqlite::Result<Option<Entry>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM members m JOIN conversations c ON c.number = m.conversation
         WHERE m.user = ? AND m.conversation = ? AND m.left_seq IS NULL"
    ))?;
    let viewer = statement.query_row(params![user.as_bytes(), number], |row| Viewer::read(user, row)).optional()?;
    viewer.map(|viewer| entry(db, viewer)).transpose()
}
