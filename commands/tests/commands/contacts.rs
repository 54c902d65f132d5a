//! Contacts and blocks where several act at once, in one process and in two.

use tidings_commands::{Error, Refusal};
use tidings_domain::{
    ConversationId, Pair, StreamId, UserId,
    contact::{ContactDecider, ContactRefusal, Relation},
    conversation::{ConversationDecider, ConversationRefusal},
};
use tokio::task::JoinSet;

use crate::fixture::{House, by, key, keyed, say};

fn between(one: UserId, other: UserId) -> StreamId {
    StreamId::Contact(Pair::of(one, other).unwrap())
}

fn is_blocked<T>(result: &Result<T, Error>) -> bool {
    matches!(
        result,
        Err(Error::Refused(
            Refusal::Conversation(ConversationRefusal::Blocked) | Refusal::Contact(ContactRefusal::Blocked)
        ))
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_ask_each_other_at_once_on_two_nodes_are_contacts() {
    let house = House::new().await;
    for nth in 0..10 {
        let [ada, ben] = [house.person(&format!("ada{nth}")).await, house.person(&format!("ben{nth}")).await];
        let other = house.another_node();
        let (ada_asks, ben_asks) = (by(ada), by(ben));
        let (one, two) =
            tokio::join!(house.commands.ask_contact(ada, ben, &ada_asks), other.ask_contact(ben, ada, &ben_asks));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(house.folded::<ContactDecider>(between(ada, ben)).await.relation, Relation::Accepted);
        assert_eq!(house.recorded(between(ada, ben)).await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn blocks_and_unblocks_from_two_nodes_leave_the_conversation_as_the_people_are() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let conversation = ConversationId::direct(&[ada, ben]);
    for _ in 0..10 {
        let mut tasks = JoinSet::new();
        for (commands, who, whom) in [(house.commands.clone(), ada, ben), (house.another_node(), ben, ada)] {
            for nth in 0..6 {
                let commands = commands.clone();
                tasks.spawn(async move { commands.block(who, whom, nth % 2 == 0, &by(who)).await.map(drop) });
            }
        }
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        let people = house.folded::<ContactDecider>(between(ada, ben)).await;
        let copy = house.folded::<ConversationDecider>(StreamId::Conversation(conversation)).await.unwrap();
        assert_eq!(copy.blocked_by, people.blocked_by.iter().copied().collect::<Vec<_>>());
        assert_eq!(copy.block_changes, people.block_changes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_conversation_begun_while_it_is_blocked_takes_nothing_once_the_block_is_answered() {
    let house = House::new().await;
    for nth in 0..20 {
        let [ada, ben] = [house.person(&format!("ada{nth}")).await, house.person(&format!("ben{nth}")).await];
        let other = house.another_node();
        let begun = tokio::spawn({
            let other = other.clone();
            async move { other.start_direct(ben, vec![ada], &by(ben)).await }
        });
        house.commands.block(ada, ben, true, &by(ada)).await.unwrap();
        let conversation = ConversationId::direct(&[ada, ben]);
        assert!(is_blocked(&say(&other, conversation, ben, "x").await));
        let begun = begun.await.unwrap();
        assert!(begun.is_ok() || is_blocked(&begun));
        assert!(is_blocked(&say(&house.commands, conversation, ben, "x").await));
    }
}

#[tokio::test]
async fn a_block_is_known_after_a_restart() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    house.commands.start_direct(ada, vec![ben], &by(ada)).await.unwrap();
    house.commands.block(ada, ben, true, &by(ada)).await.unwrap();
    let house = house.reopened().await;
    let conversation = ConversationId::direct(&[ada, ben]);
    assert!(is_blocked(&say(&house.commands, conversation, ben, "x").await));
    say(&house.commands, conversation, ada, "hello").await.unwrap();
}

#[tokio::test]
async fn a_send_reads_its_conversation_and_its_sender_and_nothing_between_the_two() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    house.commands.start_direct(ada, vec![ben], &by(ada)).await.unwrap();
    house.commands.block(ada, ben, true, &by(ada)).await.unwrap();
    house.commands.block(ada, ben, false, &by(ada)).await.unwrap();
    let (cold, before) = (house.cold(), house.store.events_read());
    say(&cold, ConversationId::direct(&[ada, ben]), ben, "hello").await.unwrap();
    // its start and two changes of who blocks whom; and the registration
    assert_eq!(house.store.events_read() - before, 4);
}

#[tokio::test]
async fn a_block_repeated_late_blocks_nobody_again() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let context = keyed(&by(ada), key(1, 1));
    house.commands.block(ada, ben, true, &context).await.unwrap();
    house.commands.block(ada, ben, false, &by(ada)).await.unwrap();
    // the same request again, late: it was carried out, and does not block again
    let again = house.commands.block(ada, ben, true, &context).await.unwrap();
    assert!(again.replayed);
    let copy =
        house.folded::<ConversationDecider>(StreamId::Conversation(ConversationId::direct(&[ada, ben]))).await.unwrap();
    assert!(copy.blocked_by.is_empty());
}
