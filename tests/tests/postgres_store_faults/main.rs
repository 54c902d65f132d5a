//! What may happen to the PostgreSQL event store and its server, done for real: a killed server, cut connections, a lost
//! primary, logins and schemas that do not fit.

mod cut;
mod keys;
mod kill;
mod refusal;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tidings_domain::StreamName;
use tidings_event_store::{
    AppendError, EventStore, Filter, Position, PostgresEventStore, RecordedEvent,
    database::{DatabaseError, DatabaseUrl},
};
use tidings_tests::conformance::{append, events, log, stream, whole};
use tokio::sync::watch;
use uuid::Uuid;

async fn open(url: &str) -> Result<Arc<PostgresEventStore>, DatabaseError> {
    let url = DatabaseUrl::parse("TIDINGS_EVENT_STORE", url)?;
    PostgresEventStore::open(&url).await.map(Arc::new)
}

/// An event whose append was answered with success: stream, version, id.
type Acknowledged = (StreamName, u64, Uuid);

/// Appends to a stream of its own until told to stop. What is answered with an error may be in the log or not; the stream
/// itself tells.
async fn write(store: Arc<PostgresEventStore>, stop: watch::Receiver<bool>) -> Vec<Acknowledged> {
    let stream = stream("user");
    let (mut version, mut acknowledged) = (0, vec![]);
    while !*stop.borrow() {
        let new = events(3);
        let ids: Vec<Uuid> = new.iter().map(|event| event.id).collect();
        match append(&*store, &stream, version, new).await {
            Ok(appended) => {
                acknowledged.extend(ids.into_iter().zip(version + 1..).map(|(id, nth)| (stream.clone(), nth, id)));
                version = appended.version;
            }
            Err(AppendError::WrongExpectedVersion { actual }) => {
                assert_eq!(actual, version + 3, "what got no answer is there whole or not at all");
                version = actual;
            }
            Err(AppendError::DuplicateCommand(_)) => panic!("no command was given"),
            Err(AppendError::Store(_)) => tokio::task::yield_now().await,
        }
    }
    acknowledged
}

/// Follows the log from its start until it has seen a position, over any trouble.
async fn follow(store: Arc<PostgresEventStore>, mut end: watch::Receiver<Option<Position>>) -> Vec<Arc<RecordedEvent>> {
    let (mut saved, mut seen) = (Position::START, vec![]);
    let mut head = store.watch_head();
    while end.borrow().is_none_or(|end| saved < end) {
        match store.read_all(saved, &Filter::All, 500).await {
            Ok(page) if page.scanned_to == saved => {
                tokio::select! {
                    moved = head.wait_for(|head| *head > saved) => drop(moved.expect("the store is there")),
                    ended = end.changed() => ended.expect("the test is there"),
                }
            }
            Ok(page) => {
                saved = page.scanned_to;
                seen.extend(page.events);
            }
            Err(_) => tokio::task::yield_now().await,
        }
    }
    seen
}

/// Looks whether the log is whole and holds what was acknowledged; all of it.
async fn assert_whole(store: &dyn EventStore, acknowledged: &[Acknowledged]) -> Vec<Arc<RecordedEvent>> {
    let events = log(store, Position::START, &Filter::All, 10_000).await;
    let mut versions: HashMap<&StreamName, u64> = HashMap::new();
    let mut ids = HashSet::new();
    for (event, position) in events.iter().zip(1..) {
        let version = versions.entry(&event.stream).or_default();
        *version += 1;
        assert_eq!((event.position.get(), event.version), (position, *version), "no gap");
        assert!(ids.insert(event.id), "no event twice");
    }
    assert!(events.is_sorted_by_key(|event| event.recorded_at));
    let stored: HashSet<_> = events.iter().map(|event| (event.stream.clone(), event.version, event.id)).collect();
    for event in acknowledged {
        assert!(stored.contains(event), "{event:?} was acknowledged and is not there");
    }
    events
}

/// Appends once, as often as it takes.
async fn append_at_last(store: &PostgresEventStore) -> Position {
    let stream = stream("user");
    loop {
        match append(store, &stream, whole_or_none(store, &stream).await, events(1)).await {
            Ok(appended) => return appended.position,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn whole_or_none(store: &PostgresEventStore, stream: &StreamName) -> u64 {
    store.read_stream(stream, 0, 100).await.map_or(0, |events| events.len() as u64)
}

/// How many events a stream has.
async fn version(store: &dyn EventStore, stream: &StreamName) -> u64 {
    whole(store, stream).await.len() as u64
}
