use std::{collections::HashMap, path::PathBuf};

use bytes::Bytes;
use tempfile::TempDir;
use tidings_domain::Timestamp;
use uuid::Uuid;

use super::*;
use crate::{
    port::{NewEvent, StreamAppend},
    sqlite::{batch::Batch, insert::Tables, schema, session::Session, streams},
};

/// A log that is written without a thread, and what must be in it.
struct World {
    _directory: TempDir,
    path: PathBuf,
    session: Session,
    tables: Tables,
    expected: HashMap<String, Vec<u64>>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events.db");
        let (session, tables) = (open(&path), Tables::new());
        Self { _directory: directory, path, session, tables, expected: HashMap::new() }
    }

    /// One transaction, an event for each name.
    fn append(&mut self, streams: impl Iterator<Item = usize>) {
        let mut appends = Vec::new();
        for stream in streams {
            let name = format!("user-{stream}");
            let positions = self.expected.entry(name.clone()).or_default();
            let head = self.session.head.get() + appends.len() as u64;
            let (data, metadata) = (Bytes::from_static(b"{}"), Bytes::from_static(b"{}"));
            let event = NewEvent { id: Uuid::nil(), name: "happened", data, metadata, command: None };
            let expected_version = positions.len() as u64;
            positions.push(head + 1);
            appends.push(StreamAppend { stream: StreamName::stored(name), expected_version, events: vec![event] });
        }
        let batch = Batch::judge(&mut self.session, appends, Timestamp::from_millis(0)).expect("a batch");
        assert!(batch.answers.iter().all(Result::is_ok));
        self.tables.write(&mut self.session, &batch, &[]).expect("written");
    }

    /// As after a crash: nothing is known but what is in the file.
    fn reopen(&mut self) {
        self.session = open(&self.path);
    }

    fn count(&self, sql: &str) -> u64 {
        self.session.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number").cast_unsigned()
    }

    fn noted(&self) -> u64 {
        self.count("SELECT position FROM placed")
    }

    fn assert_whole(&self) {
        let noted = self.noted();
        assert_eq!(self.count(&format!("SELECT count(*) FROM places WHERE position <= {noted}")), noted);
        let waiting = self.session.places.read().count as u64;
        assert_eq!(self.count("SELECT count(*) FROM places") + waiting, self.session.head.get());
        for (name, positions) in &self.expected {
            let all = self.stream(name, 0, usize::MAX);
            assert_eq!(all, *positions, "{name}");
            let middle = positions.len() / 2;
            let some = self.stream(name, middle as u64, 3);
            assert_eq!(some, positions[middle..].iter().take(3).copied().collect::<Vec<_>>());
        }
    }

    fn stream(&self, name: &str, after: u64, limit: usize) -> Vec<u64> {
        let from = (&self.session.connection, &*self.session.places);
        let found =
            streams::stream(from, &StreamName::stored(name), after, self.session.head, limit).expect("a stream");
        assert!(found.iter().zip(after + 1..).all(|(event, version)| event.version == version));
        found.iter().map(|event| event.position.get()).collect()
    }
}

fn open(path: &std::path::Path) -> Session {
    let session = schema::prepare(path, std::sync::Arc::default()).expect("a log");
    session.connection.pragma_update(None, "synchronous", "OFF").expect("a test needs no disk");
    session
}

/// Numbers that look random, and are the same each time.
fn scattered(nth: usize) -> usize {
    nth.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

#[test]
fn every_event_is_found_in_its_stream_wherever_it_is_and_after_a_crash() {
    let mut world = World::new();
    for batch in 0..(3 * WAITING / 100) {
        world.append((0..100).map(|nth| scattered(batch * 100 + nth) % 700));
        if batch % 60 == 59 {
            world.assert_whole();
            world.reopen();
            world.assert_whole();
        }
    }
    assert!(world.noted() > 0);
    world.tables.settle(&mut world.session).expect("settled");
    assert_eq!((world.noted(), world.session.places.read().count), (world.session.head.get(), 0));
    world.assert_whole();
}

#[test]
fn a_stream_that_everybody_writes_to_is_placed_a_little_at_a_time() {
    let mut world = World::new();
    for _ in 0..(2 * WAITING / 64) {
        let before = world.count("SELECT count(*) FROM places");
        world.append(std::iter::repeat_n(1, 64));
        assert!(world.count("SELECT count(*) FROM places") - before <= 64);
    }
    world.assert_whole();
}

#[test]
fn what_waits_gets_its_turn_however_many_streams_begin_anew() {
    let mut world = World::new();
    for batch in 0..150 {
        // the first stream is heard of once more when its turn is over, and from then on all that comes is ahead of it
        let again = (batch == 30).then_some(0);
        world.append((0..500).map(|nth| batch * 500 + nth).chain(again));
    }
    let behind = world.session.head.get() - world.noted();
    assert!(behind <= FURTHEST + 2 * LOOK_EVERY, "{behind}");
    assert_eq!(world.stream("user-0", 0, 9), [1, 15_501]);
    world.reopen();
    assert_eq!(world.stream("user-0", 0, 9), [1, 15_501]);
}

#[test]
fn a_log_that_was_cut_off_goes_on_from_where_it_ends() {
    let mut world = World::new();
    world.append(0..50);
    world.append(0..50);
    world.tables.settle(&mut world.session).expect("settled");
    world.session.connection.execute("DELETE FROM events WHERE position > 70", []).expect("cut");
    world.expected.values_mut().for_each(|positions| positions.retain(|position| *position <= 70));
    world.reopen();
    world.assert_whole();
    world.append(0..50);
    world.assert_whole();
}

#[test]
fn a_file_of_an_older_schema_comes_to_have_the_table() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("events.db");
    let older = Connection::open(&path).expect("a file");
    older.pragma_update(None, "application_id", 0x5444_4e45).expect("ours");
    older.pragma_update(None, "user_version", 1).expect("the first schema");
    older
        .execute_batch(include_str!("../../../../migrations/sqlite/events/20261120120000_create_events.sql"))
        .expect("tables");
    older.execute_batch("INSERT INTO streams VALUES (1, 'user-1', 'user'), (2, 'user-2', 'user')").expect("streams");
    for (position, stream, version) in [(1, 1, 1), (2, 2, 1), (3, 1, 2)] {
        older
            .execute(
                "INSERT INTO events VALUES (?, ?, ?, zeroblob(16), 'happened', 7, x'7b7d', x'7b7d')",
                [position, stream, version],
            )
            .expect("an event");
    }
    drop(older);
    let expected = HashMap::from([("user-1".to_owned(), vec![1, 3]), ("user-2".to_owned(), vec![2])]);
    let (session, tables) = (open(&path), Tables::new());
    let mut world = World { _directory: directory, path, session, tables, expected };
    world.assert_whole();
    world.append([1, 2, 3].into_iter());
    world.assert_whole();
}
