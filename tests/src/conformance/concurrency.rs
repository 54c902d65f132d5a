//! Many writers and many readers at once, on several nodes where the backend has them.

use std::{collections::HashMap, sync::Arc};

use tidings_domain::StreamName;
use tidings_event_store::{AppendError, EventStore, Filter, Position, RecordedEvent};
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use super::{Backend, Dice, append, append_to, event, events, head, log, stream, whole};

const WRITERS: usize = 8;
const EVENTS_OF_EACH: usize = 12_500;

/// Eight writers, each with streams of two categories; readers with pages of any size, who stop, forget all but their
/// saved position and come back. Each sees every event once, in the order of positions, which is that of every stream.
pub async fn no_reader_misses_anything_or_sees_it_twice<B: Backend>() {
    let backend = B::fresh().await;
    let nodes = [backend.store(), backend.another_node().await];
    let start = head(&*nodes[0]).await;
    let (finished, end) = watch::channel(None);
    let users = Filter::Categories(vec!["user"]);
    let readers: Vec<_> = [&Filter::All, &Filter::All, &users, &Filter::All, &users]
        .into_iter()
        .zip(1..)
        .map(|(filter, n)| {
            let reader = Reader { store: Arc::clone(&nodes[n % 2]), filter: filter.clone(), end: end.clone() };
            (filter, tokio::spawn(reader.follow(start, Dice::new(n as u64))))
        })
        .collect();
    let writers: Vec<JoinHandle<_>> =
        (0..WRITERS).map(|n| tokio::spawn(write::<B>(Arc::clone(&nodes[n % 2]), Dice::new(100 + n as u64)))).collect();
    let mut written = HashMap::new();
    let mut last = start;
    for writer in writers {
        let (streams, position) = writer.await.expect("the writer ends well");
        written.extend(streams);
        last = last.max(position);
    }
    finished.send_replace(Some(last));
    for (filter, reader) in readers {
        assert_all_seen(&reader.await.expect("the reader ends well"), filter, &written);
    }
}

/// Fills a user's and a conversation's stream, several appends under way at a time. Tells the ids in each stream and the
/// last position.
async fn write<B: Backend>(store: Arc<dyn EventStore>, mut dice: Dice) -> (Vec<(StreamName, Vec<Uuid>)>, Position) {
    let mut streams = [(stream("user"), Vec::new()), (stream("conversation"), Vec::new())];
    let mut last = Position::START;
    while streams.iter().map(|(_, ids)| ids.len()).sum::<usize>() < EVENTS_OF_EACH {
        let mut appends = Vec::new();
        for _ in 0..dice.roll(16) {
            let (stream, ids) = &mut streams[dice.roll(2) - 1];
            let new = events(dice.roll(20));
            let expected = ids.len() as u64;
            ids.extend(new.iter().map(|event| event.id));
            appends.push(append_to(stream, expected, new));
        }
        for outcome in store.append(appends).await {
            let appended = outcome.expect("nobody else writes to this stream");
            let in_order = appended.position > last || !B::ORDERS_ACROSS_STREAMS;
            assert!(in_order, "one writer's appends stand in the log in their order");
            last = last.max(appended.position);
        }
    }
    (streams.into(), last)
}

struct Reader {
    store: Arc<dyn EventStore>,
    filter: Filter,
    end: watch::Receiver<Option<Position>>,
}

impl Reader {
    async fn follow(mut self, mut saved: Position, mut dice: Dice) -> Vec<Arc<RecordedEvent>> {
        let mut seen = Vec::new();
        let mut head = self.store.watch_head();
        while self.end.borrow().is_none_or(|end| saved < end) {
            let page = self.store.read_all(saved, &self.filter, dice.roll(1000)).await.expect("the store answers");
            if dice.roll(8) == 1 {
                // It went down before it saved anything, and starts again from what it knows.
                head = self.store.watch_head();
                continue;
            }
            let at_head = page.scanned_to == saved;
            saved = page.scanned_to;
            seen.extend(page.events);
            if at_head {
                tokio::select! {
                    moved = head.wait_for(|head| *head > saved) => drop(moved.expect("the store is there")),
                    ended = self.end.changed() => ended.expect("the test is there"),
                }
            }
        }
        seen
    }
}

fn assert_all_seen(seen: &[Arc<RecordedEvent>], filter: &Filter, written: &HashMap<StreamName, Vec<Uuid>>) {
    assert!(seen.is_sorted_by(|a, b| a.position < b.position));
    let mut ids: HashMap<&StreamName, Vec<Uuid>> = HashMap::new();
    for event in seen {
        let of_stream = ids.entry(&event.stream).or_default();
        of_stream.push(event.id);
        assert_eq!(event.version, of_stream.len() as u64);
    }
    let admitted: HashMap<_, _> =
        written.iter().filter(|(stream, _)| filter.admits(stream)).map(|(stream, ids)| (stream, ids.clone())).collect();
    // Not assert_eq: nobody can read a difference of 100,000 ids.
    assert!(ids == admitted, "{} of {} streams differ", differences(&ids, &admitted), admitted.len());
}

fn differences(a: &HashMap<&StreamName, Vec<Uuid>>, b: &HashMap<&StreamName, Vec<Uuid>>) -> usize {
    b.iter().filter(|(stream, ids)| a.get(*stream) != Some(*ids)).count()
}

/// Optimistic concurrency: who is told another version tries again with that, and nothing is lost or doubled.
pub async fn those_who_compete_for_a_stream_all_get_their_turn<B: Backend>() {
    let backend = B::fresh().await;
    let nodes = [backend.store(), backend.another_node().await];
    let contended = stream("conversation");
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let (store, stream) = (Arc::clone(&nodes[n % 2]), contended.clone());
            tokio::spawn(async move {
                let mut version = 0;
                let mut mine = Vec::new();
                while mine.len() < 25 {
                    let new = event();
                    let id = new.id;
                    match append(&*store, &stream, version, vec![new]).await {
                        Ok(appended) => {
                            assert_eq!(appended.version, version + 1);
                            version = appended.version;
                            mine.push((version, id));
                        }
                        Err(AppendError::WrongExpectedVersion { actual }) => version = actual,
                        Err(error @ (AppendError::DuplicateCommand(_) | AppendError::Store(_))) => panic!("{error}"),
                    }
                }
                mine
            })
        })
        .collect();
    let mut all = Vec::new();
    for writer in writers {
        all.extend(writer.await.expect("the writer ends well"));
    }
    all.sort_unstable();
    let read: Vec<_> = whole(&*nodes[0], &contended).await.iter().map(|event| (event.version, event.id)).collect();
    assert_eq!(read, all);
}

/// What the watch tells can be read at once.
pub async fn the_head_is_never_ahead_of_what_can_be_read<B: Backend>() {
    const APPENDS: u64 = 400;
    let backend = B::fresh().await;
    let nodes = [backend.store(), backend.another_node().await];
    let start = head(&*nodes[0]).await;
    let watchers: Vec<_> = nodes
        .iter()
        .map(|node| {
            let node = Arc::clone(node);
            tokio::spawn(async move {
                let (mut at, mut seen) = (start, 0);
                let mut watch = node.watch_head();
                while seen < APPENDS {
                    let told = *watch.wait_for(|head| *head > at).await.expect("the store is there");
                    assert!(head(&*node).await >= told);
                    let page = node.read_all(at, &Filter::All, usize::MAX).await.expect("the store answers");
                    assert!(page.scanned_to >= told);
                    at = page.scanned_to;
                    seen += page.events.len() as u64;
                }
                seen
            })
        })
        .collect();
    let stream = stream("user");
    for version in 0..APPENDS {
        let appended = append(&*nodes[0], &stream, version, events(1)).await.expect("nobody else writes");
        assert_eq!(log(&*nodes[0], Position::new(appended.position.get() - 1), &Filter::All, 9).await.len(), 1);
    }
    for watcher in watchers {
        assert_eq!(watcher.await.expect("the watcher ends well"), APPENDS);
    }
}
