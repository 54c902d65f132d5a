//! The table filled from nothing, conversation by conversation.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use rusqlite::Connection;

use super::{
    Change, change,
    packed::{first, pack, place, stretch},
};
use crate::sqlite::many;

/// Fills the table, which is empty.
pub(in crate::sqlite) struct Filling<'a> {
    db: &'a Connection,
    /// What all fingerprints of the present conversation begin with, and the stretch of it that is being gathered.
    at: (i64, i64),
    /// The places in that stretch, by the rest of the fingerprint.
    places: HashMap<u32, Vec<u16>, BuildHasherDefault<Spread>>,
}

impl<'a> Filling<'a> {
    pub(in crate::sqlite) fn new(db: &'a Connection) -> Self {
        Self { db, at: (0, 0), places: HashMap::default() }
    }

    /// The next message, in the order of conversations and then of messages, and the lower halves of its fingerprints.
    pub(in crate::sqlite) fn add(
        &mut self,
        base: i64,
        seq: i64,
        parts: impl Iterator<Item = u32>,
    ) -> rusqlite::Result<()> {
        let at = (base, stretch(seq));
        if self.at != at {
            self.write()?;
            self.at = at;
        }
        parts.for_each(|part| self.places.entry(part).or_default().push(place(seq)));
        Ok(())
    }

    /// All were added.
    pub(in crate::sqlite) fn end(mut self) -> rusqlite::Result<()> {
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
