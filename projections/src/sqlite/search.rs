//! The search projection's rows in SQLite.

use rusqlite::{Connection, Row, params};
use tidings_domain::{ConversationId, UserId};

use super::{
    backend::SqliteBackend,
    ids::Id16,
    many,
    postings::{Change, Filling, change},
};
use crate::{
    fold::{
        Done,
        search::{DocumentChange, DocumentRow, Place, STRETCH_BITS, SearchChanges, SearchTables},
    },
    text::base,
};

impl SearchTables for SqliteBackend {
    async fn documents(&mut self, places: &[Place]) -> Done<Vec<(Place, DocumentRow)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT conversation, seq, sender, text, fingerprints FROM documents WHERE conversation = ? AND seq = ?",
        )?;
        let mut found = Vec::with_capacity(places.len());
        for (conversation, seq) in places {
            let rows = statement.query_map(params![conversation.as_bytes(), seq], document)?;
            for row in rows {
                found.push(row?);
            }
        }
        Ok(found)
    }

    async fn documents_of(&mut self, sender: UserId) -> Done<Vec<(Place, DocumentRow)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT d.conversation, d.seq, d.sender, d.text, d.fingerprints FROM authors a
             CROSS JOIN documents d ON d.conversation = a.conversation AND d.seq >= a.stretch << ?2
                 AND d.seq < (a.stretch + 1) << ?2 AND d.sender = a.sender
             WHERE a.sender = ?1",
        )?;
        let rows = statement.query_map(params![sender.as_bytes(), STRETCH_BITS], document)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn closed_accounts(&mut self) -> Done<Vec<UserId>> {
        let mut statement = self.db.prepare_cached("SELECT user FROM closed")?;
        let rows = statement.query_map([], |row| Ok(row.get::<_, Id16<UserId>>(0)?.0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn write_search(&mut self, changes: &SearchChanges<'_>) -> Done {
        write_documents(&self.db, &changes.documents)?;
        if !self.fills() {
            write_postings(&self.db, &changes.documents)?;
        }
        many::insert(&self.db, "INSERT OR IGNORE INTO authors VALUES (?, ?, ?)", changes.authors, |into, author| {
            let (sender, conversation, stretch) = author;
            into.bind(sender.as_bytes())?;
            into.bind(conversation.as_bytes())?;
            into.bind(stretch)
        })?;
        for user in changes.closed {
            self.db.prepare_cached("DELETE FROM authors WHERE sender = ?")?.execute([user.as_bytes()])?;
            self.db.prepare_cached("INSERT OR IGNORE INTO closed VALUES (?)")?.execute([user.as_bytes()])?;
        }
        Ok(())
    }
}

fn document(row: &Row<'_>) -> rusqlite::Result<(Place, DocumentRow)> {
    let conversation = row.get::<_, Id16<ConversationId>>(0)?.0;
    let base = base(conversation);
    let fingerprints = parts(row.get_ref(4)?.as_blob()?).map(|part| base | i64::from(part)).collect();
    let sender = row.get::<_, Id16<UserId>>(2)?.0;
    Ok(((conversation, row.get(1)?), DocumentRow { sender, text: row.get(3)?, fingerprints }))
}

/// Their lower halves: the upper ones are the conversation's.
fn packed(fingerprints: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 * fingerprints.len());
    for fingerprint in fingerprints {
        let [_, _, _, _, part @ ..] = fingerprint.to_be_bytes();
        bytes.extend_from_slice(&part);
    }
    bytes
}

fn parts(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks().0.iter().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Neighbours in the table are written one after the other.
fn write_documents(db: &Connection, changes: &[DocumentChange<'_>]) -> rusqlite::Result<()> {
    let mut rows: Vec<_> = changes.iter().filter_map(|change| Some((change.place, change.row?))).collect();
    rows.sort_unstable_by_key(|(place, _)| *place);
    many::insert(db, "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", &rows, |into, (place, row)| {
        into.bind(place.0.as_bytes())?;
        into.bind(place.1)?;
        into.bind(row.sender.as_bytes())?;
        into.bind(row.text)?;
        into.bind(packed(&row.fingerprints))
    })?;
    let mut remove = db.prepare_cached("DELETE FROM documents WHERE conversation = ? AND seq = ?")?;
    for DocumentChange { place: (conversation, seq), .. } in changes.iter().filter(|change| change.row.is_none()) {
        remove.execute(params![conversation.as_bytes(), seq])?;
    }
    Ok(())
}

fn write_postings(db: &Connection, changes: &[DocumentChange<'_>]) -> rusqlite::Result<()> {
    let mut postings = Vec::new();
    for DocumentChange { place: (_, seq), row, stored } in changes {
        let (before, now) =
            (stored.unwrap_or_default(), row.map_or(&[][..], |row: &DocumentRow| row.fingerprints.as_slice()));
        let mut differ = |some: &[i64], others: &[i64], there| {
            let differing = some.iter().filter(|of| others.binary_search(of).is_err());
            postings.extend(differing.map(|fingerprint| Change { fingerprint: *fingerprint, seq: *seq, there }));
        };
        differ(before, now, false);
        differ(now, before, true);
    }
    change(db, &mut postings)
}

/// Fills `postings` from the documents: many times as fast as message by message.
pub(super) fn fill_postings(db: &Connection) -> rusqlite::Result<()> {
    let mut statement =
        db.prepare("SELECT conversation, seq, fingerprints FROM documents ORDER BY conversation, seq")?;
    let (mut rows, mut filling) = (statement.query([])?, Filling::new(db));
    while let Some(row) = rows.next()? {
        let conversation = row.get::<_, Id16<ConversationId>>(0)?.0;
        filling.add(base(conversation), row.get(1)?, parts(row.get_ref(2)?.as_blob()?))?;
    }
    filling.end()
}
