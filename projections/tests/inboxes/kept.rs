//! What is shown from memory stays there until it changes, and no longer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tidings_domain::{ConversationId, message::MessageAction};
use tidings_projections::{
    Queries,
    model::{InboxFilter, InboxPage},
};

use crate::support::{Backing, World};

#[tokio::test]
async fn what_is_shown_is_kept_until_something_of_it_is_touched() {
    let mut world = World::following(Backing::Sqlite).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (group, other) = (world.group(ada, &[bob]).await, world.group(ada, &[bob]).await);
    world.send(group, ada, "one").await;
    let queries = world.settled().await;
    let page =
        |queries: Arc<dyn Queries>| async move { queries.inbox_page(bob, InboxFilter::default(), 10).await.unwrap() };
    let first = page(queries.clone()).await;
    assert!(Arc::ptr_eq(&first, &page(queries.clone()).await));
    // what concerns others leaves it alone
    let cleo = world.user("cleo").await;
    let elsewhere = world.group(cleo, &[ada]).await;
    world.send(elsewhere, cleo, "elsewhere").await;
    world.settled().await;
    assert!(Arc::ptr_eq(&first, &page(queries.clone()).await));
    // and of what concerns it, only that is read again
    world.send(other, ada, "two").await;
    let second = page(world.settled().await).await;
    assert!(!Arc::ptr_eq(&first, &second));
    let of = |page: &Arc<InboxPage>, id: ConversationId| {
        page.what.items.iter().find(|item| item.what.id == id).unwrap().clone()
    };
    assert!(Arc::ptr_eq(&of(&first, group), &of(&second, group)));
    assert_eq!(of(&second, other).what.unread, 1);
}

#[tokio::test]
async fn what_was_erased_leaves_memory_before_anybody_is_told() {
    let mut world = World::following(Backing::Sqlite).await;
    let (ada, bob, group) = world.talk(3).await;
    let secret = world.send(group, ada, "the treasure is under the oak").await;
    for closes in [false, true] {
        let page = world.settled().await.inbox_page(bob, InboxFilter::default(), 10).await.unwrap();
        page.form(|_| Ok::<_, ()>(b"the treasure is under the oak".to_vec())).unwrap();
        let (whole, item) = (Arc::downgrade(&page), Arc::downgrade(&page.what.items[0]));
        drop(page);
        assert!(whole.upgrade().is_some() && item.upgrade().is_some(), "it is kept");
        if closes {
            world.close(ada).await;
        } else {
            world.act(secret, ada, MessageAction::Delete).await;
        }
        world.settled().await;
        assert!(whole.upgrade().is_none() && item.upgrade().is_none(), "nobody has asked again");
    }
}

/// While one folds as fast as it can, what is shown from memory never lies behind what was shown before.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_shown_from_memory_never_goes_back() {
    let mut world = World::following(Backing::Sqlite).await;
    let (ada, bob, group) = world.talk(1).await;
    let queries = world.settled().await;
    let done = Arc::new(AtomicBool::new(false));
    let asks = |nth: u64| {
        let (queries, done) = (queries.clone(), done.clone());
        tokio::spawn(async move {
            let mut before = 0;
            while !done.load(Ordering::Acquire) {
                let unread = if nth.is_multiple_of(2) {
                    queries.unread_counts(bob).await.unwrap().what.total
                } else {
                    queries.inbox_page(bob, InboxFilter::default(), 10).await.unwrap().what.items[0].what.unread
                };
                assert!(unread >= before, "{unread} after {before}");
                before = unread;
                let read = queries.unread(bob, group).await.unwrap();
                assert!(read >= before, "{read} after {before}");
                before = read;
                tokio::task::yield_now().await;
            }
        })
    };
    let asking: Vec<_> = (0..4).map(asks).collect();
    for n in 0..300 {
        world.send(group, ada, &format!("message {n}")).await;
        world.memory.announce();
        tokio::task::yield_now().await;
    }
    assert_eq!(world.settled().await.unread_counts(bob).await.unwrap().what.total, 301);
    done.store(true, Ordering::Release);
    for asks in asking {
        asks.await.unwrap();
    }
}
