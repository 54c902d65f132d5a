//! Scheduled messages: at their time, once, by whichever node.

use tidings_commands::{
    Commands, Context, Error,
    schedules::{Delivery, Destination, Later},
};
use tidings_domain::{
    ConversationId, ScheduledId, StreamId, Timestamp, UserId,
    schedule::{ScheduleDecider, ScheduleEvent},
};
use tokio::task::JoinSet;

use crate::{
    fixture::{House, by, draft, key, keyed, later},
    store::Appends,
};

const MINUTE: i64 = 60_000;

async fn schedule(commands: &Commands, group: ConversationId, sender: UserId, at: Timestamp) -> ScheduledId {
    let later = Later { destination: Destination::Conversation(group), draft: draft("later"), send_at: at };
    commands.schedule(sender, later, &by(sender)).await.unwrap().value.id
}

async fn send(commands: &Commands, id: ScheduledId, owner: UserId, context: &Context) -> Result<Delivery, Error> {
    commands.send_scheduled(id, owner, |error| error.to_string(), context).await
}

async fn names(house: &House, owner: UserId) -> Vec<ScheduleEvent> {
    house.events(StreamId::Schedule(owner)).await
}

#[tokio::test]
async fn it_waits_for_its_time_and_is_then_sent_once_as_of_that_time() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let context = by(ada);
    let at = context.now.plus_millis(MINUTE);
    let id = schedule(&house.commands, group, ada, at).await;
    for early in [0, MINUTE - 1] {
        assert_eq!(send(&house.commands, id, ada, &later(&context, early)).await.unwrap(), Delivery::Over);
    }
    assert!(house.seqs(group).await.is_empty());
    let due = Context { now: at, ..context };
    assert_eq!(send(&house.commands, id, ada, &due).await.unwrap(), Delivery::Sent);
    assert_eq!(send(&house.commands, id, ada, &due).await.unwrap(), Delivery::Over);
    assert_eq!(house.seqs(group).await, [1]);
    assert_eq!(house.say(group, ada, "after it").await.event.seq, 2);
    let text = names(&house, ada).await.into_iter().find_map(|event| match event {
        ScheduleEvent::Added(event) => Some(event.content),
        ScheduleEvent::Cancelled(_)
        | ScheduleEvent::Released(_)
        | ScheduleEvent::Sent(_)
        | ScheduleEvent::Failed(_) => None,
    });
    assert!(text.unwrap().clear().is_none(), "what was scheduled is sealed for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_that_send_at_the_same_time_send_once() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let due = later(&by(ada), 2 * MINUTE);
    for round in 1..=5 {
        let id = schedule(&house.commands, group, ada, by(ada).now.plus_millis(MINUTE)).await;
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (node, due) = (house.another_node(), due.clone());
            tasks.spawn(async move { send(&node, id, ada, &due).await.unwrap() });
        }
        tasks.join_all().await;
        assert_eq!(house.seqs(group).await.len(), round);
    }
}

/// A node that is killed between any two of its appends: what comes after is as if it never was.
#[tokio::test]
async fn a_node_killed_anywhere_leaves_a_message_that_another_sends_once() {
    for survived in 0..4 {
        let house = House::new().await;
        let [ada] = house.people(["ada"]).await;
        let group = house.group(ada, &[]).await;
        let id = schedule(&house.commands, group, ada, by(ada).now.plus_millis(MINUTE)).await;
        let due = later(&by(ada), 2 * MINUTE);
        house.store.set(Appends::WorkFor(survived));
        let killed = send(&house.commands, id, ada, &due).await;
        assert_eq!(killed.is_ok(), survived >= 3, "{survived}: {killed:?}");
        let other = house.another_node();
        let after = send(&other, id, ada, &due).await.unwrap();
        assert_eq!(after, if survived >= 3 { Delivery::Over } else { Delivery::Sent });
        assert_eq!(house.seqs(group).await, [1], "{survived}");
        assert!(house.folded::<ScheduleDecider>(StreamId::Schedule(ada)).await.entries.is_empty());
    }
}

#[tokio::test]
async fn what_is_refused_fails_with_the_reason_and_is_not_tried_again() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let id = schedule(&house.commands, group, ben, by(ben).now.plus_millis(MINUTE)).await;
    house.commands.remove_member(group, ada, ben, &by(ada)).await.unwrap();
    let due = later(&by(ben), 2 * MINUTE);
    assert_eq!(send(&house.commands, id, ben, &due).await.unwrap(), Delivery::Failed);
    house.commands.put_member(group, ada, ben, None, &by(ada)).await.unwrap();
    assert_eq!(send(&house.commands, id, ben, &due).await.unwrap(), Delivery::Over);
    assert!(house.seqs(group).await.is_empty());
    let last = names(&house, ben).await.pop();
    let Some(ScheduleEvent::Failed(failed)) = last else { panic!("it failed: {last:?}") };
    assert_eq!(failed.reason, "only members may do this");
}

#[tokio::test]
async fn a_cancelled_one_is_never_sent_and_its_text_is_gone() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let id = schedule(&house.commands, group, ada, by(ada).now.plus_millis(MINUTE)).await;
    assert!(house.commands.cancel_scheduled(id, ben, &by(ben)).await.is_err(), "it is not his");
    let cancel = keyed(&by(ada), key(1, 1));
    assert!(!house.commands.cancel_scheduled(id, ada, &cancel).await.unwrap().replayed);
    assert!(house.commands.cancel_scheduled(id, ada, &cancel).await.unwrap().replayed);
    let due = later(&by(ada), 2 * MINUTE);
    assert_eq!(send(&house.commands, id, ada, &due).await.unwrap(), Delivery::Over);
    let Some(ScheduleEvent::Added(added)) = names(&house, ada).await.into_iter().next() else { panic!() };
    assert!(added.content.clear().is_none());
    assert!(house.seqs(group).await.is_empty());
}

#[tokio::test]
async fn closing_the_account_takes_back_all_that_waits() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    for _ in 0..3 {
        schedule(&house.commands, group, ada, by(ada).now.plus_millis(MINUTE)).await;
    }
    house.commands.cancel_all_scheduled(ada, &by(ada)).await.unwrap();
    house.commands.cancel_all_scheduled(ada, &by(ada)).await.unwrap();
    assert!(house.folded::<ScheduleDecider>(StreamId::Schedule(ada)).await.entries.is_empty());
    assert_eq!(names(&house, ada).await.len(), 6);
}
