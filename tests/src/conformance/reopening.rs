//! What was answered is there after a restart.

use bytes::Bytes;
use tidings_event_store::{AppendError, Filter, Snapshot};

use super::{Backend, append, append_to, command, event_of, events, head, log, stream, whole};

/// Event for event, field for field, position for position.
pub async fn the_log_is_the_same_after_reopening<B: Backend>() {
    let mut backend = B::fresh().await;
    let store = backend.store();
    let start = head(&*store).await;
    let streams: Vec<_> = (0..20).map(|_| stream("conversation")).collect();
    for round in 0..5 {
        store.append(streams.iter().map(|to| append_to(to, 3 * round, events(3))).collect()).await;
    }
    let (end, before) = (head(&*store).await, log(&*store, start, &Filter::All, 1000).await);
    assert_eq!(before.len(), 300);
    drop(store);
    for _ in 0..2 {
        backend.reopen().await;
        let store = backend.store();
        assert_eq!(head(&*store).await, end);
        assert_eq!(*store.watch_head().borrow(), end);
        assert_eq!(log(&*store, start, &Filter::All, 7).await, before);
        let of_one: Vec<_> = before.iter().filter(|event| event.stream == streams[7]).cloned().collect();
        assert_eq!(whole(&*store, &streams[7]).await, of_one);
    }
}

/// A command repeated after a restart is known, and so is a snapshot.
pub async fn commands_and_snapshots_survive_reopening<B: Backend>() {
    let mut backend = B::fresh().await;
    let stream = stream("user");
    let command = command();
    let snapshot = Snapshot { version: 1, format: "1".to_owned(), data: Bytes::from_static(b"state") };
    append(&*backend.store(), &stream, 0, vec![event_of(command)]).await.expect("a new stream");
    assert_eq!(backend.store().save_snapshot(&stream, snapshot.clone()).await, Ok(()));
    let before = backend.store().find_commands(&[command.id]).await;
    backend.reopen().await;
    let store = backend.store();
    let again = append(&*store, &stream, 1, vec![event_of(command)]).await;
    assert_eq!(again, Err(AppendError::DuplicateCommand(command.id)));
    assert_eq!(store.find_commands(&[command.id]).await, before);
    assert_eq!(store.load_snapshot(&stream).await, Ok(Some(snapshot)));
}

/// Versions and positions go on, for streams that were there and for new ones.
pub async fn appending_goes_on_where_it_was_after_reopening<B: Backend>() {
    let mut backend = B::fresh().await;
    let (old, new) = (stream("user"), stream("user"));
    let before = append(&*backend.store(), &old, 0, events(2)).await.expect("a new stream");
    backend.reopen().await;
    let store = backend.store();
    let wrong = append(&*store, &old, 0, events(1)).await;
    assert_eq!(wrong, Err(AppendError::WrongExpectedVersion { actual: 2 }));
    let outcomes = store.append(vec![append_to(&new, 0, events(1)), append_to(&old, 2, events(1))]).await;
    let versions: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().map(|at| at.version)).collect();
    assert_eq!(versions, [Ok(1), Ok(3)]);
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_ok_and(|at| at.position > before.position)));
    assert_eq!(whole(&*store, &old).await.len(), 3);
}
