//! Folding a thousand messages into the conversations' view: while it is built, and while it serves.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use tidings_domain::ConversationId;
use tidings_event_store::{EventStore, Filter, Position};
use tidings_projections::{
    Projection, SqliteViews,
    runner::{Batch, Generation, OnPoison, ViewStore},
};
use uuid::Uuid;

use crate::world::{World, directory, runtime};

const PEOPLE: usize = 8;
const GROUPS: u128 = 64;
const MESSAGES: usize = 1_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let runtime = runtime();
    let (before, messages) = runtime.block_on(batches());
    let mut folding = criterion.benchmark_group("fold 1,000 messages");
    folding.throughput(Throughput::Elements(MESSAGES as u64)).sample_size(10);
    for (name, serving) in [("into a view that is built", false), ("into a view that serves", true)] {
        folding.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let fold = async {
                    let mut took = Duration::ZERO;
                    for _ in 0..times {
                        took += once(&before, &messages, serving).await;
                    }
                    took
                };
                runtime.block_on(fold)
            });
        });
    }
}

/// What is folded before, and the messages: decoded.
async fn batches() -> (Batch, Batch) {
    let mut world = World::of(PEOPLE).await;
    let id = |number| ConversationId::new(Uuid::from_u128(1 + number));
    for number in 0..GROUPS {
        world.talk(id(number), 1).await;
    }
    let begun = world.store.head().await.expect("a head");
    for number in 0..MESSAGES as u128 {
        world.talk(id(number % GROUPS), 1).await;
    }
    (batch(&world, Position::START, begun).await, batch(&world, begun, world.store.head().await.expect("a head")).await)
}

async fn batch(world: &World, after: Position, to: Position) -> Batch {
    let events = usize::try_from(to.get() - after.get()).expect("few events");
    let page = world.store.read_all(after, &Filter::All, events).await.expect("a page");
    let decoded = world.codec.open_stored(&page.events).await.expect("decoded");
    Batch { after, to, events: decoded.into_iter().map(|event| Ok(event.expect("an event of ours"))).collect() }
}

async fn once(before: &Batch, messages: &Batch, serving: bool) -> Duration {
    let directory = directory();
    let views = SqliteViews::open(directory.path()).expect("views");
    let mut generation = views.begin(Projection::Conversations).await.expect("a generation");
    fold(generation.as_mut(), before).await;
    if serving {
        generation.finish().await.expect("finished");
        views.promote(Projection::Conversations, generation.number(), true).await.expect("serving");
        generation.settle_in().await.expect("settled in");
    }
    let began = Instant::now();
    fold(generation.as_mut(), messages).await;
    began.elapsed()
}

async fn fold(generation: &mut dyn Generation, batch: &Batch) {
    generation.apply(batch, OnPoison::Stop).await.expect("applied");
}
