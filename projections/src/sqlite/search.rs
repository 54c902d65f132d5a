//! The search projection's rows in SQLite.

use rusqlite::{Connection, Row, params};
use tidings_domain::{ConversationId, UserId};

use super::{backend::SqliteBackend, ids::Id16};
use crate::fold::{
    Done,
    search::{DocumentChange, DocumentRow, Place, SearchChanges, SearchTables},
};

/// How many postings are sorted in memory at once, at 16 bytes each.
const SORTED_AT_ONCE: usize = 2_000_000;

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
        // a view being filled has this index only from the first closing on
        self.db.execute_batch("CREATE INDEX IF NOT EXISTS documents_by_sender ON documents (sender)")?;
        let mut statement = self
            .db
            .prepare_cached("SELECT conversation, seq, sender, text, fingerprints FROM documents WHERE sender = ?")?;
        let rows = statement.query_map([sender.as_bytes()], document)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn closed_accounts(&mut self) -> Done<Vec<UserId>> {
        let mut statement = self.db.prepare_cached("SELECT user FROM closed")?;
        let rows = statement.query_map([], |row| Ok(row.get::<_, Id16<UserId>>(0)?.0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn write_search(&mut self, changes: &SearchChanges<'_>) -> Done {
        for change in &changes.documents {
            write_document(&self.db, change)?;
        }
        if !self.fills() {
            write_postings(&self.db, &changes.documents)?;
        }
        for user in changes.closed {
            self.db.prepare_cached("INSERT OR IGNORE INTO closed VALUES (?)")?.execute([user.as_bytes()])?;
        }
        Ok(())
    }
}

fn document(row: &Row<'_>) -> rusqlite::Result<(Place, DocumentRow)> {
    let place = (row.get::<_, Id16<ConversationId>>(0)?.0, row.get(1)?);
    let sender = row.get::<_, Id16<UserId>>(2)?.0;
    let fingerprints = unpacked(row.get_ref(4)?.as_blob()?).collect();
    Ok((place, DocumentRow { sender, text: row.get(3)?, fingerprints }))
}

fn packed(fingerprints: &[i64]) -> Vec<u8> {
    fingerprints.iter().flat_map(|fingerprint| fingerprint.to_be_bytes().into_iter().skip(2)).collect()
}

fn unpacked(bytes: &[u8]) -> impl Iterator<Item = i64> {
    bytes.chunks_exact(6).map(|bytes| bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)))
}

fn write_document(db: &Connection, change: &DocumentChange<'_>) -> rusqlite::Result<()> {
    let (conversation, seq) = &change.place;
    match change.row {
        Some(row) => db.prepare_cached("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)")?.execute(params![
            conversation.as_bytes(),
            seq,
            row.sender.as_bytes(),
            row.text,
            packed(&row.fingerprints)
        ])?,
        None => db
            .prepare_cached("DELETE FROM documents WHERE conversation = ? AND seq = ?")?
            .execute(params![conversation.as_bytes(), seq])?,
    };
    Ok(())
}

fn write_postings(db: &Connection, changes: &[DocumentChange<'_>]) -> rusqlite::Result<()> {
    let mut gone = db.prepare_cached("DELETE FROM postings WHERE fingerprint = ? AND seq = ?")?;
    let mut new = Vec::new();
    for DocumentChange { place: (_, seq), row, stored } in changes {
        let (before, now) =
            (stored.unwrap_or_default(), row.map_or(&[][..], |row: &DocumentRow| row.fingerprints.as_slice()));
        for fingerprint in before.iter().filter(|before| now.binary_search(before).is_err()) {
            gone.execute(params![fingerprint, seq])?;
        }
        new.extend(now.iter().filter(|now| before.binary_search(now).is_err()).map(|now| (*now, *seq)));
    }
    insert_sorted(db, &mut new)
}

/// Neighbours in the table are written one after the other.
fn insert_sorted(db: &Connection, postings: &mut Vec<(i64, i64)>) -> rusqlite::Result<()> {
    postings.sort_unstable();
    // two conversations may share a fingerprint, though it never happens
    let mut statement = db.prepare_cached("INSERT OR IGNORE INTO postings VALUES (?, ?)")?;
    for (fingerprint, seq) in postings.drain(..) {
        statement.execute(params![fingerprint, seq])?;
    }
    Ok(())
}

/// Fills `postings` from the documents: many times as fast as message by message.
pub(super) fn fill_postings(db: &Connection) -> rusqlite::Result<()> {
    let mut statement = db.prepare("SELECT seq, fingerprints FROM documents")?;
    let (mut rows, mut postings) = (statement.query([])?, Vec::new());
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        postings.extend(unpacked(row.get_ref(1)?.as_blob()?).map(|fingerprint| (fingerprint, seq)));
        if postings.len() >= SORTED_AT_ONCE {
            insert_sorted(db, &mut postings)?;
        }
    }
    insert_sorted(db, &mut postings)
}
