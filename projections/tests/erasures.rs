//! What was to be erased, and what rules do not keep.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use support::{Backing, World};
use tidings_domain::{
    ConversationId, MessageId, StreamId, Timestamp, UserId,
    conversation::ConversationCommand,
    message::{ErasureReason, MessageAction},
    user::{UserErased, UserEvent},
    values::Retention,
};
use tidings_event_store::Position;
use tidings_projections::{
    Queries,
    model::{Erasure, ExpiryCursor, ExpiryQuestion},
};

fn second() -> Retention {
    Retention::of_seconds(1).unwrap()
}

/// What was asked, of what, why, and whether it is done.
fn summary(erasure: &Erasure) -> (Option<u64>, ErasureReason, bool, bool) {
    assert_eq!(erasure.done_at.is_some(), erasure.receipt.is_some());
    (erasure.message.map(|id| id.seq), erasure.reason, erasure.by.is_some(), erasure.done_at.is_some())
}

async fn what_was_to_be_erased_is_listed_until_it_is_done_and_after(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, group) = world.talk(4).await;
    let ids = world.message_ids(group);
    world.act(ids[0], ada, MessageAction::Delete).await;
    world.act(ids[1], ada, MessageAction::Expire(second())).await;
    world.act(ids[2], ada, MessageAction::Delete).await;
    world.act(ids[0], ada, MessageAction::NoteErased).await;
    world.close(bob).await;
    let queries = world.settled().await;
    let mine = queries.erasures(ada, None, 10).await.unwrap();
    let expected = [
        (Some(3), ErasureReason::DeletedBySender, true, false),
        (Some(2), ErasureReason::Retention, false, false),
        (Some(1), ErasureReason::DeletedBySender, true, true),
    ];
    assert_eq!(mine.items.iter().map(summary).collect::<Vec<_>>(), expected);
    assert_eq!((mine.items[2].message, mine.items[2].user, mine.next), (Some(ids[0]), ada, None));
    let page = queries.erasures(ada, None, 2).await.unwrap();
    let rest = queries.erasures(ada, page.next, 2).await.unwrap();
    assert_eq!((page.items, rest.items, rest.next), (mine.items[..2].to_vec(), mine.items[2..].to_vec(), None));
    let waiting = queries.waiting_erasures(Position::START, 10).await.unwrap();
    assert_eq!(
        waiting.iter().map(|one| (one.user, summary(one).0)).collect::<Vec<_>>(),
        [(ada, Some(2)), (ada, Some(3)), (bob, None)]
    );
    assert_eq!(queries.waiting_erasures(waiting[0].position, 1).await.unwrap(), waiting[1..2]);
    let (at, key) = (world.now(), world.person_key(bob));
    let receipt = UserErased { reason: ErasureReason::AccountClosed, asked_at: at, at, key };
    world.append(StreamId::User(bob), UserEvent::from(receipt)).await;
    for id in &ids[1..3] {
        world.act(*id, ada, MessageAction::NoteErased).await;
    }
    let queries = world.settled().await;
    assert!(queries.waiting_erasures(Position::START, 10).await.unwrap().is_empty());
    let of_bob = queries.erasures(bob, None, 10).await.unwrap().items;
    assert_eq!(of_bob.iter().map(summary).collect::<Vec<_>>(), [(None, ErasureReason::AccountClosed, true, true)]);
    world.assert_verified().await;
}

/// Everything that has expired by then, asked for in pieces of this size.
async fn expired(
    queries: &dyn Queries,
    now: Timestamp,
    of_all: Option<Retention>,
    whole: bool,
    limit: usize,
) -> Vec<MessageId> {
    let (mut after, mut found) = (ExpiryCursor::default(), vec![]);
    loop {
        let asked = ExpiryQuestion { now, of_all, whole, after, limit };
        let page = queries.expired(&asked).await.unwrap();
        assert!(page.messages.len() <= limit);
        found.extend(page.messages.into_iter().map(|(id, _)| id));
        match page.next {
            Some(next) => after = next,
            None => return found,
        }
    }
}

async fn keep(world: &mut World, group: ConversationId, by: UserId, retention: Option<Retention>) {
    let at = world.now();
    assert!(world.command(group, ConversationCommand::KeepFor { by, operates: false, retention, at }).await);
}

async fn what_is_older_than_a_rule_keeps_is_found_from_the_oldest_on(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, first) = world.talk(5).await;
    let second_group = world.group(ada, &[bob]).await;
    for n in 0..4 {
        world.send(second_group, bob, &n.to_string()).await;
    }
    let last = world.group(ada, &[]).await;
    world.send(last, ada, "without a rule").await;
    keep(&mut world, first, ada, Some(second())).await;
    keep(&mut world, second_group, ada, Retention::of_seconds(2).ok()).await;
    let firsts = world.message_ids(first);
    let seconds = world.message_ids(second_group);
    world.act(firsts[2], ada, MessageAction::Delete).await;
    let queries = world.settled().await;
    let queries = queries.as_ref();
    let newest = world.now();
    let alive = [&firsts[..2], &firsts[3..]].concat();
    for limit in [1, 2, 3, 100] {
        assert!(expired(queries, newest, None, true, limit).await.is_empty(), "nothing is a second old");
        assert_eq!(expired(queries, newest.plus_millis(1_500), None, false, limit).await, alive, "limit {limit}");
        let all = [&alive[..], &seconds[..]].concat();
        assert_eq!(expired(queries, newest.plus_millis(2_500), None, false, limit).await, all, "limit {limit}");
        let everything = expired(queries, newest.plus_millis(1_500), Some(second()), false, limit).await;
        assert_eq!(everything.len(), all.len() + 1, "the rule for all counts where it is the shorter, limit {limit}");
        let month = Retention::of_days(30).ok();
        assert_eq!(expired(queries, newest.plus_millis(2_500), month, false, limit).await, all, "limit {limit}");
    }
    // a message between was held, and is found again by a look at the whole
    world.act(firsts[3], ada, MessageAction::Expire(second())).await;
    let queries = world.settled().await;
    let queries = queries.as_ref();
    let later = newest.plus_millis(1_500);
    assert_eq!(expired(queries, later, None, false, 100).await, firsts[4..]);
    assert_eq!(expired(queries, later, None, true, 1).await, [&firsts[..2], &firsts[4..]].concat());
    keep(&mut world, first, ada, None).await;
    assert!(expired(world.settled().await.as_ref(), later, None, true, 100).await.is_empty());
    world.assert_verified().await;
}

over_both! {
    what_was_to_be_erased_is_listed_until_it_is_done_and_after,
    what_is_older_than_a_rule_keeps_is_found_from_the_oldest_on,
}
