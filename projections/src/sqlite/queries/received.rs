//! All that somebody received, over all their conversations: a merge of what is newest in each, that never looks at
//! anybody else's messages.

use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension};
use tidings_domain::UserId;
use tidings_event_store::Position;

use super::{
    conversations::all,
    messages::first_unread_key,
    stretch::{Found, read},
    viewer::{seq_at, seq_since},
};
use crate::{
    fold::{
        conversations::{key, unkey},
        signed, unsigned,
    },
    model::{Message, Page, ReceivedCursor, ReceivedFilter},
    viewing::{Stretch, Viewer},
};

/// What is left of one conversation: messages read already, newest last, and the range of those not read yet.
struct Source {
    viewer: Viewer,
    stretch: Stretch,
    waiting: Vec<Found>,
    /// How many to read at once; grows, for most conversations give a page only a few.
    chunk: usize,
}

impl Source {
    /// None when nothing in the conversation can be wanted.
    fn open(db: &Connection, viewer: Viewer, filter: &ReceivedFilter, before: i64) -> rusqlite::Result<Option<Self>> {
        let mut last = viewer.last_visible();
        let since = filter.since.map_or(i64::MIN, tidings_domain::Timestamp::millis);
        let until = filter.until.map_or(i64::MAX, tidings_domain::Timestamp::millis);
        if last <= viewer.joined_seq || viewer.latest_at < since {
            return Ok(None);
        }
        if viewer.activity >= before {
            last = last.min(seq_at(db, viewer.number, viewer.last_seq, before - 1)?);
        }
        let mut low = viewer.key(viewer.joined_seq + 1);
        if filter.since.is_some() {
            low = low.max(viewer.key(seq_since(db, viewer.number, viewer.last_seq, since)?));
        }
        if filter.unread == Some(true) {
            low = low.max(first_unread_key(db, &viewer)?);
        }
        let stretch = Stretch {
            unread: filter.unread,
            received: true,
            from: filter.from,
            times: (filter.since.is_some() || filter.until.is_some()).then_some((since, until)),
            ..Stretch::between(low, viewer.key(last), 0)
        };
        Ok((low <= stretch.high).then_some(Self { viewer, stretch, waiting: Vec::new(), chunk: 2 }))
    }

    /// A bound on the position of what comes next that costs little; exact once something is waiting.
    fn bound(&self, db: &Connection) -> rusqlite::Result<Option<i64>> {
        if let Some(found) = self.waiting.last() {
            return Ok(Some(found.position));
        }
        if self.stretch.low > self.stretch.high {
            return Ok(None);
        }
        if unkey(self.stretch.high).1 == self.viewer.last_seq {
            return Ok(Some(self.viewer.activity));
        }
        db.prepare_cached("SELECT position FROM messages WHERE key = ?")?
            .query_row([self.stretch.high], |row| row.get(0))
            .optional()
    }

    fn fill(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.stretch.limit = self.chunk;
        self.chunk = (self.chunk * 2).min(64);
        let found = read(db, &self.viewer, &self.stretch)?;
        self.stretch.high = match found.last() {
            Some(last) if found.len() == self.stretch.limit => key(self.viewer.number, signed(last.message.id.seq)) - 1,
            Some(_) | None => self.stretch.low - 1,
        };
        self.waiting = found;
        self.waiting.reverse();
        Ok(())
    }
}

pub(super) fn page(
    db: &Connection,
    user: UserId,
    filter: &ReceivedFilter,
    cursor: Option<ReceivedCursor>,
    limit: usize,
) -> rusqlite::Result<Page<Message, ReceivedCursor>> {
    let before = cursor.map_or(i64::MAX, |ReceivedCursor(position)| signed(position.get()));
    let (mut sources, mut heap) = (Vec::new(), BinaryHeap::new());
    for viewer in all(db, user)? {
        if let Some(source) = Source::open(db, viewer, filter, before)? {
            if let Some(bound) = source.bound(db)? {
                heap.push((bound, sources.len()));
            }
            sources.push(source);
        }
    }
    let (mut page, mut last) = (Page::empty(), 0);
    while let Some((bound, which)) = heap.pop() {
        let source = &mut sources[which];
        match source.waiting.last() {
            // the bound was exact: nothing anywhere is newer
            Some(found) if found.position == bound => {
                if page.items.len() == limit {
                    page.next = Some(ReceivedCursor(Position::new(unsigned(last))));
                    break;
                }
                last = bound;
                page.items.extend(source.waiting.pop().map(|found| found.message));
            }
            Some(_) => {}
            None => source.fill(db)?,
        }
        if let Some(bound) = source.bound(db)? {
            heap.push((bound, which));
        }
    }
    Ok(page)
}
