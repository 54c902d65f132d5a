//! Several nodes over one database: who folds, who follows, and what a lost node or server leaves.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use std::{sync::Arc, time::Instant};

use sqlx::{Connection, PgConnection};
use support::{Backing, PATIENCE, World};
use tidings_event_store::{Position, database::DatabaseUrl};
use tidings_projections::{
    Options, PostgresViews, Projection, Views,
    model::InboxFilter,
    runner::{Extent, Log, OnPoison, Opened, Pace, ViewStore},
};
use tidings_tests::{app::until, postgres::Cluster};

/// A node more, over the same log and views.
async fn node(world: &World, options: Options) -> Views {
    Views::start(world.place.open().await, world.log.clone(), options).await.unwrap()
}

/// Ends the sessions that hold a lease, as a node does that is gone.
fn kill_projectors(world: &World) {
    world.place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM
         pg_database WHERE datname = current_database())",
    );
}

async fn shows(views: &Views, position: Position) {
    if let Err(not_yet) = views.wait_for(position, PATIENCE).await {
        panic!("{not_yet}: {:?}", views.status().await);
    }
}

#[tokio::test]
async fn a_node_that_does_not_fold_sees_what_another_one_does() {
    let mut world = World::following(Backing::Postgres).await;
    let (ada, bob, group) = world.talk(20).await;
    let reader = node(&world, Options { fold: false, ..world.options }).await;
    world.memory.announce();
    shows(&reader, world.memory.last()).await;
    assert_eq!(reader.queries().unread(bob, group).await.unwrap(), 20);
    world.send(group, ada, "one more").await;
    world.memory.announce();
    shows(&reader, world.memory.last()).await;
    assert_eq!(reader.queries().unread(bob, group).await.unwrap(), 21);
    let status = reader.status().await.unwrap();
    assert_eq!((status[1].generation, status[1].lag, status[1].error.as_ref()), (1, 0, None));

    // the swap reaches it, asked for there or here
    let pace = world.options.pace;
    world.views().rebuild(Projection::Conversations, pace).await.unwrap();
    assert_eq!(reader.queries().unread(bob, group).await.unwrap(), 21);
    reader.rebuild(Projection::Conversations, pace).await.unwrap();
    assert_eq!(reader.verify(Projection::Conversations, Extent::all(5), Pace::default()).await.unwrap().differing, 0);
    world.send(group, ada, "after the swap").await;
    world.memory.announce();
    shows(&reader, world.memory.last()).await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 22);
    assert_eq!(reader.queries().unread(bob, group).await.unwrap(), 22);
    assert_eq!(world.place.generations(), ["conversations-3", "directory-1", "search-1"]);
    world.assert_verified().await;
    reader.stop().await;
}

#[tokio::test]
async fn of_two_projectors_one_folds_and_the_other_takes_over() {
    let mut world = World::following(Backing::Postgres).await;
    let second = node(&world, world.options).await;
    let (ada, bob, group) = world.talk(30).await;
    world.settled().await;
    shows(&second, world.memory.last()).await;
    world.stop().await;
    world.send(group, ada, "somebody else folds this").await;
    world.memory.announce();
    shows(&second, world.memory.last()).await;
    assert_eq!(second.queries().unread(bob, group).await.unwrap(), 31);
    for projection in Projection::ALL {
        assert_eq!(second.verify(projection, Extent::all(5), Pace::default()).await.unwrap().differing, 0);
    }
    second.stop().await;
}

#[tokio::test]
async fn a_projector_that_is_cut_off_again_and_again_loses_and_repeats_nothing() {
    let mut world = World::following(Backing::Postgres).await;
    let second = node(&world, world.options).await;
    let (ada, bob, group) = world.talk(5).await;
    for round in 0..4 {
        for n in 0..40 {
            world.send(group, ada, &format!("{round} {n}")).await;
            world.memory.announce();
            if n == 20 {
                kill_projectors(&world);
                world.place.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'",
                );
            }
        }
    }
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 165);
    shows(&second, world.memory.last()).await;
    assert_eq!(second.queries().unread(bob, group).await.unwrap(), 165);
    world.assert_verified().await;
    second.stop().await;
}

#[tokio::test]
async fn a_projector_without_the_lease_cannot_store_anything() {
    let mut world = World::following(Backing::Postgres).await;
    let (ada, _, group) = world.talk(3).await;
    world.settled().await;
    let store = world.place.open().await;
    let Opened::Serving(mut stale) = store.open(Projection::Conversations).await.unwrap() else { panic!() };
    world.send(group, ada, "folded by the one that has the lease").await;
    world.settled().await;
    let batch = tidings_projections::runner::Batch {
        after: stale.position(),
        to: world.memory.last(),
        events: decoded(&world.log, stale.position()).await,
    };
    let refused = stale.apply(&batch, OnPoison::Park).await.unwrap_err().to_string();
    assert!(refused.contains("second projector"), "{refused}");
    world.assert_verified().await;
}

async fn decoded(
    log: &Log,
    after: Position,
) -> Vec<Result<tidings_event_store::DecodedEvent, tidings_projections::runner::Poison>> {
    let page = log.store.read_all(after, &tidings_event_store::Filter::All, 100).await.unwrap();
    let opened = log.codec.open_all(&page.events).await.unwrap();
    opened.into_iter().map(|outcome| Ok(outcome.unwrap())).collect()
}

#[tokio::test]
async fn views_go_on_when_the_server_comes_back() {
    let cluster = Cluster::start();
    cluster.sql("postgres", "CREATE DATABASE views");
    let url = DatabaseUrl::parse("TIDINGS_VIEWS", &cluster.url("views")).unwrap();
    let mut world = World::new(Backing::Sqlite);
    let (ada, bob, group) = world.talk(10).await;
    let store = Arc::new(PostgresViews::open(url, None).await.unwrap());
    let views = Views::start(store, world.log.clone(), world.options).await.unwrap();
    world.memory.announce();
    shows(&views, world.memory.last()).await;
    cluster.kill();
    assert!(views.queries().unread(bob, group).await.is_err());
    world.send(group, ada, "written while the views are away").await;
    world.memory.announce();
    cluster.start_again();
    shows(&views, world.memory.last()).await;
    assert_eq!(views.queries().unread(bob, group).await.unwrap(), 11);
    assert_eq!(views.verify(Projection::Conversations, Extent::all(5), Pace::default()).await.unwrap().differing, 0);
    views.stop().await;
}

#[tokio::test]
async fn what_a_server_lost_is_not_shown_before_it_is_folded_again() {
    let cluster = Cluster::start();
    cluster.sql("postgres", "CREATE DATABASE views");
    let url = DatabaseUrl::parse("TIDINGS_VIEWS", &cluster.url("views")).unwrap();
    let mut world = World::new(Backing::Sqlite);
    let (_, bob, group) = world.talk(10).await;
    let store = Arc::new(PostgresViews::open(url, None).await.unwrap());
    let views = Views::start(store, world.log.clone(), world.options).await.unwrap();
    world.memory.announce();
    shows(&views, world.memory.last()).await;
    assert_eq!(views.queries().unread(bob, group).await.unwrap(), 10);
    // nobody folds on
    views.stop().await;
    cluster.sql("views", "UPDATE tidings_views.generations SET position = position - 1");
    cluster.kill();
    cluster.start_again();
    assert!(views.queries().unread(bob, group).await.is_err());
    cluster.sql("views", "UPDATE tidings_views.generations SET position = position + 1");
    assert_eq!(views.queries().unread(bob, group).await.unwrap(), 10);
}

#[tokio::test]
async fn reads_go_to_a_replica_and_come_back_when_it_is_gone() {
    let cluster = Cluster::start();
    cluster.sql("postgres", "CREATE DATABASE views");
    let url = |of: &Cluster| DatabaseUrl::parse("TIDINGS_VIEWS", &of.url("views")).unwrap();
    let mut world = World::new(Backing::Sqlite);
    let (ada, bob, group) = world.talk(10).await;
    let replica = cluster.replica();
    let store = Arc::new(PostgresViews::open(url(&cluster), Some(url(&replica))).await.unwrap());
    let views = Views::start(store, world.log.clone(), world.options).await.unwrap();
    let asked = "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%members%' AND pid <> pg_backend_pid()";
    let (began, mut sent) = (Instant::now(), 10);
    // while it is behind what was shown, questions go elsewhere
    while sent < 15 || replica.sql("views", asked) != "t" {
        assert!(began.elapsed() < PATIENCE, "no question goes to the replica");
        world.send(group, ada, "seen through the replica").await;
        sent += 1;
        world.memory.announce();
        shows(&views, world.memory.last()).await;
        assert_eq!(views.queries().unread(bob, group).await.unwrap(), sent);
    }
    replica.kill();
    assert_eq!(views.queries().unread(bob, group).await.unwrap(), sent);
    world.send(group, ada, "without the replica").await;
    world.memory.announce();
    shows(&views, world.memory.last()).await;
    assert_eq!(views.queries().unread(bob, group).await.unwrap(), sent + 1);
    views.stop().await;
}

#[tokio::test]
async fn a_right_that_was_given_back_is_free_at_once() {
    let database = Cluster::shared().create_database();
    let url = DatabaseUrl::parse("TIDINGS_VIEWS", &database.url()).unwrap();
    let store = PostgresViews::open(url, None).await.unwrap();
    // a connection that is there already: nothing gives the other one time to end
    let mut db = PgConnection::connect(&database.url()).await.unwrap();
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM
        pg_database WHERE datname = current_database())";
    for _ in 0..5 {
        let right = store.rebuilding(Projection::Search).await.unwrap().expect("nobody has it");
        assert_eq!(sqlx::query_scalar::<_, i64>(held).fetch_one(&mut db).await.unwrap(), 1);
        right.give_back().await;
        assert_eq!(sqlx::query_scalar::<_, i64>(held).fetch_one(&mut db).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn erased_text_leaves_the_tables() {
    let mut world = World::following(Backing::Postgres).await;
    let (ada, _, group) = world.talk(5).await;
    let secret = world.send(group, ada, "the treasure is under the oak").await;
    world.settled().await;
    world.act(secret, ada, tidings_domain::message::MessageAction::Delete).await;
    world.settled().await;
    // what is known without looking may be of before: the sessions of a server tell their numbers once a second
    let clean = "ANALYZE tidings_views_conversations_1.messages;
        SELECT vacuum_count > 0 AND n_dead_tup = 0 FROM pg_stat_user_tables WHERE relname = 'messages'";
    until("nothing of it is left", async || world.place.sql(clean) == "t").await;
    let tombstones =
        "SELECT count(*) FROM tidings_views_conversations_1.messages WHERE deleted_at IS NOT NULL AND body IS NULL";
    assert_eq!(world.place.sql(tombstones), "1");
}

/// Whoever asks may go away at any moment; the connection they asked on is somebody else's then, and must show the present.
#[tokio::test]
async fn questions_that_are_given_up_leave_no_moment_behind() {
    let mut world = World::following(Backing::Postgres).await;
    let (ada, bob, group) = world.talk(1).await;
    let queries = world.settled().await;
    let mut sent = 1;
    for polls in 0..30 {
        let asked = (0..16).map(|_| queries.inbox(bob, InboxFilter::default(), None, 10));
        let patience = async {
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = futures::future::join_all(asked) => {}
            () = patience => {}
        }
        // the first question on a connection would begin its moment
        for _ in 0..2 {
            world.send(group, ada, "more").await;
            sent += 1;
            world.settled().await;
            let unread = futures::future::join_all((0..32).map(|_| queries.unread(bob, group))).await;
            assert!(unread.iter().all(|seen| *seen.as_ref().unwrap() == sent), "{sent}: {unread:?}");
        }
    }
    world.stop().await;
}
