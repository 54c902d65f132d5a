//! What people see of messages.

mod support;

use support::{Backing, World};
use tidings_domain::{message::MessageAction, reader::ReaderAction};
use tidings_projections::model::{
    Message,
    MessageAnchor::{After, Around, Before, Newest},
    Reaction, ReceivedCursor, ReceivedFilter,
};

fn seqs(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.id.seq).collect()
}

async fn a_page_is_newest_first_on_every_side_of_its_anchor(on: Backing) {
    let mut world = World::following(on).await;
    let (_, bob, group) = world.talk(10).await;
    let queries = world.settled().await;
    let page = async |anchor, limit| {
        let page = queries.messages(bob, group, anchor, None, limit).await.unwrap().unwrap();
        (seqs(&page.items), page.next)
    };
    assert_eq!(page(Newest, 3).await, (vec![10, 9, 8], Some(Before(8))));
    assert_eq!(page(Before(8), 3).await, (vec![7, 6, 5], Some(Before(5))));
    assert_eq!(page(Before(3), 3).await, (vec![2, 1], None));
    assert_eq!(page(After(5), 3).await, (vec![8, 7, 6], Some(After(8))));
    assert_eq!(page(After(8), 3).await, (vec![10, 9], None));
    assert_eq!(page(Around(5), 4).await, (vec![7, 6, 5, 4], Some(Before(4))));
    assert_eq!(page(Around(10), 4).await, (vec![10, 9, 8, 7], Some(Before(7))));
    assert_eq!(page(Around(1), 1).await, (vec![1], None));
    assert_eq!(page(Newest, 10).await.1, None);
    assert_eq!(page(Before(1), 5).await, (vec![], None));
    let stranger = world.user("stranger").await;
    let queries = world.settled().await;
    assert_eq!(queries.messages(stranger, group, Newest, None, 5).await.unwrap(), None);
}

async fn pages_are_stable_while_messages_arrive(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, group) = world.talk(10).await;
    let (mut anchor, mut shown) = (Newest, Vec::new());
    loop {
        let queries = world.settled().await;
        let page = queries.messages(bob, group, anchor, None, 3).await.unwrap().unwrap();
        shown.extend(seqs(&page.items));
        let Some(next) = page.next else { break };
        anchor = next;
        world.send(group, ada, "another").await;
    }
    assert_eq!(shown, (1..=10).rev().collect::<Vec<_>>());
}

async fn a_message_deleted_for_everyone_is_a_tombstone_and_one_hidden_is_gone_for_one(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, group) = world.talk(3).await;
    let ids = world.message_ids(group);
    world.edit(ids[0], ada, "changed").await;
    world.react(ids[0], bob, "👍").await;
    world.act(ids[0], ada, MessageAction::Pin).await;
    world.act(ids[0], ada, MessageAction::Delete).await;
    world.read(group, bob, ReaderAction::Hide(2)).await;
    let queries = world.settled().await;
    let tombstone = queries.message(bob, ids[0]).await.unwrap().unwrap();
    assert_eq!((tombstone.body, tombstone.subject, tombstone.pinned, tombstone.read), (None, None, false, true));
    assert_eq!((tombstone.reactions, tombstone.edited_at.is_some()), (vec![], true));
    assert!(tombstone.deleted_at.is_some());
    assert_eq!(queries.history(bob, ids[0]).await.unwrap(), Some(vec![]));
    assert_eq!(queries.message(bob, ids[1]).await.unwrap(), None);
    assert!(queries.message(ada, ids[1]).await.unwrap().is_some());
    assert_eq!(seqs(&world.all(bob, group, None).await), [3, 1]);
    assert_eq!(queries.unread(bob, group).await.unwrap(), 1);
    let places = [(group, 1), (group, 2), (group, 3), (group, 4)];
    let several = queries.messages_at(bob, &places).await.unwrap();
    let shown: Vec<_> = several.iter().map(|message| message.as_ref().map(|message| message.id.seq)).collect();
    assert_eq!(shown, [Some(1), None, Some(3), None]);
    let mut wrong = ids[2];
    wrong.version += 1;
    assert_eq!(queries.message(bob, wrong).await.unwrap(), None);
}

async fn a_message_shows_edits_reactions_replies_and_mentions(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, group) = world.talk(1).await;
    let first = world.message_ids(group)[0];
    let reply = world.send_with(group, bob, "@ada yes", Some(1), vec![ada]).await;
    world.react(first, bob, "🎉").await;
    world.react(first, bob, "👍").await;
    world.react(first, ada, "👍").await;
    world.edit(first, ada, "better").await;
    world.edit(first, ada, "best").await;
    world.act(first, bob, MessageAction::Unreact(tidings_domain::values::Emoji::parse("🎉").unwrap())).await;
    let queries = world.settled().await;
    let shown = queries.message(ada, first).await.unwrap().unwrap();
    assert_eq!(shown.reactions, [Reaction { emoji: "👍".to_owned(), count: 2, mine: true }]);
    assert_eq!(shown.body.as_deref(), Some("best"));
    let history = queries.history(bob, first).await.unwrap().unwrap();
    let said: Vec<_> = history.iter().map(|version| version.body.as_deref().unwrap()).collect();
    assert_eq!(said, ["message 1", "better", "best"]);
    assert_eq!((history[0].at, Some(history[2].at)), (shown.created_at, shown.edited_at));
    let answered = queries.message(ada, reply).await.unwrap().unwrap();
    assert_eq!(answered.reply_to, Some(first));
    assert_eq!(answered.mentions[0].username.as_deref(), Some("ada"));
    assert_eq!(queries.history(bob, reply).await.unwrap().unwrap().len(), 1);
}

async fn receipts_come_from_marks_single_reading_and_answers(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (cleo, dan, eve) = (world.user("cleo").await, world.user("dan").await, world.user("eve").await);
    let group = world.group(ada, &[bob, cleo, dan, eve]).await;
    let message = world.send(group, ada, "hello").await;
    world.send(group, ada, "hello again").await;
    world.read(group, bob, ReaderAction::DeliveredUpTo(1)).await;
    world.read(group, bob, ReaderAction::DeliveredUpTo(2)).await;
    world.read(group, bob, ReaderAction::ReadUpTo(2)).await;
    world.read(group, cleo, ReaderAction::MarkRead(1)).await;
    world.read(group, cleo, ReaderAction::ReadUpTo(2)).await;
    let answer = world.send(group, dan, "an answer").await;
    let queries = world.settled().await;
    let first = queries.receipts(ada, message, None, 2).await.unwrap().unwrap();
    let second = queries.receipts(ada, message, first.next, 2).await.unwrap().unwrap();
    let receipts: Vec<_> = first.items.into_iter().chain(second.items).collect();
    let names: Vec<_> = receipts.iter().filter_map(|receipt| receipt.user.username.as_deref()).collect();
    assert_eq!((names, second.next), (vec!["bob", "cleo", "dan"], None));
    assert!(receipts[0].delivered_at < receipts[0].read_at.unwrap());
    assert_eq!(Some(receipts[1].delivered_at), receipts[1].read_at);
    let answered = queries.message(ada, answer).await.unwrap().unwrap().created_at;
    assert_eq!((receipts[2].delivered_at, receipts[2].read_at), (answered, Some(answered)));
}

async fn received_is_all_that_others_sent_newest_first_over_all_conversations(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, cleo) = (world.user("ada").await, world.user("bob").await, world.user("cleo").await);
    let with_bob = world.direct(ada, bob).await;
    let group = world.group(bob, &[cleo]).await;
    world.send(group, cleo, "before ada came").await;
    world.add(group, bob, ada).await;
    let mut expected = Vec::new();
    for n in 0..6 {
        expected.push(world.send(with_bob, bob, &format!("direct {n}")).await);
        expected.push(world.send(group, cleo, &format!("cleo {n}")).await);
        expected.push(world.send(group, bob, &format!("bob {n}")).await);
        world.send(group, ada, "my own").await;
    }
    expected.reverse();
    let hidden = expected.remove(4);
    world.read(hidden.conversation, ada, ReaderAction::Hide(hidden.seq)).await;
    let filtered = async |world: &World, filter| {
        let (mut shown, mut cursor) = (Vec::new(), None::<ReceivedCursor>);
        loop {
            let queries = world.settled().await;
            let page = queries.received(ada, filter, cursor, 4).await.unwrap();
            shown.extend(page.items.iter().map(|message| message.id));
            cursor = page.next;
            if cursor.is_none() {
                return shown;
            }
        }
    };
    assert_eq!(filtered(&world, ReceivedFilter::default()).await, expected);
    let of_cleo = ReceivedFilter { from: Some(cleo), ..ReceivedFilter::default() };
    let wanted: Vec<_> = expected.iter().filter(|id| world.sender(**id) == cleo).copied().collect();
    assert_eq!(filtered(&world, of_cleo).await, wanted);
    // ada's own messages in the group read it up to there
    let unread = ReceivedFilter { unread: Some(true), ..ReceivedFilter::default() };
    let wanted: Vec<_> = expected.iter().filter(|id| id.conversation == with_bob).copied().collect();
    assert_eq!(filtered(&world, unread).await, wanted);
    let time = world.settled().await.message(ada, expected[9]).await.unwrap().unwrap().created_at;
    let since = ReceivedFilter { since: Some(time), ..ReceivedFilter::default() };
    assert_eq!(filtered(&world, since).await, expected[..=9]);
    let until = ReceivedFilter { until: Some(time), ..ReceivedFilter::default() };
    assert_eq!(filtered(&world, until).await, expected[10..]);
}

async fn received_is_stable_while_messages_arrive(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, group) = world.talk(9).await;
    let direct = world.direct(ada, bob).await;
    world.send(direct, ada, "one more").await;
    let (mut shown, mut cursor) = (Vec::new(), None::<ReceivedCursor>);
    loop {
        let queries = world.settled().await;
        let page = queries.received(bob, ReceivedFilter::default(), cursor, 3).await.unwrap();
        shown.extend(page.items.iter().map(|message| (message.id.conversation == group, message.id.seq)));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        world.send(direct, ada, "and more").await;
        world.send(group, ada, "and more").await;
    }
    let mut expected = vec![(false, 1)];
    expected.extend((1..=9).rev().map(|seq| (true, seq)));
    assert_eq!(shown, expected);
}

over_both! {
    a_page_is_newest_first_on_every_side_of_its_anchor,
    pages_are_stable_while_messages_arrive,
    a_message_deleted_for_everyone_is_a_tombstone_and_one_hidden_is_gone_for_one,
    a_message_shows_edits_reactions_replies_and_mentions,
    receipts_come_from_marks_single_reading_and_answers,
    received_is_all_that_others_sent_newest_first_over_all_conversations,
    received_is_stable_while_messages_arrive,
}
