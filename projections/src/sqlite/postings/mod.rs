//! Which messages of a conversation may hold something: rows of `postings`, each for one fingerprint and a stretch of messages.

mod filling;
mod packed;

use rusqlite::{Connection, OptionalExtension, params};

pub(super) use filling::Filling;
use packed::{FEW, MAP_BYTES, pack, place, unpack};
pub(super) use packed::{first, how_many, last, names, stretch};

/// That a message has a fingerprint, or has it no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    pub(super) fingerprint: i64,
    pub(super) seq: i64,
    pub(super) there: bool,
}

/// Changes rows: each once, in the order of the table.
pub(super) fn change(db: &Connection, changes: &mut [Change]) -> rusqlite::Result<()> {
    changes.sort_unstable();
    let mut select = db.prepare_cached("SELECT seqs FROM postings WHERE fingerprint = ? AND stretch = ?")?;
    let mut put = db.prepare_cached("INSERT OR REPLACE INTO postings VALUES (?, ?, ?)")?;
    let mut remove = db.prepare_cached("DELETE FROM postings WHERE fingerprint = ? AND stretch = ?")?;
    for of_row in changes.chunk_by(|a, b| (a.fingerprint, stretch(a.seq)) == (b.fingerprint, stretch(b.seq))) {
        let Some(Change { fingerprint, seq, .. }) = of_row.first() else { continue };
        let key = params![fingerprint, stretch(*seq)];
        let stored: Option<Vec<u8>> = select.query_row(key, |row| row.get(0)).optional()?;
        let seqs = changed(stored.unwrap_or_default(), of_row);
        if seqs.is_empty() {
            remove.execute(key)?;
        } else {
            put.execute(params![fingerprint, stretch(*seq), seqs])?;
        }
    }
    Ok(())
}

/// A row's `seqs` after changes of it. To set a bit, none of the others is looked at.
fn changed(mut seqs: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    if seqs.len() < MAP_BYTES {
        let mut places = unpack(&seqs);
        for Change { seq, there, .. } in changes {
            match (places.binary_search(&place(*seq)), there) {
                (Err(at), true) => places.insert(at, place(*seq)),
                (Ok(at), false) => drop(places.remove(at)),
                (Ok(_), true) | (Err(_), false) => {}
            }
        }
        return pack(&places);
    }
    for Change { seq, there, .. } in changes {
        let (byte, bit) = (usize::from(place(*seq) >> 3), 1 << (place(*seq) & 7));
        if *there {
            seqs[byte] |= bit;
        } else {
            seqs[byte] &= !bit;
        }
    }
    if how_many(&seqs) < FEW { pack(&unpack(&seqs)) } else { seqs }
}

#[cfg(test)]
mod tests {
    use std::iter::successors;

    use super::{packed::STRETCH, *};

    fn table() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!(
            "../../../../migrations/sqlite/views/search/20261120170000_create_documents.sql"
        ))
        .unwrap();
        db
    }

    fn rows(db: &Connection) -> Vec<(i64, i64, Vec<u8>)> {
        let mut rows = db.prepare("SELECT * FROM postings ORDER BY 1, 2").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    fn named(db: &Connection, fingerprint: i64) -> Vec<i64> {
        let rows = rows(db).into_iter().filter(|(of, ..)| *of == fingerprint);
        rows.flat_map(|(_, stretch, seqs)| named_by(stretch, &seqs)).collect()
    }

    /// Those of a row, one after the other from its end.
    fn named_by(stretch: i64, seqs: &[u8]) -> Vec<i64> {
        let mut messages: Vec<i64> =
            successors(last(stretch, seqs, i64::MAX), |seq| last(stretch, seqs, *seq)).collect();
        messages.reverse();
        messages
    }

    #[test]
    fn rows_are_the_same_however_they_came_about() {
        let (base, filled, changed) = (7 << 32, table(), table());
        let has = |seq: i64, part: u32| part == 1 || seq % i64::from(part) == 0;
        let messages = 1..=3 * STRETCH;
        let parts = [1_u32, 2, 15, 17, 1_000, 5_000];
        let mut filling = Filling::new(&filled);
        for seq in messages.clone() {
            filling.add(base, seq, parts.into_iter().filter(|part| has(seq, *part))).unwrap();
        }
        filling.end().unwrap();
        let posting = |seq, part, there| Change { fingerprint: base | i64::from(part), seq, there };
        for some in messages.clone().collect::<Vec<_>>().chunks(700) {
            // what goes again leaves nothing
            for there in [true, false] {
                let each = some.iter().flat_map(|seq| parts.map(|part| (*seq, part)));
                let mut changes: Vec<_> = each
                    .filter(|(seq, part)| there || !has(*seq, *part))
                    .map(|(seq, part)| posting(seq, part, there))
                    .collect();
                change(&changed, &mut changes).unwrap();
            }
        }
        assert_eq!(rows(&filled), rows(&changed));
        for part in parts {
            let wanted: Vec<i64> = messages.clone().filter(|seq| has(*seq, part)).collect();
            assert_eq!(named(&filled, base | i64::from(part)), wanted, "{part}");
        }
        for (_, stretch, seqs) in rows(&filled) {
            let all = named_by(stretch, &seqs);
            assert_eq!(all.len(), how_many(&seqs));
            assert!(all.iter().all(|seq| names(&seqs, *seq)));
            assert_eq!((0..STRETCH).filter(|place| names(&seqs, *place)).count(), all.len());
            assert_eq!(last(stretch, &seqs, first(stretch)), None);
        }
    }

    #[test]
    fn conversations_that_begin_alike_lose_nothing() {
        let db = table();
        for seqs in [[1, 5], [2, 5]] {
            let mut filling = Filling::new(&db);
            for seq in seqs {
                filling.add(1 << 32, seq, [9].into_iter()).unwrap();
            }
            filling.end().unwrap();
        }
        assert_eq!(named(&db, 1 << 32 | 9), [1, 2, 5]);
    }
}
