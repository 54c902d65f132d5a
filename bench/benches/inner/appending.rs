//! Appending to the embedded store: events for one stream each, so many in one transaction, as when so many people send.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput};
use tempfile::TempDir;
use tidings_domain::{
    ConversationId, StreamId, StreamName,
    conversation::{ConversationCommand, ConversationEvent},
};
use tidings_event_store::{Codec, EventStore, Metadata, NewEvent, SqliteEventStore, StreamAppend};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::world::{AT, codec, decided, directory, group, key, message, runtime, user};

/// Files here never reach a disk.
const MEMORY: &str = "/dev/shm";
const MOST: usize = 512;

pub(crate) fn bench(criterion: &mut Criterion) {
    let runtime = runtime();
    let in_memory = tempfile::tempdir_in(MEMORY).expect("a directory in memory");
    for (place, directory) in [("append in memory", in_memory), ("append on disk", directory())] {
        let mut appending = criterion.benchmark_group(place);
        for events in [1, 64, MOST] {
            let mut log = Log::new(&runtime, &directory, events);
            appending.throughput(Throughput::Elements(events as u64)).sample_size(20);
            appending.bench_function(BenchmarkId::from_parameter(events), |bencher| {
                bencher.iter_custom(|times| runtime.block_on(log.append(times)));
            });
            log.store.close();
        }
    }
}

/// A log of so many streams, each of which gets one event at a time.
struct Log {
    store: SqliteEventStore,
    streams: Vec<StreamName>,
    sealed: NewEvent,
    version: u64,
}

impl Log {
    fn new(runtime: &Runtime, directory: &TempDir, streams: usize) -> Self {
        let place = directory.path().join(streams.to_string());
        std::fs::create_dir(&place).expect("a directory");
        let store = open(&place);
        let stream = |number| StreamId::Conversation(ConversationId::new(Uuid::from_u128(number))).name();
        let streams: Vec<_> = (0..streams as u128).map(stream).collect();
        let keys = tempfile::tempdir().expect("a directory");
        let sealed = runtime.block_on(async {
            let codec = codec(&keys).await;
            let event = sent(&codec).await;
            codec.seal(&streams[0], &event, Metadata::default(), None).expect("sealed")
        });
        Self { store, streams, sealed, version: 0 }
    }

    /// One event to each stream, so many times over.
    async fn append(&mut self, times: u64) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let append = |stream: &StreamName| StreamAppend {
                stream: stream.clone(),
                expected_version: self.version,
                events: vec![NewEvent { id: Uuid::now_v7(), ..self.sealed.clone() }],
            };
            let appends = self.streams.iter().map(append).collect();
            let began = Instant::now();
            let outcomes = self.store.append(appends).await;
            took += began.elapsed();
            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
            self.version += 1;
        }
        took
    }
}

fn open(place: &Path) -> SqliteEventStore {
    SqliteEventStore::open(&place.join("events.db"), || AT).expect("an event store")
}

async fn sent(codec: &Codec) -> ConversationEvent {
    let (mut state, _) = group(8, key(codec).await);
    let message = message(user(1), key(codec).await, key(codec).await);
    decided(&mut state, &ConversationCommand::Send(message)).remove(0)
}
