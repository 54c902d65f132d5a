//! Reading: pages, filters, limits, snapshots.

use bytes::Bytes;
use tidings_domain::StreamName;
use tidings_event_store::{EventStore, Filter, Position, Snapshot, Streams};

use super::{Backend, append, append_to, events, head, log, stream, whole};

/// So many events on streams of three categories in turn; tells where the log ended before.
async fn three_categories(store: &dyn EventStore, rounds: usize) -> Position {
    let start = head(store).await;
    let appends = ["user", "session", "conversation"]
        .into_iter()
        .cycle()
        .take(3 * rounds)
        .enumerate()
        .map(|(n, category)| append_to(&stream(category), 0, events(n % 2 + 1)))
        .collect();
    for outcome in store.append(appends).await {
        outcome.expect("a new stream");
    }
    start
}

/// Whatever the limit, following `scanned_to` shows each event once and in order.
pub async fn pages_of_any_size_cover_the_log_exactly_once<B: Backend>() {
    let mut backend = B::fresh().await;
    let start = three_categories(&*backend.store(), 10).await;
    let all = log(&*backend.store(), start, &Filter::All, usize::MAX).await;
    assert_eq!(all.len(), 45);
    assert!(all.is_sorted_by(|a, b| a.position < b.position));
    // Once as it was just written, which may be from memory, and once as it is stored.
    for _ in 0..2 {
        let store = backend.store();
        for limit in [1, 2, 3, 7, 44, 45, 46] {
            assert_eq!(log(&*store, start, &Filter::All, limit).await, all, "pages of {limit}");
            let page = store.read_all(start, &Filter::All, limit).await.expect("the store answers");
            assert!(page.events.len() <= limit);
        }
        drop(store);
        backend.reopen().await;
    }
}

/// A page of a filter may be empty and still move on.
pub async fn a_filter_shows_its_categories_and_says_how_far_it_looked<B: Backend>() {
    let mut backend = B::fresh().await;
    let start = three_categories(&*backend.store(), 10).await;
    let all = log(&*backend.store(), start, &Filter::All, 100).await;
    // Once as it was just written, which may be from memory, and once as it is stored.
    for _ in 0..2 {
        let store = backend.store();
        for categories in [vec!["user"], vec!["conversation", "session"], vec!["nobody"], vec![]] {
            let filter = Filter::Categories(categories);
            let admitted: Vec<_> = all.iter().filter(|event| filter.admits(&event.stream)).cloned().collect();
            for limit in [1, 4, 100] {
                assert_eq!(log(&*store, start, &filter, limit).await, admitted, "{filter:?}, pages of {limit}");
            }
        }
        let nobody = Filter::Categories(vec!["nobody"]);
        let none = store.read_all(start, &nobody, usize::MAX).await.expect("the store answers");
        assert!(none.events.is_empty());
        assert!(none.scanned_to >= all[all.len() - 1].position);
        drop(store);
        backend.reopen().await;
    }
}

/// Streams by their names and by the beginnings of their names, whatever lies between them.
pub async fn some_streams_are_read_together_in_the_order_of_the_log<B: Backend>() {
    let mut backend = B::fresh().await;
    let store = backend.store();
    let start = head(&*store).await;
    let (one, other) = (stream("reader"), stream("user"));
    let under = |n: u32| StreamName::stored(format!("{one}-{n}"));
    for round in 0..4 {
        let appends = [&under(1), &other, &one, &stream("session"), &under(2)].map(|stream| {
            let version = if stream.category() == "session" { 0 } else { round };
            append_to(stream, version, events(1))
        });
        for outcome in store.append(appends.into()).await {
            outcome.expect("the expected version");
        }
    }
    let all = log(&*store, start, &Filter::All, 100).await;
    drop(store);
    let prefix = || Streams::Under(format!("{one}-"));
    let named = |name: &StreamName| Streams::Named(name.clone());
    for choices in [
        vec![named(&one)],
        vec![prefix()],
        vec![prefix(), named(&one), named(&other), named(&one)],
        vec![named(&stream("user")), Streams::Under("nothing-".to_owned())],
        vec![],
    ] {
        let filter = Filter::Streams(choices);
        let chosen: Vec<_> = all.iter().filter(|event| filter.admits(&event.stream)).cloned().collect();
        // once as it was just written, which may be from memory, and once as it is stored
        for _ in 0..2 {
            for limit in [1, 3, 100] {
                assert_eq!(log(&*backend.store(), start, &filter, limit).await, chosen, "{filter:?}, pages of {limit}");
            }
            backend.reopen().await;
        }
    }
}

/// After a version means above it; a limit cuts; another stream's events never show.
pub async fn a_stream_is_read_after_a_version_and_up_to_a_limit<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let (wanted, other) = (stream("user"), stream("user"));
    for round in 0..5 {
        store.append(vec![append_to(&wanted, 2 * round, events(2)), append_to(&other, round, events(1))]).await;
    }
    let all = whole(&*store, &wanted).await;
    assert_eq!(all.len(), 10);
    for (after, limit, expected) in [(0, 3, 0..3), (4, 3, 4..7), (8, 9, 8..10), (10, 9, 10..10), (0, 0, 0..0)] {
        let read = store.read_stream(&wanted, after, limit).await.expect("the store answers");
        assert_eq!(read, all[expected]);
    }
    assert!(store.read_stream(&wanted, u64::MAX, 9).await.expect("the store answers").is_empty());
    assert!(whole(&*store, &stream("user")).await.is_empty());
}

/// A reader at the head, or one that asks for nothing, stays where it is.
pub async fn beyond_the_head_there_is_nothing<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let start = three_categories(&*store, 1).await;
    let end = head(&*store).await;
    for (after, limit) in [(end, 10), (start, 0)] {
        let page = store.read_all(after, &Filter::All, limit).await.expect("the store answers");
        assert!(page.events.is_empty());
        assert_eq!(page.scanned_to, after);
    }
}

/// Who waits for the head to move is told, on this node and on another.
pub async fn the_head_wakes_who_watches_it<B: Backend>() {
    let backend = B::fresh().await;
    let (here, there) = (backend.store(), backend.another_node().await);
    let mut watchers = [here.watch_head(), there.watch_head()];
    let appended = append(&*here, &stream("user"), 0, events(1)).await.expect("a new stream");
    for (watcher, node) in watchers.iter_mut().zip([&here, &there]) {
        watcher.wait_for(|head| *head >= appended.position).await.expect("the store is there");
        let after = Position::new(appended.position.get() - 1);
        let page = node.read_all(after, &Filter::All, 1).await.expect("the store answers");
        assert_eq!(page.scanned_to, appended.position);
    }
}

/// The newest is kept; an older one of the same format comes too late.
pub async fn a_snapshot_gives_way_to_a_newer_one_or_another_format<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let stream = stream("conversation");
    append(&*store, &stream, 0, events(9)).await.expect("a new stream");
    let snapshot =
        |version, format: &str, data| Snapshot { version, format: format.to_owned(), data: Bytes::from_static(data) };
    assert_eq!(store.load_snapshot(&stream).await, Ok(None));
    let (older, newer) = (snapshot(4, "a", b"four"), snapshot(8, "a", b"eight"));
    for (saved, kept) in [
        (&older, &older),
        (&newer, &newer),
        (&older, &newer),
        (&snapshot(3, "b", b"\x00\xff"), &snapshot(3, "b", b"\x00\xff")),
    ] {
        assert_eq!(store.save_snapshot(&stream, saved.clone()).await, Ok(()));
        assert_eq!(store.load_snapshot(&stream).await, Ok(Some(kept.clone())));
    }
    assert_eq!(store.load_snapshot(&super::stream("conversation")).await, Ok(None));
}
