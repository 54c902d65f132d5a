//! What somebody may see that says what they look for: a merge over their conversations, newest first. The index of each
//! conversation names messages that may say it; whether they do is looked at in the messages themselves.

use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::{Timestamp, UserId};
use tidings_event_store::Position;

use super::{
    conversations::all,
    messages::one,
    viewer::{seq_at, seq_since},
};
use crate::{
    fold::{signed, unsigned},
    model::{Page, SearchCursor, SearchFilter, SearchHit, Wanted},
    sqlite::postings,
    text,
    viewing::Viewer,
};

/// How many messages that may be it are looked at for a page.
const MOST_LOOKED_AT: usize = 10_000;
/// How many of one conversation at a time.
const PATIENCE: usize = 256;
/// Which fingerprint is the rarest is told by counting so far.
const COUNTED: usize = 512;

/// What is left of one conversation.
struct Source {
    viewer: Viewer,
    /// The rarest, and the others that must be there too.
    rarest: i64,
    others: Vec<i64>,
    low: i64,
    /// What the index is read up to, not included.
    below: i64,
    /// A row of it, the newest last.
    waiting: Vec<i64>,
    /// The next that may be it, and its position.
    next: Option<(i64, i64)>,
}

impl Source {
    /// None when nothing in the conversation can be wanted.
    fn open(
        db: &Connection,
        viewer: Viewer,
        wanted: &Wanted,
        filter: &SearchFilter,
        before: i64,
    ) -> rusqlite::Result<Option<Self>> {
        let since = filter.since.map_or(i64::MIN, Timestamp::millis);
        if viewer.latest_at < since {
            return Ok(None);
        }
        let mut fingerprints = Vec::new();
        for fingerprint in text::fingerprints(viewer.id, wanted.pieces()) {
            fingerprints.push((how_many(db, fingerprint)?, fingerprint));
        }
        fingerprints.sort_unstable();
        let Some((1.., rarest)) = fingerprints.first().copied() else { return Ok(None) };
        let mut last = viewer.last_visible();
        if viewer.activity >= before {
            last = last.min(seq_at(db, viewer.number, viewer.last_seq, before - 1)?);
        }
        let low = if filter.since.is_some() { seq_since(db, viewer.number, viewer.last_seq, since)? } else { 1 };
        let others = fingerprints.into_iter().skip(1).map(|(_, fingerprint)| fingerprint).collect();
        Ok(Some(Self { viewer, rarest, others, low, below: last + 1, waiting: Vec::new(), next: None }))
    }

    /// Goes on to the next that may be it, or to one that is not where so many were not; says how many were looked at.
    fn advance(&mut self, db: &Connection) -> rusqlite::Result<usize> {
        self.next = None;
        for looked_at in 1.. {
            if self.waiting.is_empty() && !self.read(db)? {
                return Ok(looked_at);
            }
            let Some(seq) = self.waiting.pop() else { return Ok(looked_at) };
            if looked_at < PATIENCE && !self.others_are_there(db, seq)? {
                continue;
            }
            let position: Option<i64> = db
                .prepare_cached("SELECT position FROM messages WHERE key = ?")?
                .query_row([self.viewer.key(seq)], |row| row.get(0))
                .optional()?;
            self.next = position.map(|position| (position, seq));
            if self.next.is_some() {
                return Ok(looked_at);
            }
        }
        Ok(0)
    }

    /// Reads the next row of the index; `false` where there is none.
    fn read(&mut self, db: &Connection) -> rusqlite::Result<bool> {
        let mut statement = db.prepare_cached(
            "SELECT stretch, seqs FROM search.postings WHERE fingerprint = ? AND stretch >= ? AND stretch <= ?
             ORDER BY stretch DESC LIMIT 1",
        )?;
        while self.waiting.is_empty() && self.below > self.low {
            let (first, last) = (postings::stretch(self.low), postings::stretch(self.below - 1));
            let (low, below) = (self.low, self.below);
            let row = statement.query_row(params![self.rarest, first, last], |row| {
                let stretch = row.get(0)?;
                let messages = postings::messages(stretch, row.get_ref(1)?.as_blob()?);
                Ok((stretch, messages.filter(|seq| (low..below).contains(seq)).collect()))
            });
            let Some((stretch, waiting)) = row.optional()? else { return Ok(false) };
            (self.below, self.waiting) = (postings::first(stretch), waiting);
        }
        Ok(!self.waiting.is_empty())
    }

    fn others_are_there(&self, db: &Connection, seq: i64) -> rusqlite::Result<bool> {
        let mut statement =
            db.prepare_cached("SELECT seqs FROM search.postings WHERE fingerprint = ? AND stretch = ?")?;
        for other in &self.others {
            let names = |row: &Row<'_>| Ok(postings::names(row.get_ref(0)?.as_blob()?, seq));
            if statement.query_row(params![other, postings::stretch(seq)], names).optional()? != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// How many messages have a fingerprint; of many, about how many.
fn how_many(db: &Connection, fingerprint: i64) -> rusqlite::Result<usize> {
    let mut statement =
        db.prepare_cached("SELECT seqs FROM search.postings WHERE fingerprint = ? ORDER BY stretch DESC")?;
    let (mut rows, mut counted) = (statement.query([fingerprint])?, 0);
    while counted < COUNTED
        && let Some(row) = rows.next()?
    {
        counted += postings::how_many(row.get_ref(0)?.as_blob()?);
    }
    Ok(counted)
}

fn conversations(db: &Connection, user: UserId, filter: &SearchFilter) -> rusqlite::Result<Vec<Viewer>> {
    match filter.conversation {
        Some(id) => Ok(Viewer::find(db, user, id)?.into_iter().collect()),
        None => all(db, user),
    }
}

pub(super) fn page(
    db: &Connection,
    user: UserId,
    wanted: &Wanted,
    filter: &SearchFilter,
    cursor: Option<SearchCursor>,
    limit: usize,
) -> rusqlite::Result<Page<SearchHit, SearchCursor>> {
    let before = cursor.map_or(i64::MAX, |SearchCursor(position)| signed(position.get()));
    let (mut sources, mut heap, mut looked_at) = (Vec::new(), BinaryHeap::new(), 0);
    for viewer in conversations(db, user, filter)? {
        if let Some(mut source) = Source::open(db, viewer, wanted, filter, before)? {
            source.advance(db)?;
            heap.extend(source.next.map(|(position, _)| (position, sources.len())));
            sources.push(source);
        }
    }
    let (mut page, mut last) = (Page::empty(), before);
    while let Some((position, which)) = heap.pop() {
        let source = &mut sources[which];
        let message = match source.next {
            Some((_, seq)) => one(db, &source.viewer, unsigned(seq))?.filter(|message| filter.admits(message)),
            None => None,
        };
        let hit = message.and_then(|message| SearchHit::look(message, wanted));
        if hit.is_some() {
            if page.items.len() == limit {
                return Ok(on_from(page, last));
            }
            last = position;
        }
        page.items.extend(hit);
        looked_at += source.advance(db)?;
        heap.extend(source.next.map(|(position, _)| (position, which)));
        if looked_at > MOST_LOOKED_AT {
            return Ok(on_from(page, position));
        }
    }
    Ok(page)
}

/// What is left is older than this.
fn on_from(page: Page<SearchHit, SearchCursor>, position: i64) -> Page<SearchHit, SearchCursor> {
    Page { next: Some(SearchCursor(Position::new(unsigned(position)))), ..page }
}
