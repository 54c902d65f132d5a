//! Appending: versions, conflicts, order, barriers.

use bytes::Bytes;
use tidings_event_store::{AppendError, Filter, NewEvent};

use super::{Backend, append, append_to, assert_recorded, event, events, head, log, stream, whole};

/// Bytes, names and ids come back as they were given, from the stream and from the log.
pub async fn what_was_appended_reads_back_exactly<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let start = head(&*store).await;
    let stream = stream("conversation");
    let odd = NewEvent {
        data: Bytes::from("{\"text\":\"\\u0000 é 🎈 ' \\\"\"}".to_owned() + &" ".repeat(100_000)),
        metadata: Bytes::from_static(b"{}"),
        name: "account_registered",
        ..event()
    };
    let written = vec![event(), odd, event()];
    append(&*store, &stream, 0, written.clone()).await.expect("a new stream");
    assert_recorded(&whole(&*store, &stream).await, &stream, 1, &written);
    assert_recorded(&log(&*store, start, &Filter::All, 100).await, &stream, 1, &written);
}

/// The version is the number of events; an answer tells the last event's position and the stream's version.
pub async fn versions_count_from_one_and_positions_grow<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let (first, second) = (stream("user"), stream("user"));
    let mut last = head(&*store).await;
    for (to, expected, count, version) in [(&first, 0, 2, 2), (&second, 0, 1, 1), (&first, 2, 3, 5)] {
        let appended = append(&*store, to, expected, events(count)).await.expect("the version is right");
        assert_eq!(appended.version, version);
        assert!(appended.position > last);
        last = appended.position;
        let read = whole(&*store, to).await;
        assert_eq!(read.iter().map(|event| event.version).collect::<Vec<_>>(), (1..=version).collect::<Vec<_>>());
        assert!(read.is_sorted_by(|a, b| a.position < b.position));
        assert_eq!(read.last().map(|event| event.position), Some(last));
    }
    assert!(head(&*store).await >= last);
}

/// Too low, too high, or of a stream that is not there: the answer says what the version is, and nothing is written.
pub async fn another_expected_version_is_refused_with_the_actual_one<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let stream = stream("user");
    let refused = append(&*store, &stream, 1, events(1)).await;
    assert_eq!(refused, Err(AppendError::WrongExpectedVersion { actual: 0 }));
    append(&*store, &stream, 0, events(2)).await.expect("a new stream");
    let before = head(&*store).await;
    for wrong in [0, 1, 3, 1_000_000] {
        let refused = append(&*store, &stream, wrong, events(1)).await;
        assert_eq!(refused, Err(AppendError::WrongExpectedVersion { actual: 2 }));
    }
    assert_eq!(whole(&*store, &stream).await.len(), 2);
    assert!(log(&*store, before, &Filter::All, 10).await.is_empty());
}

/// In one batch of many streams, those that are right are written, before and behind those that are not.
pub async fn a_conflict_does_not_hurt_its_neighbours<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let streams: Vec<_> = (0..9).map(|_| stream("reader")).collect();
    let appends = streams.iter().enumerate().map(|(n, to)| append_to(to, u64::from(n % 3 == 1), events(2))).collect();
    let outcomes = store.append(appends).await;
    for (n, (outcome, to)) in outcomes.into_iter().zip(&streams).enumerate() {
        if n % 3 == 1 {
            assert_eq!(outcome, Err(AppendError::WrongExpectedVersion { actual: 0 }));
            assert!(whole(&*store, to).await.is_empty());
        } else {
            assert_eq!(outcome.map(|appended| appended.version), Ok(2));
            assert_eq!(whole(&*store, to).await.len(), 2);
        }
    }
}

/// Nobody has to wait for an answer to append what follows; and when one fails, what builds on it fails too.
pub async fn appends_submitted_one_after_the_other_build_on_each_other<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let start = head(&*store).await;
    let stream = stream("conversation");
    let written = events(300);
    let mut tickets = Vec::new();
    for (version, event) in written.iter().enumerate() {
        tickets.extend(store.submit(vec![append_to(&stream, version as u64, vec![event.clone()])]));
    }
    for (version, ticket) in (1..).zip(tickets) {
        assert_eq!(ticket.await.map(|appended| appended.version), Ok(version));
    }
    assert_recorded(&log(&*store, start, &Filter::All, 64).await, &stream, 1, &written);

    let builds_on_nothing = vec![append_to(&stream, 301, events(1)), append_to(&stream, 302, events(1))];
    for outcome in store.append(builds_on_nothing).await {
        assert_eq!(outcome, Err(AppendError::WrongExpectedVersion { actual: 300 }));
    }
}

/// When a barrier is answered, what was submitted before it can be read.
pub async fn a_barrier_is_answered_after_what_was_before_it<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let stream = stream("conversation");
    let before = store.submit((0..50).map(|version| append_to(&stream, version, events(1))).collect());
    let barrier = append(&*store, &stream, 50, Vec::new()).await.expect("the version is right");
    assert_eq!(barrier.version, 50);
    assert_eq!(whole(&*store, &stream).await.len(), 50);
    assert!(head(&*store).await >= barrier.position);
    for ticket in before {
        assert!(ticket.await.expect("the version is right").position <= barrier.position);
    }
}

/// A barrier is refused like any append, writes nothing and makes no stream.
pub async fn a_barrier_checks_the_version<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let (stream, other) = (stream("session"), stream("session"));
    assert_eq!(append(&*store, &stream, 0, Vec::new()).await.map(|appended| appended.version), Ok(0));
    let refused = append(&*store, &stream, 1, Vec::new()).await;
    assert_eq!(refused, Err(AppendError::WrongExpectedVersion { actual: 0 }));
    let last = append(&*store, &stream, 0, events(3)).await.expect("the barrier made no stream");
    let refused = append(&*store, &stream, 0, Vec::new()).await;
    assert_eq!(refused, Err(AppendError::WrongExpectedVersion { actual: 3 }));
    let elsewhere = append(&*store, &other, 0, Vec::new()).await.expect("the version is right");
    assert!(elsewhere.position >= last.position);
    assert_eq!(whole(&*store, &stream).await.len(), 3);
    assert!(whole(&*store, &other).await.is_empty());
}

/// A caller that goes away takes nothing back.
pub async fn an_append_whose_ticket_is_dropped_still_happens<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let stream = stream("user");
    drop(store.submit(vec![append_to(&stream, 0, events(2))]));
    append(&*store, &stream, 2, Vec::new()).await.expect("it was judged before");
    assert_eq!(whole(&*store, &stream).await.len(), 2);
}
