//! What somebody wrote, in conversations so long that it lies in several stretches.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use support::{Backing, World};
use tidings_domain::{ConversationId, MessageId, UserId};
use tidings_projections::model::{ReceivedCursor, ReceivedFilter};

/// Bob speaks all the time, Cleo three times, far apart.
struct Long {
    world: World,
    ada: UserId,
    cleo: UserId,
    group: ConversationId,
    of_cleo: Vec<MessageId>,
}

impl Long {
    async fn new(on: Backing) -> Self {
        let mut world = World::following(on).await;
        let (ada, bob, cleo) = (world.user("ada").await, world.user("bob").await, world.user("cleo").await);
        let group = world.group(ada, &[bob, cleo]).await;
        let mut of_cleo = Vec::new();
        for seq in 1..=700_u64 {
            let by = if matches!(seq, 1 | 255 | 600) { cleo } else { bob };
            let id = world.send(group, by, &format!("number {seq}")).await;
            of_cleo.extend((by == cleo).then_some(id));
        }
        Self { world, ada, cleo, group, of_cleo }
    }
}

async fn what_somebody_wrote_is_found_in_every_stretch_newest_first(on: Backing) {
    let Long { world, ada, cleo, mut of_cleo, .. } = Long::new(on).await;
    let filter = ReceivedFilter { from: Some(cleo), ..ReceivedFilter::default() };
    let queries = world.settled().await;
    let (mut found, mut cursor) = (Vec::new(), None::<ReceivedCursor>);
    loop {
        let page = queries.received(ada, filter, cursor, 2).await.unwrap();
        found.extend(page.items.into_iter().map(|message| message.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    of_cleo.reverse();
    assert_eq!(found, of_cleo);
}

async fn a_message_is_read_by_whoever_wrote_after_it_however_much_later(on: Backing) {
    let Long { world, cleo, of_cleo, group, .. } = Long::new(on).await;
    let queries = world.settled().await;
    let ids = world.message_ids(group);
    for (seq, next) in [(2, of_cleo[1]), (254, of_cleo[1]), (256, of_cleo[2]), (599, of_cleo[2])] {
        let message = ids[seq - 1];
        let sender = world.sender(message);
        let receipts = queries.receipts(sender, message, None, 10).await.unwrap().unwrap().items;
        let read = receipts.iter().find(|receipt| receipt.user.id == cleo).unwrap().read_at;
        let answered = queries.message(sender, next).await.unwrap().unwrap().created_at;
        assert_eq!(read, Some(answered), "{seq}");
    }
    let last = ids[699];
    let receipts = queries.receipts(world.sender(last), last, None, 10).await.unwrap().unwrap().items;
    assert!(receipts.iter().all(|receipt| receipt.user.id != cleo), "{receipts:?}");
}

async fn everything_of_a_closed_account_goes_and_nothing_else(on: Backing) {
    let Long { mut world, ada, cleo, group, of_cleo } = Long::new(on).await;
    world.settled().await;
    world.close(cleo).await;
    let shown = world.all(ada, group, None).await;
    let gone: Vec<_> = shown.iter().rev().filter(|message| message.deleted_at.is_some()).map(|m| m.id).collect();
    assert_eq!((shown.len(), gone), (700, of_cleo));
    world.assert_verified().await;
}

over_both! {
    what_somebody_wrote_is_found_in_every_stretch_newest_first,
    a_message_is_read_by_whoever_wrote_after_it_however_much_later,
    everything_of_a_closed_account_goes_and_nothing_else,
}
