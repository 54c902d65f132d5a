//! Where the events of each stream are: most in the table `places`, the latest in memory.
//!
//! The events of a batch belong to as many streams, so an index of them is touched in as many places, and each touched page is
//! written whole. Here events wait in memory until their streams have some together, and go into the table stream by stream, in
//! the order of its key, as many as come: the hand of a clock that never stops for long. What is lost with the process is read
//! again from `events`: no more than some ten thousand of them ([`FURTHEST`]). See ADR 0027.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Bound::{Excluded, Unbounded},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use rusqlite::Connection;
use tidings_domain::StreamName;

use super::batch::Row;
use crate::port::Position;

/// Events that wait, at most, beside those of one batch.
const WAITING: usize = 8 * 1024;
/// How far the oldest that waits may be behind the head before it is its stream's turn.
const FURTHEST: u64 = 4 * WAITING as u64;
/// How many events go by between two looks at how far all is in the table.
const LOOK_EVERY: u64 = WAITING as u64 / 8;

/// An event of a stream, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) stream: i64,
    pub(super) version: u64,
    pub(super) position: Position,
}

/// What a transaction is to write of this.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Placing {
    /// In the order of the table, but for where the hand passes twelve.
    pub(super) places: Vec<Place>,
    /// Up to here all are in the table; none where that is not worth noting.
    pub(super) all_to: Option<Position>,
    /// Where the hand is then.
    hand: i64,
}

/// The events of a stream that wait, in their order.
#[derive(Debug)]
struct Waiting {
    name: StreamName,
    events: Vec<(u64, Position)>,
}

#[derive(Debug, Default)]
struct State {
    streams: BTreeMap<i64, Waiting>,
    count: usize,
    /// The last stream whose turn is over.
    hand: i64,
    head: Position,
    /// Up to where the table says it has all.
    noted: Position,
    /// Where the head was when that was looked at last.
    looked: Position,
}

/// The events that are in the log and not in the table. Shared by the writer and those who read: who looks here first and into the
/// table then finds each of them in one of both.
#[derive(Debug, Default)]
pub(super) struct Places(RwLock<State>);

impl Places {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds out what waits, from the file alone. The table may be ahead of a log that was cut off: then it is, too.
    pub(super) fn load(&self, connection: &Connection, head: Position) -> rusqlite::Result<()> {
        let noted: i64 = connection.query_row("SELECT position FROM placed", [], |row| row.get(0))?;
        let noted = Position::new(noted.cast_unsigned());
        if noted > head {
            connection.execute("DELETE FROM places WHERE position > ?1", [head.get().cast_signed()])?;
            connection.execute("UPDATE placed SET position = ?1", [head.get().cast_signed()])?;
        }
        let noted = noted.min(head);
        let mut state = State { head, noted, looked: noted, ..State::default() };
        let mut statement = connection.prepare(
            "SELECT e.stream, e.version, e.position, s.name FROM events e
             CROSS JOIN streams s ON s.id = e.stream
             LEFT JOIN places p ON p.stream = e.stream AND p.version = e.version
             WHERE e.position > ?1 AND p.position IS NULL ORDER BY e.position",
        )?;
        let mut rows = statement.query([state.noted.get().cast_signed()])?;
        while let Some(row) = rows.next()? {
            let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
            let place = Place { stream: row.get(0)?, version: number(1)?, position: Position::new(number(2)?) };
            let name = row.get_ref(3)?.as_str()?;
            state.add(place, || StreamName::stored(name));
        }
        *self.write() = state;
        Ok(())
    }

    /// The last version of a stream of which an event waits.
    pub(super) fn last_version(&self, stream: i64) -> Option<u64> {
        Some(self.read().streams.get(&stream)?.events.last()?.0)
    }

    /// The first events of a stream after a version that wait, in their order.
    pub(super) fn of(&self, stream: i64, after: u64, limit: usize) -> Vec<(u64, Position)> {
        let state = self.read();
        let events = state.streams.get(&stream).map(|waiting| waiting.events.as_slice()).unwrap_or_default();
        let first = events.partition_point(|(version, _)| *version <= after);
        events[first..].iter().take(limit).copied().collect()
    }

    /// The positions in a stretch, ends included, of the events that wait of streams that are admitted.
    pub(super) fn of_all(
        &self,
        first: Position,
        last: Position,
        admits: impl Fn(&StreamName) -> bool,
    ) -> Vec<Position> {
        let state = self.read();
        let admitted = state.streams.values().filter(|waiting| admits(&waiting.name));
        let positions = admitted.flat_map(|waiting| &waiting.events).map(|(_, position)| *position);
        positions.filter(|position| (first..=last).contains(position)).collect()
    }

    /// What is to go into the table with a batch of so many events.
    pub(super) fn next(&self, coming: usize) -> Placing {
        let mut state = self.write();
        let all_to = if state.head.get() >= state.looked.get() + LOOK_EVERY { state.look() } else { None };
        Placing { all_to, ..state.choose((state.count + coming).saturating_sub(WAITING)) }
    }

    /// All that waits, and with it that nothing does.
    pub(super) fn rest(&self) -> Placing {
        let state = self.read();
        Placing { all_to: (state.head > state.noted).then_some(state.head), ..state.choose(state.count) }
    }

    /// A transaction is durable, with these events and what was to be written with them.
    pub(super) fn settle(&self, rows: &[Row], placing: &Placing) {
        let mut state = self.write();
        for of_stream in placing.places.chunk_by(|a, b| a.stream == b.stream) {
            state.remove(of_stream[0].stream, of_stream.len());
        }
        state.hand = placing.hand;
        state.noted = placing.all_to.unwrap_or(state.noted);
        for Row { stream, event } in rows {
            let place = Place { stream: *stream, version: event.version, position: event.position };
            state.add(place, || event.stream.clone());
            state.head = event.position;
        }
    }
}

impl State {
    fn add(&mut self, place: Place, name: impl FnOnce() -> StreamName) {
        let new = || Waiting { name: name(), events: Vec::new() };
        self.streams.entry(place.stream).or_insert_with(new).events.push((place.version, place.position));
        self.count += 1;
    }

    /// The first events of a stream wait no more.
    fn remove(&mut self, stream: i64, events: usize) {
        let Entry::Occupied(mut waiting) = self.streams.entry(stream) else { return };
        waiting.get_mut().events.drain(..events);
        self.count -= events;
        if waiting.get().events.is_empty() {
            waiting.remove();
        }
    }

    /// So many events, stream by stream from the hand on; of the last stream perhaps not all.
    fn choose(&self, wanted: usize) -> Placing {
        let mut placing = Placing { places: Vec::with_capacity(wanted), all_to: None, hand: self.hand };
        let behind = self.streams.range((Excluded(self.hand), Unbounded));
        for (stream, waiting) in behind.chain(self.streams.range(..=self.hand)) {
            let left = wanted - placing.places.len();
            if left == 0 {
                break;
            }
            let place = |(version, position): &(u64, Position)| Place {
                stream: *stream,
                version: *version,
                position: *position,
            };
            placing.places.extend(waiting.events.iter().take(left).map(place));
            placing.hand = if waiting.events.len() > left { stream - 1 } else { *stream };
        }
        placing
    }

    /// Up to where all are in the table, where that is further than was noted. Whose event has waited for too long gets the next turn,
    /// for others may get theirs before it over and over: those that begin anew ahead of the hand.
    fn look(&mut self) -> Option<Position> {
        self.looked = self.head;
        let first = |(stream, waiting): (&i64, &Waiting)| Some((waiting.events.first()?.1, *stream));
        let oldest = self.streams.iter().filter_map(first).min();
        if let Some((position, stream)) = oldest
            && self.head.get() - position.get() > FURTHEST
        {
            self.hand = stream - 1;
        }
        let all_to = oldest.map_or(self.head, |(position, _)| Position::new(position.get() - 1));
        (all_to > self.noted).then_some(all_to)
    }
}

#[cfg(test)]
mod tests;
