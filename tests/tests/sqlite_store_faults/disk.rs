//! A disk that takes no more, and then does again.
//!
//! The kernel itself refuses: the child runs under a limit on the size of files (`RLIMIT_FSIZE`) that the parent lifts
//! later. That needs no rights, and the store sees failing writes just as on a full disk.

use std::{io::Write, process::Command};

use bytes::Bytes;
use tidings_domain::StreamName;
use tidings_event_store::{AppendError, EventStore, Filter, NewEvent, Position, StoreError};
use tidings_tests::conformance::{append, event, head, log};

use super::{assert_whole, child, open, version};

const ROOM: &str = "--fsize=2000000:unlimited";

#[tokio::test]
async fn a_full_disk_refuses_and_then_it_goes_on() {
    let directory = tempfile::tempdir().expect("there is a place for temporary files");
    let file = directory.path().join("events.db");
    // A write beyond the limit also raises SIGXFSZ, which would end the child.
    let limited = ["sh", "-c", "trap '' XFSZ && exec \"$@\"", "sh", "prlimit", ROOM];
    let mut running = child::run(&limited, "disk::the_child_appends_whatever_the_disk_says", &file);
    let mut acknowledged = Vec::new();
    let mut refused = false;
    let mut done = false;
    for line in running.lines {
        let line = line.expect("the child speaks UTF-8");
        acknowledged.extend(child::acknowledged(&line));
        if line == "refused" {
            refused = true;
            let pid = running.process.id().to_string();
            let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:unlimited"]).status();
            assert!(lifted.expect("util-linux is there").success());
            running.input.write_all(b"there is room\n").expect("the child listens");
        }
        done |= line == "done";
    }
    let status = running.process.wait().expect("it was ours");
    assert!(status.success() && refused && done, "refused: {refused}, done: {done}, {status}");
    assert_whole(&file, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_appends_whatever_the_disk_says() {
    let Some(file) = child::file() else { return };
    let store = open(&file).expect("there is room enough to begin");
    let stream = StreamName::stored("user-1");
    let (mut at, mut refused) = (0, 0);
    // After the first refusal there is often a little room again: what is written twice is given back.
    while refused < 3 {
        match append_large(&store, &stream, at).await {
            Ok(()) => (at, refused) = (at + 1, 0),
            Err(AppendError::Store(StoreError::Unavailable(_))) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    // Reading goes on, and shows no more than was acknowledged.
    assert_eq!(version(&store, &stream).await, at);
    assert_eq!(log(&store, Position::START, &Filter::All, 7).await.len() as u64, at);
    assert_eq!(*store.watch_head().borrow(), head(&store).await);

    child::say("refused");
    std::io::stdin().read_line(&mut String::new()).expect("the parent answers");
    for _ in 0..300 {
        append_large(&store, &stream, at).await.expect("there is room");
        at += 1;
    }
    assert_eq!(version(&store, &stream).await, at);
    store.close();
    child::say("done");
}

async fn append_large(store: &dyn EventStore, stream: &StreamName, version: u64) -> Result<(), AppendError> {
    let event = NewEvent { data: Bytes::from(vec![b' '; 20_000]), ..event() };
    let id = event.id;
    let appended = append(store, stream, version, vec![event]).await?;
    child::acknowledge(stream, appended.version, id);
    Ok(())
}
