//! What people ask most: a page of an inbox, pages of messages, what is unread.

use std::{sync::Arc, time::Duration};

use criterion::Criterion;
use tidings_domain::ConversationId;
use tidings_event_store::EventStore;
use tidings_projections::{
    Options, Projection, SqliteViews, Views,
    model::{InboxFilter, MessageAnchor},
    runner::Log,
};
use uuid::Uuid;

use crate::world::{World, runtime, user};

const PEOPLE: usize = 8;
/// Each with as many messages.
const GROUPS: u128 = 64;
/// In the longest of them.
const MESSAGES: usize = 10_000;
const PAGE: usize = 50;
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn bench(criterion: &mut Criterion) {
    let runtime = runtime();
    let long = ConversationId::new(Uuid::from_u128(1));
    let (world, views) = runtime.block_on(followed(long));
    let (queries, viewer) = (views.queries(), user(1));
    let mut asking = criterion.benchmark_group("ask");
    asking.bench_function("inbox, a page of 50", |bencher| {
        bencher.to_async(&runtime).iter(|| queries.inbox(viewer, InboxFilter::default(), None, PAGE));
    });
    for (name, anchor) in [
        ("messages, the newest 50 of 10,000", MessageAnchor::Newest),
        ("messages, 50 in the middle of 10,000", MessageAnchor::Before(MESSAGES as u64 / 2)),
    ] {
        asking.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter(|| queries.messages(viewer, long, anchor, None, PAGE));
        });
    }
    asking.bench_function("unread in 64 conversations", |bencher| {
        bencher.to_async(&runtime).iter(|| queries.unread_summary(viewer));
    });
    runtime.block_on(views.stop());
    drop(world);
}

/// Views of a log with one long conversation and many short ones.
async fn followed(long: ConversationId) -> (World, Views) {
    let mut world = World::of(PEOPLE).await;
    world.talk(long, MESSAGES).await;
    for number in 1..GROUPS {
        world.talk(ConversationId::new(Uuid::from_u128(1 + number)), 64).await;
    }
    let head = world.store.head().await.expect("a head");
    let store = SqliteViews::open(world.directory.path()).expect("views");
    let log = Log { store: world.store.clone(), codec: world.codec.clone() };
    let views = Views::start(Arc::new(store), log, Options::default()).await.expect("views that follow");
    for projection in Projection::ALL {
        views.wait_for_view(projection, head, PATIENCE).await.expect("views at the head");
    }
    (world, views)
}
