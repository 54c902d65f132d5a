//! What may happen to the embedded event store and its machine, done for real: kill -9, a full disk, files of others.

mod child;
mod disk;
mod kill;
mod refusal;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use tidings_domain::{StreamName, Timestamp};
use tidings_event_store::{EventStore, Filter, OpenError, Position, SqliteEventStore};
use tidings_tests::conformance::{head, log};
use uuid::Uuid;

fn open(file: &Path) -> Result<SqliteEventStore, OpenError> {
    SqliteEventStore::open(file, || Timestamp::from_millis(1_800_000_000_000))
}

/// An event whose append was answered with success: stream, version, id.
type Acknowledged = (StreamName, u64, Uuid);

/// Opens the store that a child left behind, and looks whether it is whole and holds what was acknowledged.
async fn assert_whole(file: &Path, acknowledged: &[Acknowledged]) {
    let store = open(file).expect("it opens again");
    let events = log(&store, Position::START, &Filter::All, 10_000).await;
    assert_eq!(head(&store).await.get(), events.len() as u64);
    let mut versions: HashMap<&StreamName, u64> = HashMap::new();
    let mut ids = HashSet::new();
    for (event, position) in events.iter().zip(1..) {
        let version = versions.entry(&event.stream).or_default();
        *version += 1;
        assert_eq!((event.position.get(), event.version), (position, *version), "no gap");
        assert!(ids.insert(event.id), "no event twice");
    }
    let stored: HashSet<_> = events.iter().map(|event| (event.stream.clone(), event.version, event.id)).collect();
    for event in acknowledged {
        assert!(stored.contains(event), "{event:?} was acknowledged and is not there");
    }
    drop(store);
    let database = rusqlite::Connection::open(file).expect("it is a database");
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("it answers");
    assert_eq!(verdict, "ok");
}

async fn version(store: &dyn EventStore, stream: &StreamName) -> u64 {
    store.read_stream(stream, 0, usize::MAX).await.expect("the store answers").len() as u64
}
