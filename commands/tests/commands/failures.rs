//! A store that does not work for a while.

use tidings_commands::Error;
use tidings_domain::{
    StreamId,
    conversation::{ConversationDecider, ConversationEvent},
};
use tidings_event_store::StoreError;
use tokio::task::JoinSet;

use crate::{
    fixture::{House, by, draft, now, registration, say},
    store::Appends,
};

#[tokio::test]
async fn a_store_that_fails_for_a_while_leaves_nothing_wrong() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    house.say(group, ada, "one").await;
    house.store.set(Appends::Fail);
    let sent = say(&house.commands, group, ada, "lost").await;
    assert!(matches!(sent, Err(Error::Store(StoreError::Unavailable(_)))));
    let removed = house.commands.remove_member(group, ada, ben, &by(ada)).await;
    assert!(matches!(removed, Err(Error::Store(StoreError::Unavailable(_)))));
    // what is refused cannot be confirmed either
    let refused = house.commands.rename(group, ben, "mine".parse().unwrap(), &by(ben)).await;
    assert!(matches!(refused, Err(Error::Store(_))));
    // reading works, and shows nothing that did not happen
    assert!(house.commands.standing(group, ben).await.unwrap().member().is_ok());
    assert_eq!(house.commands.standing(group, ada).await.unwrap().last_seq, 1);
    house.store.set(Appends::Work);
    assert_eq!(house.say(group, ben, "two").await.id.seq, 2);
    assert_eq!(house.seqs(group).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sends_while_the_store_comes_and_goes_leave_no_gap_and_lose_nothing_acknowledged() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let commands = house.commands.clone();
        tasks.spawn(async move {
            let mut acknowledged = Vec::new();
            for _ in 0..50 {
                match say(&commands, group, ada, "hello").await {
                    Ok(sent) => acknowledged.push((sent.value.id.seq, sent.value.event.key)),
                    Err(Error::Store(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            acknowledged
        });
    }
    let modes = [Appends::Fail, Appends::Work, Appends::GoThroughUnheard, Appends::Work, Appends::Overload];
    let mut acknowledged = Vec::new();
    for mode in modes.into_iter().cycle() {
        house.store.set(mode);
        let next = house.store.submitted() + 3;
        tokio::select! {
            () = house.store.has_got(next) => {}
            done = tasks.join_next() => match done {
                Some(done) => acknowledged.extend(done.unwrap()),
                None => break,
            },
        }
    }
    house.store.set(Appends::Work);
    house.say(group, ada, "the end").await;
    let seqs = house.seqs(group).await;
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<u64>>());
    let key = |event| if let ConversationEvent::MessageSent(sent) = event { Some((sent.seq, sent.key)) } else { None };
    let events = house.events::<ConversationEvent>(StreamId::Conversation(group)).await;
    let keys: Vec<_> = events.into_iter().filter_map(key).collect();
    for message in &acknowledged {
        assert_eq!(keys.iter().filter(|sent| *sent == message).count(), 1);
    }
    let folded = house.folded::<ConversationDecider>(StreamId::Conversation(group)).await.unwrap();
    assert_eq!(house.commands.standing(group, ada).await.unwrap().last_seq, folded.last_seq);
}

#[tokio::test]
async fn an_overloaded_store_says_so() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    house.store.set(Appends::Overload);
    let sent = house.commands.send(group, ada, draft("hello"), &by(ada)).await;
    assert!(matches!(sent, Err(Error::Store(StoreError::Overloaded))));
    house.store.set(Appends::Work);
    assert_eq!(house.say(group, ada, "hello").await.id.seq, 1);
}

#[tokio::test]
async fn a_registration_that_failed_for_sure_gives_its_name_back() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    house.store.set(Appends::Fail);
    let failed = house.commands.register(registration("ben"), &now()).await;
    assert!(matches!(failed, Err(Error::Store(_))));
    house.store.set(Appends::Work);
    let ben = house.commands.register(registration("ben"), &now()).await.unwrap();
    assert_ne!(ben.value.user, ada);
}
