//! kill -9 in the middle of everything.

use std::sync::Arc;

use bytes::Bytes;
use tidings_domain::StreamName;
use tidings_event_store::{NewEvent, SqliteEventStore};
use tidings_tests::conformance::{Dice, append, command, event};
use uuid::Uuid;

use super::{assert_whole, child, open, version};

const ROUNDS: usize = 5;
const TASKS: u64 = 32;

/// Rounds in one directory: each child goes on with what the one before it left. The events are large enough that the
/// write-ahead log is copied meanwhile, so that some of the kills hit that.
#[tokio::test]
async fn after_kill_nine_everything_acknowledged_is_there_once() {
    let directory = tempfile::tempdir().expect("there is a place for temporary files");
    let file = directory.path().join("events.db");
    let seed = u64::from_le_bytes(Uuid::new_v4().as_bytes()[..8].try_into().expect("eight of sixteen"));
    let mut dice = Dice::new(seed);
    let mut all = Vec::new();
    for round in 1..=ROUNDS {
        let mut running = child::run(&[], "kill::the_child_appends_until_it_is_killed", &file);
        let enough = all.len() + dice.roll(8_000);
        for line in running.lines.by_ref() {
            all.extend(child::acknowledged(&line.expect("the child speaks UTF-8")));
            if all.len() >= enough {
                break;
            }
        }
        assert!(all.len() >= enough, "round {round}, seed {seed}: the child ended by itself");
        running.process.kill().expect("it runs");
        // What it said before it died counts as well.
        all.extend(running.lines.map_while(Result::ok).filter_map(|line| child::acknowledged(&line)));
        let status = running.process.wait().expect("it was ours");
        assert!(!status.success());
        assert_whole(&file, &all).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_appends_until_it_is_killed() {
    let Some(file) = child::file() else { return };
    let store = Arc::new(open(&file).expect("it opens again"));
    let tasks: Vec<_> = (0..TASKS).map(|n| tokio::spawn(append_for_ever(Arc::clone(&store), n))).collect();
    for task in tasks {
        task.await.expect("it goes on until the kill");
    }
}

async fn append_for_ever(store: Arc<SqliteEventStore>, n: u64) {
    let stream = StreamName::stored(format!("user-{n}"));
    let mut at = version(&*store, &stream).await;
    let mut dice = Dice::new(n);
    // The parent kills it long before; should the parent be gone, this ends.
    for _ in 0..100_000 {
        let mut events: Vec<_> = (0..dice.roll(4)).map(|_| large_event(dice.roll(16_000))).collect();
        events[0].command = Some(command());
        let ids: Vec<_> = events.iter().map(|event| event.id).collect();
        append(&*store, &stream, at, events).await.expect("nobody else writes to this stream");
        for id in ids {
            at += 1;
            child::acknowledge(&stream, at, id);
        }
    }
}

fn large_event(bytes: usize) -> NewEvent {
    NewEvent { data: Bytes::from(vec![b' '; bytes]), ..event() }
}
