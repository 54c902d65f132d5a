//! What somebody may see that says what they look for: a merge over their conversations, newest first. The index of each
//! conversation names messages that may say it; whether they do is looked at in the messages themselves.

use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension};
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
/// Which fingerprint is the rarest is told by so many of its newest rows.
const COUNTED: i64 = 4;

/// The messages of a conversation that have a fingerprint, as far as they were read: one row of the index.
#[derive(Default)]
struct List {
    fingerprint: i64,
    /// The stretch that was read last, and its row; empty where it has none.
    stretch: Option<i64>,
    seqs: Vec<u8>,
}

impl List {
    fn new(fingerprint: i64) -> Self {
        Self { fingerprint, ..Self::default() }
    }

    fn names(&mut self, db: &Connection, seq: i64) -> rusqlite::Result<bool> {
        let stretch = postings::stretch(seq);
        if self.stretch != Some(stretch) {
            let mut statement =
                db.prepare_cached("SELECT seqs FROM search.postings WHERE fingerprint = ? AND stretch = ?")?;
            let row = statement.query_row([self.fingerprint, stretch], |row| row.get(0)).optional()?;
            (self.stretch, self.seqs) = (Some(stretch), row.unwrap_or_default());
        }
        Ok(postings::names(&self.seqs, seq))
    }

    /// The newest in `low..below`.
    fn last(&mut self, db: &Connection, low: i64, below: i64) -> rusqlite::Result<Option<i64>> {
        let mut older = below;
        if let Some(stretch) = self.stretch {
            if let Some(seq) = postings::last(stretch, &self.seqs, below) {
                return Ok(Some(seq).filter(|seq| *seq >= low));
            }
            older = below.min(postings::first(stretch));
        }
        let mut statement = db.prepare_cached(
            "SELECT stretch, seqs FROM search.postings WHERE fingerprint = ? AND stretch >= ? AND stretch <= ?
             ORDER BY stretch DESC",
        )?;
        let (first, last) = (postings::stretch(low), postings::stretch(older - 1));
        let mut rows = statement.query([self.fingerprint, first, last])?;
        while let Some(row) = rows.next()? {
            let (stretch, seqs) = (row.get(0)?, row.get_ref(1)?.as_blob()?);
            if let Some(seq) = postings::last(stretch, seqs, below) {
                self.stretch = Some(stretch);
                seqs.clone_into(&mut self.seqs);
                return Ok(Some(seq).filter(|seq| *seq >= low));
            }
        }
        Ok(None)
    }
}

/// What is asked for.
struct Asked<'a> {
    db: &'a Connection,
    wanted: &'a Wanted,
    filter: &'a SearchFilter,
    before: i64,
}

/// One conversation. Its index is looked into when its newest message's turn has come.
struct Source {
    viewer: Viewer,
    /// None before that.
    opened: Option<Opened>,
    /// The next that may be it.
    next: Option<i64>,
}

impl Source {
    /// At or above the position of all messages that may be it.
    fn newest(&self, asked: &Asked<'_>) -> i64 {
        self.viewer.activity.min(asked.before - 1)
    }

    /// The message whose turn it is, where it is wanted and may be seen.
    fn hit(&self, asked: &Asked<'_>) -> rusqlite::Result<Option<SearchHit>> {
        let Some(seq) = self.next else { return Ok(None) };
        let message = one(asked.db, &self.viewer, unsigned(seq))?.filter(|message| asked.filter.admits(message));
        Ok(message.and_then(|message| SearchHit::look(message, asked.wanted)))
    }

    /// Goes on; says the position of the next that may be it, and how many were looked at.
    fn advance(&mut self, asked: &Asked<'_>) -> rusqlite::Result<(Option<i64>, usize)> {
        let opens = self.opened.is_none();
        if opens {
            self.opened = Opened::new(asked, &self.viewer)?;
        }
        let Some(opened) = &mut self.opened else { return Ok((None, 0)) };
        let (next, looked_at) = opened.next(asked.db, &self.viewer)?;
        self.next = next.map(|(_, seq)| seq);
        // to open one is not counted: with very many of them no page would come further than the one before it
        Ok((next.map(|(position, _)| position), if opens { 0 } else { looked_at }))
    }
}

/// What is left of a conversation.
struct Opened {
    /// The rarest, and the others that must be there too.
    rarest: List,
    others: Vec<List>,
    low: i64,
    /// What was looked through, down to here.
    below: i64,
}

impl Opened {
    /// None when nothing in the conversation can be wanted.
    fn new(asked: &Asked<'_>, viewer: &Viewer) -> rusqlite::Result<Option<Self>> {
        let Asked { db, wanted, filter, before } = *asked;
        let fingerprints = rarest_first(db, text::fingerprints(viewer.id, wanted.pieces()))?;
        let mut lists = fingerprints.into_iter().map(List::new);
        let Some(rarest) = lists.next() else { return Ok(None) };
        let mut last = viewer.last_visible();
        if viewer.activity >= before {
            last = last.min(seq_at(db, viewer.number, viewer.last_seq, before - 1)?);
        }
        let since = filter.since.map(Timestamp::millis);
        let low = since.map_or(Ok(1), |since| seq_since(db, viewer.number, viewer.last_seq, since))?;
        Ok(Some(Self { rarest, others: lists.collect(), low, below: last + 1 }))
    }

    /// The next that may be it, and its position, or one that is not where so many were not; and how many were looked at.
    fn next(&mut self, db: &Connection, viewer: &Viewer) -> rusqlite::Result<(Option<(i64, i64)>, usize)> {
        for looked_at in 1.. {
            let Some(seq) = self.rarest.last(db, self.low, self.below)? else { return Ok((None, looked_at)) };
            self.below = seq;
            if looked_at < PATIENCE && !self.others_are_there(db, seq)? {
                continue;
            }
            let position: Option<i64> = db
                .prepare_cached("SELECT position FROM messages WHERE key = ?")?
                .query_row([viewer.key(seq)], |row| row.get(0))
                .optional()?;
            if let Some(position) = position {
                return Ok((Some((position, seq)), looked_at));
            }
        }
        Ok((None, 0))
    }

    fn others_are_there(&mut self, db: &Connection, seq: i64) -> rusqlite::Result<bool> {
        for other in &mut self.others {
            if !other.names(db, seq)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// In the order in which they are to be looked for; none where one of them is nowhere.
fn rarest_first(db: &Connection, fingerprints: Vec<i64>) -> rusqlite::Result<Vec<i64>> {
    if fingerprints.len() == 1 {
        return Ok(fingerprints);
    }
    let mut counted = Vec::with_capacity(fingerprints.len());
    for fingerprint in fingerprints {
        let count = how_many(db, fingerprint)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        counted.push((count, fingerprint));
    }
    counted.sort_unstable();
    Ok(counted.into_iter().map(|(_, fingerprint)| fingerprint).collect())
}

/// About how many messages have a fingerprint: those of its newest rows.
fn how_many(db: &Connection, fingerprint: i64) -> rusqlite::Result<usize> {
    let mut statement =
        db.prepare_cached("SELECT seqs FROM search.postings WHERE fingerprint = ? ORDER BY stretch DESC LIMIT ?")?;
    let (mut rows, mut counted) = (statement.query([fingerprint, COUNTED])?, 0);
    while let Some(row) = rows.next()? {
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
    let asked = Asked { db, wanted, filter, before };
    let since = filter.since.map_or(i64::MIN, Timestamp::millis);
    let viewers = conversations(db, user, filter)?.into_iter().filter(|viewer| viewer.latest_at >= since);
    let mut sources: Vec<_> = viewers.map(|viewer| Source { viewer, opened: None, next: None }).collect();
    let mut heap: BinaryHeap<_> = sources.iter().map(|source| source.newest(&asked)).zip(0_usize..).collect();
    let (mut page, mut last, mut looked_at) = (Page::empty(), before, 0);
    while let Some((position, which)) = heap.pop() {
        let source = &mut sources[which];
        let hit = source.hit(&asked)?;
        if hit.is_some() {
            if page.items.len() == limit {
                return Ok(on_from(page, last));
            }
            last = position;
        }
        page.items.extend(hit);
        let (next, more) = source.advance(&asked)?;
        heap.extend(next.map(|position| (position, which)));
        looked_at += more;
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
