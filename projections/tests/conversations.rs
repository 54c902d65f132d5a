//! What people see of conversations: the inbox, members, unread counts.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use support::{Backing, World};
use tidings_domain::{
    ConversationId,
    conversation::{ConversationCommand, ConversationKind, MemberRole},
    message::MessageAction,
    reader::ReaderAction,
};
use tidings_projections::model::{ConversationAccess, InboxFilter, MemberCursor};

async fn a_conversation_is_shown_as_its_viewer_stands_in_it(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, cleo) = (world.user("ada").await, world.user("bob").await, world.user("cleo").await);
    let group = world.group(ada, &[bob]).await;
    world.send(group, ada, "one").await;
    let last = world.send(group, ada, "two").await;
    let queries = world.settled().await;

    let ConversationAccess::Member(seen) = queries.conversation(bob, group).await.unwrap() else { panic!() };
    assert_eq!((seen.kind, seen.name.as_deref()), (ConversationKind::Group, Some("the group")));
    assert_eq!((seen.my_role, seen.member_count, seen.unread), (Some(MemberRole::Member), 2, 2));
    assert_eq!((seen.read_up_to, seen.muted, seen.archived), (None, false, false));
    let message = seen.last_message.unwrap();
    assert_eq!((message.id, message.body.as_deref(), message.read), (last, Some("two"), false));
    assert_eq!(message.sender.username.as_deref(), Some("ada"));

    let ConversationAccess::Member(own) = queries.conversation(ada, group).await.unwrap() else { panic!() };
    assert_eq!((own.my_role, own.unread, own.read_up_to), (Some(MemberRole::Owner), 0, Some(last)));
    assert_eq!(queries.conversation(cleo, group).await.unwrap(), ConversationAccess::NeverMember);
    let nowhere = ConversationId::direct(&[ada, cleo]);
    assert_eq!(queries.conversation(ada, nowhere).await.unwrap(), ConversationAccess::Missing);
}

async fn a_direct_conversation_shows_its_people(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let direct = world.direct(ada, bob).await;
    let queries = world.settled().await;
    let ConversationAccess::Member(seen) = queries.conversation(bob, direct).await.unwrap() else { panic!() };
    let names: Vec<_> = seen.members.iter().filter_map(|user| user.username.as_deref()).collect();
    assert_eq!((seen.kind, seen.name, names), (ConversationKind::Direct, None, vec!["ada", "bob"]));
    assert_eq!(seen.last_message, None);
}

async fn a_conversation_that_was_known_for_a_block_first_is_there_once_it_is_started(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let direct = ConversationId::direct(&[ada, bob]);
    for (changes, blocked_by) in [(1, vec![bob]), (2, vec![])] {
        let at = world.now();
        assert!(world.command(direct, ConversationCommand::KnowBlocks { by: bob, blocked_by, changes, at }).await);
    }
    let queries = world.settled().await;
    assert_eq!(queries.conversation(ada, direct).await.unwrap(), ConversationAccess::Missing);
    assert!(queries.inbox(bob, InboxFilter::default(), None, 10).await.unwrap().items.is_empty());
    world.direct(ada, bob).await;
    let first = world.send(direct, ada, "hello").await;
    assert_eq!((first.seq, first.version), (1, 4));
    let queries = world.settled().await;
    assert_eq!(queries.message(bob, first).await.unwrap().unwrap().body.as_deref(), Some("hello"));
    assert_eq!(queries.unread(bob, direct).await.unwrap(), 1);
    world.assert_verified().await;
}

async fn who_has_left_sees_what_was_sent_until_then_and_counts_nothing(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let group = world.group(ada, &[bob]).await;
    let seen = world.send(group, ada, "while bob is there").await;
    world.remove(group, bob, bob).await;
    let unseen = world.send(group, ada, "when bob is gone").await;
    let queries = world.settled().await;

    let ConversationAccess::Former(former) = queries.conversation(bob, group).await.unwrap() else { panic!() };
    assert_eq!((former.unread, former.my_role), (0, None));
    assert_eq!(former.last_message.unwrap().id, seen);
    assert!(queries.message(bob, seen).await.unwrap().is_some());
    assert!(queries.message(bob, unseen).await.unwrap().is_none());
    let inbox = queries.inbox(bob, InboxFilter::default(), None, 10).await.unwrap();
    assert_eq!(inbox.items, []);
    let membership = queries.membership(bob, group).await.unwrap().unwrap();
    assert_eq!(membership.left_seq, Some(1));

    world.add(group, ada, bob).await;
    let later = world.send(group, ada, "bob is back").await;
    let queries = world.settled().await;
    assert!(queries.message(bob, unseen).await.unwrap().is_some());
    assert_eq!(queries.unread(bob, group).await.unwrap(), 1);
    let unread: Vec<_> = world.all(bob, group, Some(true)).await.iter().map(|message| message.id).collect();
    assert_eq!(unread, [later]);
}

async fn the_inbox_is_in_order_of_activity_and_filters(on: Backing) {
    let mut world = World::following(on).await;
    let ada = world.user("ada").await;
    let mut groups = Vec::new();
    for name in ["bob", "cleo", "dan", "eve"] {
        let other = world.user(name).await;
        let direct = world.direct(ada, other).await;
        world.send(direct, other, "hello").await;
        groups.push(direct);
    }
    world.send(groups[1], ada, "an answer").await;
    world.read(groups[3], ada, ReaderAction::Settings { muted: Some(true), archived: Some(true) }).await;
    let queries = world.settled().await;
    let ids = |filter| {
        let queries = queries.clone();
        async move {
            let page = queries.inbox(ada, filter, None, 10).await.unwrap();
            page.items.iter().map(|conversation| conversation.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(ids(InboxFilter::default()).await, [groups[1], groups[3], groups[2], groups[0]]);
    let archived = |archived| InboxFilter { archived: Some(archived), unread: None };
    assert_eq!(ids(archived(true)).await, [groups[3]]);
    assert_eq!(ids(archived(false)).await, [groups[1], groups[2], groups[0]]);
    let unread = |unread| InboxFilter { archived: None, unread: Some(unread) };
    assert_eq!(ids(unread(true)).await, [groups[3], groups[2], groups[0]]);
    assert_eq!(ids(unread(false)).await, [groups[1]]);
}

async fn paging_an_inbox_loses_and_repeats_nothing_while_conversations_move(on: Backing) {
    let mut world = World::following(on).await;
    let ada = world.user("ada").await;
    let mut all = Vec::new();
    let mut others = Vec::new();
    for n in 0..9 {
        let other = world.user(&format!("user{n}")).await;
        let direct = world.direct(ada, other).await;
        // the last two have no message: their start is their activity
        if n < 7 {
            world.send(direct, other, "hello").await;
        }
        all.push(direct);
        others.push(other);
    }
    all.reverse();
    let (mut shown, mut cursor, mut round) = (Vec::new(), None, 0);
    loop {
        let queries = world.settled().await;
        let page = queries.inbox(ada, InboxFilter::default(), cursor, 2).await.unwrap();
        shown.extend(page.items.iter().map(|conversation| conversation.id));
        let Some(next) = page.next else { break };
        cursor = Some(next);
        // one that was shown and one that was not move to the top, and a new one appears
        for n in [8 - round, round] {
            let id = world.direct(ada, others[n]).await;
            world.send(id, others[n], "again").await;
        }
        let stranger = world.user(&format!("stranger{round}")).await;
        let new = world.direct(ada, stranger).await;
        world.send(new, stranger, "hi").await;
        round += 1;
    }
    assert_eq!(shown, all);
}

async fn the_unread_summary_counts_mentions_too(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let group = world.group(ada, &[bob]).await;
    let quiet = world.direct(ada, bob).await;
    world.send(group, ada, "one").await;
    let mention = world.send_with(group, ada, "@bob two", None, vec![bob]).await;
    let gone = world.send_with(group, ada, "@bob three", None, vec![bob]).await;
    world.send_with(group, ada, "@bob four", None, vec![bob]).await;
    world.act(gone, ada, MessageAction::Delete).await;
    let queries = world.settled().await;
    let summary = queries.unread_summary(bob).await.unwrap();
    assert_eq!(summary.total, 3);
    assert_eq!(summary.conversations.len(), 1);
    assert_eq!((summary.conversations[0].id, summary.conversations[0].mentions), (group, 2));
    assert_eq!(queries.unread(bob, quiet).await.unwrap(), 0);

    world.read(group, bob, ReaderAction::MarkRead(mention.seq)).await;
    let summary = world.settled().await.unread_summary(bob).await.unwrap();
    assert_eq!((summary.total, summary.conversations[0].mentions), (2, 1));
    world.read(group, bob, ReaderAction::ReadUpTo(4)).await;
    world.read(group, bob, ReaderAction::MarkUnread { seq: mention.seq, countable: true }).await;
    let summary = world.settled().await.unread_summary(bob).await.unwrap();
    assert_eq!((summary.total, summary.conversations[0].mentions), (1, 1));
}

async fn members_are_listed_by_how_long_they_have_been_there(on: Backing) {
    let mut world = World::following(on).await;
    let ada = world.user("ada").await;
    let mut members = vec![ada];
    for n in 0..5 {
        members.push(world.user(&format!("user{n}")).await);
    }
    let group = world.group(ada, &members[1..4]).await;
    let message = world.send(group, ada, "hello").await;
    world.read(group, members[1], ReaderAction::DeliveredUpTo(1)).await;
    world.read(group, members[2], ReaderAction::ReadUpTo(1)).await;
    world.remove(group, ada, members[3]).await;
    world.add(group, ada, members[4]).await;
    world.add(group, ada, members[5]).await;
    let expected = [members[0], members[1], members[2], members[4], members[5]];
    let queries = world.settled().await;
    let (mut shown, mut cursor) = (Vec::new(), None::<MemberCursor>);
    loop {
        let page = queries.members(group, cursor, 2).await.unwrap();
        shown.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(shown.iter().map(|member| member.user.id).collect::<Vec<_>>(), expected);
    assert_eq!((shown[0].role, shown[1].role), (MemberRole::Owner, MemberRole::Member));
    assert_eq!((shown[1].read_up_to, shown[1].delivered_up_to), (None, Some(message)));
    assert_eq!((shown[2].read_up_to, shown[2].delivered_up_to), (Some(message), Some(message)));
    assert_eq!(queries.member_ids(group).await.unwrap(), expected);
    assert_eq!(queries.member(group, members[3]).await.unwrap(), None);
    assert_eq!(queries.member(group, ada).await.unwrap().unwrap(), shown[0]);
}

over_both! {
    a_conversation_is_shown_as_its_viewer_stands_in_it,
    a_direct_conversation_shows_its_people,
    a_conversation_that_was_known_for_a_block_first_is_there_once_it_is_started,
    who_has_left_sees_what_was_sent_until_then_and_counts_nothing,
    the_inbox_is_in_order_of_activity_and_filters,
    paging_an_inbox_loses_and_repeats_nothing_while_conversations_move,
    the_unread_summary_counts_mentions_too,
    members_are_listed_by_how_long_they_have_been_there,
}
