//! Sealing a message, and opening it again from what is stored.

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput};
use tidings_domain::{
    ConversationId, StreamId,
    conversation::{ConversationCommand, ConversationEvent},
};
use tidings_event_store::{EventStore, Filter, Metadata, Position, RecordedEvent};
use uuid::Uuid;

use crate::world::{World, decided, directory, group, key, message, runtime, user};

const PAGE: usize = 1_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut sealing = criterion.benchmark_group("seal");
    sealing.throughput(Throughput::Elements(1));
    let directory = directory();
    let (codec, event) = runtime.block_on(async {
        let codec = crate::world::codec(&directory).await;
        let (mut state, _) = group(8, key(&codec).await);
        let message = message(user(1), key(&codec).await, key(&codec).await);
        (codec, decided(&mut state, &ConversationCommand::Send(message)).remove(0))
    });
    let stream = StreamId::Conversation(ConversationId::new(Uuid::from_u128(1))).name();
    sealing.bench_function("one message", |bencher| {
        bencher.iter(|| codec.seal(&stream, black_box(&event), Metadata::default(), None));
    });
    sealing.bench_function("take a key", |bencher| bencher.to_async(&runtime).iter(|| key(&codec)));

    let (world, events) = runtime.block_on(written());
    sealing.bench_function("open one message", |bencher| {
        let last = events.last().expect("a message");
        bencher.to_async(&runtime).iter(|| world.codec.open::<ConversationEvent>(black_box(last), |_| true));
    });
    sealing.throughput(Throughput::Elements(PAGE as u64)).sample_size(20);
    sealing.bench_function("open a page of 1,000", |bencher| {
        bencher.to_async(&runtime).iter(|| world.codec.open_stored(black_box(&events)));
    });
}

/// A log that ends with a page of messages, and that page.
async fn written() -> (World, Vec<Arc<RecordedEvent>>) {
    let mut world = World::of(8).await;
    world.talk(ConversationId::new(Uuid::from_u128(1)), PAGE).await;
    let head = world.store.head().await.expect("a head");
    let before = Position::new(head.get() - PAGE as u64);
    let page = world.store.read_all(before, &Filter::All, PAGE).await.expect("a page");
    (world, page.events)
}
