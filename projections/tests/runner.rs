//! The runner: poison, conflicts, what cannot be reached.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use std::sync::atomic::Ordering;

use support::{Backing, PATIENCE, World};
use tidings_event_store::Position;
use tidings_projections::{
    Projection, QueryError, Views,
    model::ConversationAccess,
    runner::{Extent, Log, Pace},
};

/// Spoils the stored form of an event; the function puts it back.
fn spoil(world: &World, position: Position) -> impl FnOnce(&World) + use<> {
    let mut good = None;
    world.memory.tamper(position, |event| {
        good = Some(event.data.clone());
        event.data = bytes::Bytes::from_static(b"{\"not\":\"this\"}");
    });
    move |world| world.memory.tamper(position, |event| event.data = good.unwrap())
}

async fn an_event_that_cannot_be_decoded_parks_its_stream_and_the_others_go_on(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, group) = world.talk(2).await;
    world.settled().await;
    let before = world.memory.last();
    world.send(group, ada, "three").await;
    world.send(group, ada, "four").await;
    let other = world.direct(bob, ada).await;
    let elsewhere = world.send(other, bob, "elsewhere").await;
    let repair = spoil(&world, Position::new(before.get() + 1));
    let queries = world.settled().await;
    assert!(queries.message(ada, elsewhere).await.unwrap().is_some());
    assert_eq!(world.all(bob, group, None).await.len(), 2);
    let status = world.views().status().await.unwrap();
    let parked = &status[1].parked;
    assert_eq!(parked.len(), 2);
    assert_eq!((parked[0].position.get(), parked[0].name.as_str()), (before.get() + 1, "message_sent"));
    assert_eq!((parked[1].version, status[1].lag, status[0].parked.len()), (parked[0].version + 1, 0, 0));

    let pace = world.options.pace;
    let stopped = world.views().rebuild(Projection::Conversations, pace).await.unwrap_err().to_string();
    assert!(stopped.contains(&format!("event {}", before.get() + 1)), "{stopped}");
    assert!(world.views().verify(Projection::Conversations, Extent::all(1), Pace::default()).await.is_err());
    assert_eq!(world.views().retry_parked(Projection::Conversations).await.unwrap(), 0);
    assert_eq!(world.views().status().await.unwrap()[1].parked.len(), 2);

    // parked streams stay parked over a restart
    world.stop().await;
    world.start().await;
    world.send(group, ada, "five").await;
    world.settled().await;
    assert_eq!(world.views().status().await.unwrap()[1].parked.len(), 3);
    repair(&world);
    assert_eq!(world.views().retry_parked(Projection::Conversations).await.unwrap(), 3);
    assert_eq!(world.views().status().await.unwrap()[1].parked, []);
    assert_eq!(world.all(bob, group, None).await.len(), 5);
    assert_eq!(world.views().retry_parked(Projection::Search).await.unwrap(), 3);
    world.assert_verified().await;
}

async fn a_parked_conversation_keeps_its_place_and_fits_in_again(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.settled().await;
    let start = Position::new(world.memory.last().get() + 1);
    let first = world.direct(ada, bob).await;
    let message = world.send(first, ada, "hello").await;
    world.edit(message, ada, "hello again").await;
    let second = world.group(ada, &[bob]).await;
    world.send(second, ada, "hello").await;
    let repair = spoil(&world, start);
    let queries = world.settled().await;
    assert_eq!(queries.conversation(bob, first).await.unwrap(), ConversationAccess::Missing);
    assert_eq!(queries.unread(bob, second).await.unwrap(), 1);
    // the start, the message, and its edit in a stream of its own
    assert_eq!(world.views().status().await.unwrap()[1].parked.len(), 3);
    repair(&world);
    assert_eq!(world.views().retry_parked(Projection::Conversations).await.unwrap(), 3);
    assert_eq!(world.settled().await.unread(bob, first).await.unwrap(), 1);
    // of these an edit must be found to belong to a message that was not there
    assert_eq!(world.views().retry_parked(Projection::Search).await.unwrap(), 3);
    world.assert_verified().await;
}

async fn a_view_is_built_around_poison_when_there_is_none(on: Backing) {
    let mut world = World::new(on);
    let (ada, _, group) = world.talk(3).await;
    let repair = spoil(&world, world.memory.last());
    world.start().await;
    assert_eq!(world.settled().await.unread(ada, group).await.unwrap(), 0);
    assert_eq!(world.all(ada, group, None).await.len(), 2);
    repair(&world);
    for projection in [Projection::Conversations, Projection::Search] {
        world.views().retry_parked(projection).await.unwrap();
    }
    world.assert_verified().await;
}

#[tokio::test]
async fn a_second_projector_is_noticed_and_stopped() {
    let mut world = World::following(Backing::Sqlite).await;
    let (ada, bob, group) = world.talk(1).await;
    world.settled().await;
    let path = world.file("views-conversations-1.db");
    rusqlite::Connection::open(path).unwrap().execute("UPDATE checkpoint SET position = position + 1", []).unwrap();
    world.send(group, ada, "two").await;
    world.memory.announce();
    let mut status = world.views().status().await.unwrap();
    while status[1].error.is_none() {
        tokio::task::yield_now().await;
        status = world.views().status().await.unwrap();
    }
    assert!(status[1].error.as_ref().unwrap().contains("second projector"), "{status:?}");
    let queries = world.views().queries();
    assert_eq!(queries.unread(bob, group).await.unwrap(), 1);
}

async fn an_unreachable_log_is_waited_for_and_parks_nothing(on: Backing) {
    let mut world = World::following(on).await;
    let (_, bob, group) = world.talk(3).await;
    world.memory.failing_reads.store(3, Ordering::Relaxed);
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 3);
    let status = world.views().status().await.unwrap();
    assert_eq!((status[0].error.as_ref(), status[1].error.as_ref()), (None, None));
    assert!(status.iter().all(|projection| projection.parked.is_empty()));
}

async fn questions_wait_for_no_view_that_is_not_there(on: Backing) {
    let mut world = World::new(on);
    let (_, bob, group) = world.talk(1).await;
    world.memory.failing_reads.store(2, Ordering::Relaxed);
    let store = world.place.open().await;
    assert_eq!(store.queries().unread(bob, group).await, Err(QueryError::NotReady));
    let log = Log { store: world.memory.clone(), codec: world.log.codec.clone() };
    let views = Views::start(store, log, world.options).await.unwrap();
    world.memory.announce();
    views.wait_for(world.memory.last(), PATIENCE).await.unwrap();
    assert_eq!(views.queries().unread(bob, group).await, Ok(1));
    let beyond = Position::new(world.memory.last().get() + 1);
    let not_yet = views.wait_for(beyond, std::time::Duration::from_millis(1)).await.unwrap_err();
    assert_eq!((not_yet.wanted, not_yet.reached), (beyond, world.memory.last()));
    views.stop().await;
}

over_both! {
    an_event_that_cannot_be_decoded_parks_its_stream_and_the_others_go_on,
    a_parked_conversation_keeps_its_place_and_fits_in_again,
    a_view_is_built_around_poison_when_there_is_none,
    an_unreachable_log_is_waited_for_and_parks_nothing,
    questions_wait_for_no_view_that_is_not_there,
}
