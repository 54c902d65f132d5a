//! One command on several nodes: KurrentDB keeps nothing unique, and still it happens once.

use std::sync::Arc;

use tidings_domain::StreamName;
use tidings_event_store::{AppendError, CommandKey, EventStore, KurrentEventStore};
use tidings_tests::{
    conformance::{append, command, event_of, events, stream, whole},
    stand_in::StandIn,
};

use super::node;

/// As the executor does: look the command up, load the stream, append at its version, and again after a conflict.
async fn carry_out(store: Arc<KurrentEventStore>, stream: StreamName, key: CommandKey) -> bool {
    loop {
        let found = store.find_commands(&[key.id]).await.expect("the server is there");
        if found[0].is_some() {
            return false;
        }
        let version = whole(&*store, &stream).await.len() as u64;
        match append(&*store, &stream, version, vec![event_of(key)]).await {
            Ok(_) => return true,
            Err(AppendError::WrongExpectedVersion { .. }) => {}
            Err(AppendError::DuplicateCommand(id)) => {
                assert_eq!(id, key.id);
                return false;
            }
            Err(AppendError::Store(error)) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_that_races_with_itself_on_three_nodes_happens_once() {
    let server = StandIn::start();
    let nodes = [node(&server, "one.db").await, node(&server, "two.db").await, node(&server, "three.db").await];
    let stream = stream("conversation");
    let rounds = 60;
    for _ in 0..rounds {
        let key = command();
        let tries = (0..9).map(|n| tokio::spawn(carry_out(nodes[n % 3].clone(), stream.clone(), key)));
        let mut carried_out = 0;
        for attempt in tries.collect::<Vec<_>>() {
            carried_out += usize::from(attempt.await.expect("it ends well"));
        }
        assert_eq!(carried_out, 1);
    }
    assert_eq!(whole(&*nodes[0], &stream).await.len(), rounds);
}

/// The window that a look-up leaves: the command lands between it and the loading of the stream. The append then stands at
/// the right version, and only the store knows better.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_that_landed_on_another_node_after_the_look_up_is_refused() {
    let server = StandIn::start();
    let (here, there) = (node(&server, "one.db").await, node(&server, "two.db").await);
    let stream = stream("conversation");
    append(&*here, &stream, 0, events(3)).await.expect("a new stream");
    for version in 3..60 {
        let key = command();
        assert_eq!(here.find_commands(&[key.id]).await, Ok(vec![None]));
        append(&*there, &stream, version, vec![event_of(key)]).await.expect("the version is right");
        let again = append(&*here, &stream, version + 1, vec![event_of(key)]).await;
        assert_eq!(again, Err(AppendError::DuplicateCommand(key.id)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_index_that_was_lost_or_is_of_another_log_is_made_again() {
    let (server, other) = (StandIn::start(), StandIn::start());
    let key = command();
    let stream = stream("user");
    append(&*node(&server, "one.db").await, &stream, 0, vec![event_of(key)]).await.expect("a new stream");
    let foreign = command();
    let elsewhere = node(&other, "one.db").await;
    append(&*elsewhere, &stream, 0, vec![event_of(foreign)]).await.expect("a new stream");
    // it is in the index when it is found, and the file is whole when the store is closed
    elsewhere.find_commands(&[foreign.id]).await.expect("it is there");
    elsewhere.close().await;
    drop(elsewhere);
    std::fs::copy(other.file("one.db"), server.file("one.db")).expect("there is room");
    for index in ["one.db", "lost.db"] {
        let found = node(&server, index).await.find_commands(&[key.id, foreign.id]).await.expect("it is there");
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false], "{index}");
    }
}
