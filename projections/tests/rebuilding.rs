//! Views built anew and compared with the log.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use support::{Backing, PATIENCE, World};
use tidings_domain::{ConversationId, UserId};
use tidings_projections::{
    Projection,
    model::InboxFilter,
    runner::{Extent, Pace, Share, replay, verify},
};

async fn a_rebuild_serves_from_the_next_generation_and_removes_the_older(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, group) = world.talk(200).await;
    world.settled().await;
    assert_eq!(world.place.generations(), ["conversations-1", "directory-1", "search-1"]);
    let pace = world.options.pace;
    let position = world.views().rebuild(Projection::Conversations, pace).await.unwrap();
    assert_eq!(position, world.memory.last());
    let status = world.views().status().await.unwrap();
    assert_eq!((status[1].generation, status[1].rebuilding), (2, None));
    world.send(group, ada, "after").await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 201);
    assert_eq!(world.place.generations(), ["conversations-2", "directory-1", "search-1"]);
    world.views().rebuild(Projection::Directory, pace).await.unwrap();
    world.assert_verified().await;
    world.stop().await;
    assert_eq!(world.place.generations(), ["conversations-2", "directory-2", "search-1"]);
    world.start().await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 201);
}

/// Ten messages to somebody in a group, and a rebuild as a crash leaves it: begun, and neither finished nor discarded; noted, where
/// somebody asked for it.
async fn interrupted(on: Backing, noted: bool) -> (World, UserId, ConversationId) {
    let mut world = World::following(on).await;
    let (_, bob, group) = world.talk(10).await;
    world.settled().await;
    world.stop().await;
    let store = world.place.open().await;
    store.open(Projection::Conversations).await.unwrap();
    if noted {
        store.want(Projection::Conversations, true).await.unwrap();
    }
    drop(store.begin(Projection::Conversations).await.unwrap());
    (world, bob, group)
}

async fn an_interrupted_rebuild_leaves_the_serving_view_alone(on: Backing) {
    let (mut world, bob, group) = interrupted(on, false).await;
    assert!(world.place.generations().contains(&"conversations-2".to_owned()));
    world.place.deserted().await;
    world.start().await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 10);
    // by whoever folds, as soon as it does
    while world.place.generations() != ["conversations-1", "directory-1", "search-1"] {
        tokio::task::yield_now().await;
    }
    world.assert_verified().await;
}

async fn a_comparison_names_the_row_that_was_tampered_with(on: Backing) {
    let mut world = World::following(on).await;
    world.talk(5).await;
    world.settled().await;
    let forge = "UPDATE messages SET body = 'forged', edited_at = 1 WHERE key & 65535 = 3;
        DELETE FROM messages WHERE key & 65535 = 4;";
    world.place.tamper(
        "conversations-1",
        &format!("{forge} INSERT INTO mentions VALUES (zeroblob(16), 7)"),
        &format!("{forge} INSERT INTO mentions VALUES ('00000000-0000-0000-0000-000000000000', 7)"),
    );
    let found = world.views().verify(Projection::Conversations, Extent::all(10), Pace::default()).await.unwrap();
    assert_eq!((found.differing, found.differences.len()), (3, 3));
    let shown: Vec<_> = found
        .differences
        .iter()
        .map(|row| (row.table.as_str(), row.key.as_str(), row.columns.join(" "), row.in_view, row.in_log))
        .collect();
    let key = |seq: u64| (1_u64 << 32 | seq).to_string();
    assert_eq!(shown[0], ("mentions", "00000000-0000-0000-0000-000000000000, 7", String::new(), true, false));
    assert_eq!(shown[1], ("messages", key(3).as_str(), "body edited_at".to_owned(), true, true));
    assert_eq!(shown[2], ("messages", key(4).as_str(), String::new(), false, true));
    let some = world.views().verify(Projection::Conversations, Extent::all(1), Pace::default()).await.unwrap();
    assert_eq!((some.differing, some.differences.len()), (3, 1));
}

async fn a_sample_names_the_row_that_was_tampered_with(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, _) = world.talk(5).await;
    world.direct(ada, bob).await;
    world.settled().await;
    // so many draws that everything there is comes out
    let everything = Extent::sample(400, 10);
    let verify = async |projection| world.views().verify(projection, everything, Pace::default()).await.unwrap();
    for projection in Projection::ALL {
        let found = verify(projection).await;
        assert_eq!(found.differences, [], "{projection:?}");
        assert!(found.rows > 0);
    }
    let forge =
        "UPDATE messages SET body = 'forged' WHERE key & 65535 = 3; UPDATE members SET mark = 2 WHERE mark = 0;";
    world.place.tamper("conversations-1", forge, forge);
    let of_bob = "UPDATE users SET last_name = 'Forged' WHERE username = 'bob'";
    world.place.tamper("directory-1", of_bob, of_bob);
    let found = verify(Projection::Conversations).await;
    let named: Vec<_> = found.differences.iter().map(|row| (row.table.as_str(), row.columns.join(" "))).collect();
    assert!(named.contains(&("messages", "body".to_owned())), "{named:?}");
    let found = verify(Projection::Directory).await;
    assert_eq!((found.differing, found.differences[0].table.as_str()), (1, "users"), "{found:?}");
    assert_eq!(found.differences[0].key, bob.to_string());

    // what is missing is found in the log, what should not be there in the view
    let gone = "DELETE FROM conversations WHERE number = 1";
    world.place.tamper("conversations-1", gone, gone);
    let found = verify(Projection::Conversations).await;
    let missing = found.differences.iter().find(|row| row.table == "conversations").unwrap();
    assert!(missing.in_log && !missing.in_view, "{missing:?}");
    let status = world.views().status().await.unwrap();
    let verified = status[1].verified.as_ref().unwrap();
    assert!(verified.sampled && verified.found == found, "{verified:?}");
    assert_eq!(status[1].failure, None);
}

async fn a_rebuild_that_a_crash_interrupted_is_begun_again(on: Backing) {
    let (mut world, bob, group) = interrupted(on, true).await;
    world.place.deserted().await;
    world.start().await;
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 10);
    // what was left of it goes, and what is built anew serves
    while world.place.generations() != ["conversations-2", "directory-1", "search-1"]
        && world.place.generations() != ["conversations-3", "directory-1", "search-1"]
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.settled().await.unread(bob, group).await.unwrap(), 10);
    world.assert_verified().await;
    assert_eq!(world.place.open().await.wanted().await.unwrap(), []);
}

async fn what_an_older_release_folded_serves_until_it_is_rebuilt(on: Backing) {
    let mut world = World::following(on).await;
    let (_, bob, group) = world.talk(10).await;
    world.settled().await;
    world.stop().await;
    let older = "substr(value, 1, 33) || '0' WHERE name = 'fingerprint'; UPDATE messages SET body = 'as it was'";
    world.place.tamper(
        "conversations-1",
        &format!("UPDATE about SET value = {older}"),
        "UPDATE tidings_views.generations SET fingerprint = substr(fingerprint, 1, 33) || '0'
            WHERE projection = 'conversations'; UPDATE messages SET body = 'as it was'",
    );
    // one who does not fold rebuilds nothing by itself
    world.options.fold = false;
    world.start().await;
    world.settled().await;
    let shown = world.all(bob, group, None).await;
    assert!(shown.iter().all(|message| message.body.as_deref() == Some("as it was")), "{shown:?}");
    world.stop().await;
    world.place.deserted().await;
    world.options.fold = true;
    world.options.rebuild.share = Share::of_one(0.5);
    world.start().await;
    while world.all(bob, group, None).await.iter().any(|message| message.body.as_deref() == Some("as it was")) {
        tokio::task::yield_now().await;
    }
    world.settled().await;
    world.assert_verified().await;
}

async fn views_are_replayed_and_verified_without_a_server(on: Backing) {
    let mut world = World::new(on);
    world.talk(120).await;
    let store = world.place.open().await;
    let mut seen = Vec::new();
    for projection in Projection::ALL {
        let mut progress = |progress: tidings_projections::model::RebuildProgress| seen.push(progress.position);
        let position = replay(store.as_ref(), &world.log, projection, world.options.pace, &mut progress).await.unwrap();
        assert_eq!(position, world.memory.last());
        let found = verify(store.as_ref(), &world.log, projection, 5, &mut |_| {}).await.unwrap();
        assert_eq!((found.differing, found.position), (0, position));
    }
    assert!(seen.len() > 3);
}

/// What was shown stays shown: readers who ask while one generation takes another's place see neither less than before nor
/// something that is not there yet.
async fn readers_never_go_back_while_generations_take_each_other_s_place(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, group) = world.talk(10).await;
    world.settled().await;
    let views = world.views.take().unwrap();
    let (queries, pace) = (views.queries(), world.options.pace);
    let done = AtomicBool::new(false);
    let rebuilds = async {
        for projection in [Projection::Directory, Projection::Conversations].into_iter().cycle().take(24) {
            views.rebuild(projection, pace).await.unwrap();
        }
        done.store(true, Ordering::Release);
    };
    let acts = async {
        for n in 11_u64.. {
            let user = world.user(&format!("user{n}")).await;
            world.send(group, ada, "more").await;
            world.memory.announce();
            views.wait_for(world.memory.last(), PATIENCE).await.unwrap();
            let (there, unread) = tokio::join!(queries.user(user), queries.unread(bob, group));
            assert!(there.unwrap().is_some(), "the {n}th");
            assert_eq!(unread.unwrap(), n);
            if done.load(Ordering::Acquire) {
                return;
            }
        }
    };
    let asks = (0..4).map(|_| async {
        let mut before = 0;
        while !done.load(Ordering::Acquire) {
            let seen = queries.inbox(bob, InboxFilter::default(), None, 10).await.unwrap().items[0].unread;
            assert!(seen >= before, "{seen} after {before}");
            before = seen;
            tokio::task::yield_now().await;
        }
    });
    tokio::join!(rebuilds, acts, futures::future::join_all(asks));
    world.views = Some(views);
    world.assert_verified().await;
    world.stop().await;
}

over_both! {
    readers_never_go_back_while_generations_take_each_other_s_place,
    a_rebuild_serves_from_the_next_generation_and_removes_the_older,
    an_interrupted_rebuild_leaves_the_serving_view_alone,
    a_comparison_names_the_row_that_was_tampered_with,
    a_sample_names_the_row_that_was_tampered_with,
    a_rebuild_that_a_crash_interrupted_is_begun_again,
    what_an_older_release_folded_serves_until_it_is_rebuilt,
    views_are_replayed_and_verified_without_a_server,
}
