//! A command id is in the log once, for ever.

use tidings_event_store::{AppendError, CommandRecord};

use super::{Backend, append, append_to, command, event, event_of, events, stream, whole};

/// Not to the same stream and not to another.
pub async fn a_command_is_carried_out_once<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let (first, second) = (stream("user"), stream("user"));
    let command = command();
    append(&*store, &first, 0, vec![event_of(command)]).await.expect("it is new");
    for (to, expected) in [(&first, 1), (&second, 0)] {
        let again = append(&*store, to, expected, vec![event_of(command)]).await;
        assert_eq!(again, Err(AppendError::DuplicateCommand(command.id)));
    }
    assert_eq!(whole(&*store, &first).await.len(), 1);
    assert!(whole(&*store, &second).await.is_empty());
}

/// The first of a batch wins, and those around the second are not hurt.
pub async fn a_command_is_carried_out_once_even_in_one_batch<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let streams: Vec<_> = (0..4).map(|_| stream("user")).collect();
    let command = command();
    let given = [event_of(command), event(), event_of(command), event()];
    let appends = streams.iter().zip(given).map(|(to, event)| append_to(to, 0, vec![event])).collect();
    let outcomes = store.append(appends).await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        if n == 2 {
            assert_eq!(outcome, Err(AppendError::DuplicateCommand(command.id)));
        } else {
            assert_eq!(outcome.map(|appended| appended.version), Ok(1));
        }
    }
}

/// An append is whole: if one of its commands was carried out before, none of its events is written, and its other
/// commands stay free. The same command twice in one append is a repetition, too.
pub async fn one_repeated_command_refuses_the_whole_append<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let (known, new) = (command(), command());
    let (first, second) = (stream("user"), stream("user"));
    append(&*store, &first, 0, vec![event_of(known)]).await.expect("it is new");
    let both = append(&*store, &second, 0, vec![event_of(new), event(), event_of(known)]).await;
    assert_eq!(both, Err(AppendError::DuplicateCommand(known.id)));
    let twice = append(&*store, &second, 0, vec![event_of(new), event_of(new)]).await;
    assert_eq!(twice, Err(AppendError::DuplicateCommand(new.id)));
    assert!(whole(&*store, &second).await.is_empty());
    append(&*store, &second, 0, vec![event_of(new)]).await.expect("it is still new");
}

/// A conflict is no use of the command: it can be decided again.
pub async fn a_refused_append_leaves_its_command_free<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let stream = stream("user");
    let command = command();
    let outcomes = store
        .append(vec![append_to(&stream, 9, vec![event_of(command)]), append_to(&stream, 0, vec![event_of(command)])])
        .await;
    assert_eq!(outcomes[0], Err(AppendError::WrongExpectedVersion { actual: 0 }));
    assert_eq!(outcomes[1].as_ref().map(|appended| appended.version), Ok(1));
}

/// Stream, version and position of the command's first event, and what was asked; in the order of the question.
pub async fn commands_are_found_where_they_stand<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let stream = stream("conversation");
    let (first, second, unknown) = (command(), command(), command());
    append(&*store, &stream, 0, events(2)).await.expect("a new stream");
    let written = vec![event_of(first), event(), event_of(second), event()];
    append(&*store, &stream, 2, written).await.expect("the version is right");
    let read = whole(&*store, &stream).await;
    let record = |version: usize, fingerprint| {
        let position = read[version - 1].position;
        Some(CommandRecord { stream: stream.clone(), version: version as u64, position, fingerprint })
    };
    let found = store.find_commands(&[second.id, unknown.id, first.id]).await.expect("the store answers");
    assert_eq!(found, [record(5, second.fingerprint), None, record(3, first.fingerprint)]);
    assert_eq!(store.find_commands(&[]).await, Ok(Vec::new()));
}
