//! What cannot be is said in one sentence, and what is too large is refused alone.

use bytes::Bytes;
use tidings_event_store::EventStore;
use tidings_event_store::{AppendError, KurrentEventStore, NewEvent, StoreError, kurrentdb::ConnectError};
use tidings_tests::{
    conformance::{append, append_to, event, events, stream, whole},
    stand_in::StandIn,
};

use super::node;

async fn refused(connection: &str) -> ConnectError {
    let directory = tempfile::tempdir().expect("there is a place for temporary files");
    let error = KurrentEventStore::connect(connection, &directory.path().join("commands.db")).await;
    error.expect_err("there is no such server")
}

#[tokio::test]
async fn a_connection_string_that_is_none_is_named_without_its_password() {
    for wrong in ["kurrentdb://user:hunter2@host:port", "kurrentdb://user:hunter2@host?tls=perhaps", "nonsense"] {
        let error = refused(wrong).await;
        assert!(matches!(error, ConnectError::ConnectionString(_)), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("connection string") && !said.contains("hunter2") && !said.contains('\n'), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_its_port() {
    let server = StandIn::start();
    server.kill();
    let said = refused(&server.connection_string().replace("://", "://user:hunter2@")).await.to_string();
    assert!(said.starts_with("KurrentDB at 127.0.0.1:") && !said.contains("hunter2") && !said.contains('\n'), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_above_the_servers_limit_is_refused_and_hurts_nobody() {
    let server = StandIn::start();
    let store = node(&server, "one.db").await;
    let (large, other) = (stream("user"), stream("user"));
    let huge = NewEvent { data: Bytes::from(vec![b' '; 1_100_000]), ..event() };
    let outcomes = store.append(vec![append_to(&large, 0, vec![huge]), append_to(&other, 0, events(1))]).await;
    assert!(matches!(outcomes[0], Err(AppendError::Store(StoreError::Unavailable(_)))), "{outcomes:?}");
    assert!(outcomes[1].is_ok());
    append(&*store, &large, 0, events(1)).await.expect("the stream is as it was");
    assert_eq!(whole(&*store, &large).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_appends_fail_and_afterwards_they_do_not() {
    let server = StandIn::start();
    let store = node(&server, "one.db").await;
    let stream = stream("user");
    append(&*store, &stream, 0, events(1)).await.expect("a new stream");
    server.kill();
    let away = append(&*store, &stream, 1, events(1)).await;
    assert!(matches!(away, Err(AppendError::Store(StoreError::Unavailable(_)))), "{away:?}");
    assert!(store.head().await.is_err());
    server.start_again();
    let mut version = whole_version(&store, &stream).await;
    while append(&*store, &stream, version, events(1)).await.is_err() {
        version = whole_version(&store, &stream).await;
    }
    assert_eq!(whole(&*store, &stream).await.len() as u64, version + 1);
}

async fn whole_version(store: &KurrentEventStore, stream: &tidings_domain::StreamName) -> u64 {
    loop {
        if let Ok(events) = store.read_stream(stream, 0, 100).await {
            return events.len() as u64;
        }
    }
}
