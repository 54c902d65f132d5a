//! Long conversations start from a snapshot when nothing of them is in memory.

use std::{sync::Arc, time::Duration};

use tidings_commands::{
    Commands,
    history::{Action, Person, Step, key_of},
};
use tidings_domain::{ConversationId, StreamId, StreamName, UserId, values::Body};
use tidings_event_store::{EventStore, Snapshot};

use crate::fixture::{House, by, clock, say};

async fn long_group(house: &House, messages: u64) -> (ConversationId, UserId) {
    let ada = house.person("ada").await;
    let group = house.group(ada, &[]).await;
    let person = Person { user: ada, key: house.commands.account(ada).await.unwrap().unwrap().key };
    let step = |nth: u64| Step {
        person,
        at: clock(),
        key: key_of("line", &[&nth.to_string()]),
        action: Action::Say(Body::parse("hello").unwrap()),
    };
    for begin in (0..messages).step_by(2_000) {
        let steps: Vec<Step> = (begin..messages.min(begin + 2_000)).map(step).collect();
        house.commands.append_history(group, &steps).await.unwrap();
    }
    (group, ada)
}

/// Snapshots are kept in the background.
async fn snapshot_that(house: &House, name: &StreamName, is_it: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let kept = async {
        loop {
            match house.store.load_snapshot(name).await.unwrap() {
                Some(snapshot) if is_it(&snapshot) => return snapshot,
                Some(_) | None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), kept).await.expect("it is kept within a minute")
}

async fn read_by(house: &House, work: impl AsyncFnOnce(Commands)) -> usize {
    let before = house.store.events_read();
    work(house.cold()).await;
    house.store.events_read() - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_conversation_of_twelve_thousand_messages_starts_from_its_snapshot() {
    let house = House::new().await;
    let (group, ada) = long_group(&house, 12_345).await;
    let name = StreamId::Conversation(group).name();
    let snapshot = snapshot_that(&house, &name, |snapshot| snapshot.version >= 12_000).await;
    let read = read_by(&house, async |cold| {
        assert_eq!(say(&cold, group, ada, "hello").await.unwrap().value.id.seq, 12_346);
    })
    .await;
    assert!(read < 400, "{read} events were read");

    // a snapshot that does not open, in another's place, of another format, or ahead of the log is not taken
    let broken = |snapshot: &Snapshot| Snapshot {
        data: snapshot.data.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>().into(),
        version: 12_000,
        ..snapshot.clone()
    };
    let foreign = |snapshot: &Snapshot| Snapshot { format: "another".to_owned(), ..snapshot.clone() };
    let moved = |snapshot: &Snapshot| Snapshot { version: snapshot.version + 1, ..snapshot.clone() };
    let truncated = |snapshot: &Snapshot| Snapshot { data: vec![1, 2, 3].into(), version: 12_347, ..snapshot.clone() };
    let useless: [&dyn Fn(&Snapshot) -> Snapshot; 4] = [&broken, &foreign, &moved, &truncated];
    for make in useless {
        let useless = make(&snapshot);
        let overwritten = Snapshot { format: "overwritten".to_owned(), ..snapshot.clone() };
        house.store.save_snapshot(&name, overwritten).await.unwrap();
        house.store.save_snapshot(&name, useless.clone()).await.unwrap();
        let read = read_by(&house, async |cold| {
            assert_eq!(cold.standing(group, ada).await.unwrap().last_seq, 12_346);
        })
        .await;
        assert!(read > 12_000, "{read} events were read");
        // a new one is made in its place
        snapshot_that(&house, &name, |kept| *kept != useless && kept.version == 12_347).await;
    }
    let read = read_by(&house, async |cold| {
        assert_eq!(cold.standing(group, ada).await.unwrap().last_seq, 12_346);
    })
    .await;
    assert!(read <= 3, "{read} events were read");
}

#[tokio::test]
async fn a_snapshot_ahead_of_a_restored_log_is_not_taken() {
    let house = House::new().await;
    let (group, ada) = long_group(&house, 6_000).await;
    let snapshot = snapshot_that(&house, &StreamId::Conversation(group).name(), |_| true).await;
    // the same conversation in a log that ends earlier
    let restored = Arc::new(House::new().await);
    let (shorter, ben) = long_group(&restored, 10).await;
    restored.store.save_snapshot(&StreamId::Conversation(shorter).name(), snapshot).await.unwrap();
    let cold = restored.cold();
    assert_eq!(say(&cold, shorter, ben, "hello").await.unwrap().value.id.seq, 11);
    cold.remove_member(shorter, ben, ada, &by(ben)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_reader_who_read_on_six_hundred_times_starts_from_a_snapshot() {
    let house = House::new().await;
    let (ada, ben) = (house.person("ada").await, house.person("ben").await);
    let group = house.group(ada, &[ben]).await;
    for _ in 0..600 {
        let message = say(&house.commands, group, ada, "hello").await.unwrap().value.id;
        house.commands.read_up_to(message, ben, &by(ben)).await.unwrap();
    }
    let names = [StreamId::Conversation(group).name(), StreamId::Reader(group, ben).name()];
    for name in &names {
        snapshot_that(&house, name, |snapshot| snapshot.version >= 500).await;
    }
    let last = say(&house.commands, group, ada, "hello").await.unwrap().value.id;
    let read = read_by(&house, async |cold| {
        assert!(cold.read_up_to(last, ben, &by(ben)).await.unwrap().position.is_some());
        assert_eq!(cold.read_up_to(last, ben, &by(ben)).await.unwrap().position, None);
    })
    .await;
    assert!(read < 400, "{read} events were read");
}
