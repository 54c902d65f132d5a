//! Which messages of a conversation may hold something: rows of `postings`, each for one fingerprint and a stretch of messages.
//!
//! A row's `seqs` are a function of the set alone, however it came about: while it has fewer than [`FEW`] messages, their places in the
//! stretch, of two bytes each, in order; else a bit for each message of the stretch.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use rusqlite::{Connection, OptionalExtension, params};

use super::many;
use crate::fold::search::STRETCH_BITS;

const STRETCH: i64 = 1 << STRETCH_BITS;
const MAP_BYTES: usize = (1 << STRETCH_BITS) / 8;
const FEW: usize = MAP_BYTES / 2;

/// The stretch that a message is in.
pub(super) const fn stretch(seq: i64) -> i64 {
    seq >> STRETCH_BITS
}

/// The first place of a stretch.
pub(super) const fn first(stretch: i64) -> i64 {
    stretch << STRETCH_BITS
}

fn place(seq: i64) -> u16 {
    u16::try_from(seq & (STRETCH - 1)).unwrap_or_default()
}

fn pack(places: &[u16]) -> Vec<u8> {
    if places.len() < FEW {
        return places.iter().flat_map(|place| place.to_be_bytes()).collect();
    }
    let mut map = vec![0_u8; MAP_BYTES];
    for place in places {
        map[usize::from(place >> 3)] |= 1 << (place & 7);
    }
    map
}

fn unpack(seqs: &[u8]) -> Vec<u16> {
    if seqs.len() < MAP_BYTES {
        return seqs.as_chunks().0.iter().map(|bytes| u16::from_be_bytes(*bytes)).collect();
    }
    (0_u16..)
        .zip(seqs.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)))
        .filter(|(_, bit)| *bit == 1)
        .map(|(place, _)| place)
        .collect()
}

/// The newest message that a row names, of those before `below`. Looks at no more of it than it must.
pub(super) fn last(stretch: i64, seqs: &[u8], below: i64) -> Option<i64> {
    let end = usize::try_from(below - first(stretch)).ok()?.min(1 << STRETCH_BITS);
    let place = if seqs.len() < MAP_BYTES {
        let (places, _) = seqs.as_chunks();
        let before = places.partition_point(|bytes| usize::from(u16::from_be_bytes(*bytes)) < end);
        i64::from(u16::from_be_bytes(*places.get(before.checked_sub(1)?)?))
    } else {
        let (whole, part) = seqs.split_at(end / 8);
        let cut = part.first().map_or(0, |byte| byte & ((1 << (end % 8)) - 1));
        let byte = if cut > 0 { whole.len() } else { whole.iter().rposition(|byte| *byte > 0)? };
        let bits = if cut > 0 { cut } else { seqs[byte] };
        i64::try_from(byte * 8).ok()? + i64::from(bits.ilog2())
    };
    Some(first(stretch) | place)
}

/// How many messages a row names.
pub(super) fn how_many(seqs: &[u8]) -> usize {
    if seqs.len() < MAP_BYTES { seqs.len() / 2 } else { seqs.iter().map(|byte| byte.count_ones() as usize).sum() }
}

/// Whether a row names a message of its stretch.
pub(super) fn names(seqs: &[u8], seq: i64) -> bool {
    let place = place(seq);
    if seqs.len() < MAP_BYTES {
        let (places, _) = seqs.as_chunks();
        places.binary_search_by_key(&place, |bytes| u16::from_be_bytes(*bytes)).is_ok()
    } else {
        seqs[usize::from(place >> 3)] >> (place & 7) & 1 == 1
    }
}

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

/// Fills the table, which is empty.
pub(super) struct Filling<'a> {
    db: &'a Connection,
    /// What all fingerprints of the present conversation begin with, and the stretch of it that is being gathered.
    at: (i64, i64),
    /// The places in that stretch, by the rest of the fingerprint.
    places: HashMap<u32, Vec<u16>, BuildHasherDefault<Spread>>,
}

impl<'a> Filling<'a> {
    pub(super) fn new(db: &'a Connection) -> Self {
        Self { db, at: (0, 0), places: HashMap::default() }
    }

    /// The next message, in the order of conversations and then of messages, and the lower halves of its fingerprints.
    pub(super) fn add(&mut self, base: i64, seq: i64, parts: impl Iterator<Item = u32>) -> rusqlite::Result<()> {
        let at = (base, stretch(seq));
        if self.at != at {
            self.write()?;
            self.at = at;
        }
        parts.for_each(|part| self.places.entry(part).or_default().push(place(seq)));
        Ok(())
    }

    /// All were added.
    pub(super) fn end(mut self) -> rusqlite::Result<()> {
        self.write()
    }

    fn write(&mut self) -> rusqlite::Result<()> {
        let (base, stretch) = self.at;
        let mut rows: Vec<(i64, Vec<u16>)> =
            self.places.drain().map(|(part, places)| (base | i64::from(part), places)).collect();
        for (_, places) in rows.iter_mut().filter(|(_, places)| !places.is_sorted_by(|a, b| a < b)) {
            // two conversations may begin alike, though it never happens
            places.sort_unstable();
            places.dedup();
        }
        rows.sort_unstable_by_key(|(fingerprint, _)| *fingerprint);
        let statement = "INSERT OR IGNORE INTO postings VALUES (?, ?, ?)";
        let written = many::insert(self.db, statement, &rows, |into, (fingerprint, places)| {
            into.bind(fingerprint)?;
            into.bind(stretch)?;
            into.bind(pack(places))
        })?;
        if written == rows.len() {
            return Ok(());
        }
        // the same
        let changes = rows.iter().flat_map(|(fingerprint, places)| {
            let seq = |place: &u16| first(stretch) | i64::from(*place);
            places.iter().map(move |place| Change { fingerprint: *fingerprint, seq: seq(place), there: true })
        });
        change(self.db, &mut changes.collect::<Vec<_>>())
    }
}

/// Hashes numbers that are hashes already.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // a map looks at the lowest bits and at the highest ones
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use std::iter::successors;

    use super::*;

    fn table() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../../../migrations/sqlite/views/search/20261120170000_create_documents.sql"))
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
