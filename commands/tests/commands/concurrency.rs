//! Many at once on one stream, in one process and in two.

use std::collections::BTreeSet;

use tidings_commands::{Commands, Refusal};
use tidings_domain::{
    ConversationId, StreamId, UserId,
    conversation::{ConversationDecider, ConversationRefusal, MemberRole},
};
use tokio::task::JoinSet;

use crate::{
    fixture::{House, by, draft, key, keyed, say},
    store::Appends,
};

fn spawn_sends(
    tasks: &mut JoinSet<Vec<u64>>,
    commands: &Commands,
    group: ConversationId,
    sender: UserId,
    messages: usize,
) {
    let commands = commands.clone();
    tasks.spawn(async move {
        let mut seqs = Vec::new();
        for nth in 0..messages {
            seqs.push(say(&commands, group, sender, &format!("{nth}")).await.unwrap().value.id.seq);
        }
        seqs
    });
}

async fn all_seqs(tasks: JoinSet<Vec<u64>>) -> Vec<u64> {
    let mut seqs = tasks.join_all().await.concat();
    seqs.sort_unstable();
    seqs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_sends_of_sixteen_at_once_have_one_order_without_gaps() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let mut tasks = JoinSet::new();
    for nth in 0..16 {
        // 8 × 13 + 8 × 12
        spawn_sends(&mut tasks, &house.commands, group, ada, 12 + nth % 2);
    }
    let expected: Vec<u64> = (1..=200).collect();
    assert_eq!(all_seqs(tasks).await, expected);
    assert_eq!(house.seqs(group).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_on_one_store_send_into_one_group_without_conflicts_or_gaps() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let other = house.another_node();
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        spawn_sends(&mut tasks, &house.commands, group, ada, 25);
        spawn_sends(&mut tasks, &other, group, ben, 25);
    }
    let expected: Vec<u64> = (1..=200).collect();
    assert_eq!(all_seqs(tasks).await, expected);
    assert_eq!(house.seqs(group).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_send_and_change_members_agree_with_the_log() {
    let house = House::new().await;
    let [ada, ben, cyd] = house.people(["ada", "ben", "cyd"]).await;
    let group = house.group(ada, &[ben]).await;
    let other = house.another_node();
    let mut tasks = JoinSet::new();
    spawn_sends(&mut tasks, &house.commands, group, ada, 40);
    spawn_sends(&mut tasks, &house.commands, group, ada, 40);
    let comings_and_goings = tokio::spawn(async move {
        for _ in 0..20 {
            other.put_member(group, ben, cyd, None, &by(ben)).await.unwrap();
            say(&other, group, cyd, "hello").await.unwrap();
            other.remove_member(group, cyd, cyd, &by(cyd)).await.unwrap();
        }
        other
    });
    tasks.join_all().await;
    let other = comings_and_goings.await.unwrap();
    assert_eq!(house.seqs(group).await, (1..=100).collect::<Vec<u64>>());
    let folded = house.folded::<ConversationDecider>(StreamId::Conversation(group)).await.unwrap();
    for person in [ada, ben, cyd] {
        let cold = house.cold().standing(group, person).await.unwrap();
        assert_eq!(cold.person, folded.people.get(&person).copied());
        // each knows of the other's doing what it was told
        house.tell_all_to(&other).await;
        assert_eq!(other.standing(group, person).await.unwrap().person, cold.person);
    }
}

/// The other node's event takes the version that this node's first command counted on, so its second command's version
/// would fit by chance.
#[tokio::test]
async fn a_command_decided_behind_one_that_failed_is_decided_again() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[]).await;
    let other = house.another_node();
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let mut sends = JoinSet::new();
    spawn_sends(&mut sends, &house.commands, group, ada, 1);
    house.store.has_got(before + 1).await;
    spawn_sends(&mut sends, &house.commands, group, ada, 1);
    spawn_sends(&mut sends, &house.commands, group, ada, 1);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    other.put_member(group, ada, ben, None, &by(ada)).await.unwrap();
    house.store.let_go();
    assert_eq!(all_seqs(sends).await, [1, 2, 3]);
    assert_eq!(house.seqs(group).await, [1, 2, 3]);
}

#[tokio::test]
async fn what_was_decided_during_an_append_leaves_as_one_append() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let mut sends = JoinSet::new();
    spawn_sends(&mut sends, &house.commands, group, ada, 1);
    house.store.has_got(before + 1).await;
    for _ in 0..50 {
        spawn_sends(&mut sends, &house.commands, group, ada, 1);
    }
    // each has run as far as it can
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    house.store.let_go();
    assert_eq!(all_seqs(sends).await, (1..=51).collect::<Vec<u64>>());
    assert_eq!(house.store.submitted(), before + 2);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_others_going() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let commands = house.commands.clone();
    let gone = tokio::spawn(async move { say(&commands, group, ada, "and gone").await.map(drop) });
    house.store.has_got(before + 1).await;
    let mut sends = JoinSet::new();
    spawn_sends(&mut sends, &house.commands, group, ada, 2);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    house.store.let_go();
    assert_eq!(all_seqs(sends).await, [2, 3]);
    assert_eq!(house.seqs(group).await, [1, 2, 3]);
}

#[tokio::test]
async fn nobody_is_told_of_what_is_not_in_the_log_yet() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let commands = house.commands.clone();
    let removal = tokio::spawn(async move { commands.remove_member(group, ada, ben, &by(ada)).await });
    house.store.has_got(before + 1).await;
    let commands = house.commands.clone();
    let refused = tokio::spawn(async move { say(&commands, group, ben, "am I in?").await.unwrap_err() });
    let commands = house.commands.clone();
    let look = tokio::spawn(async move { commands.standing(group, ben).await.unwrap() });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!refused.is_finished() && !look.is_finished());
    house.store.let_go();
    removal.await.unwrap().unwrap();
    let not_a_member = Refusal::Conversation(ConversationRefusal::NotAMember);
    assert!(matches!(refused.await.unwrap(), tidings_commands::Error::Refused(refusal) if refusal == not_a_member));
    assert!(look.await.unwrap().member().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_tasks_with_random_keys_have_one_effect_for_each_key() {
    let house = House::new().await;
    let [ada, ben, cyd] = house.people(["ada", "ben", "cyd"]).await;
    let group = house.group(ada, &[ben]).await;
    let nodes = [house.commands.clone(), house.another_node()];
    let mut tasks = JoinSet::new();
    for task in 0..8_u64 {
        let commands = nodes[usize::from(task % 4 == 0)].clone();
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for nth in 0..40 {
                // a small multiplicative generator: the same keys again in every task, in another order
                let drawn = (task * 40 + nth) * 48_271 % 2_147_483_647 % 60;
                let context = keyed(&by(ada), key(drawn, drawn));
                let seen = match drawn % 4 {
                    0 | 1 => {
                        let sent = commands.send(group, ada, draft("hello"), &context).await.unwrap();
                        (drawn, sent.value.id.version, sent.replayed)
                    }
                    2 => {
                        let outcome = commands.put_member(group, ada, cyd, None, &context).await.unwrap();
                        (drawn, outcome.position.map_or(0, |_| 1), true)
                    }
                    _ => {
                        let role = Some(MemberRole::Admin);
                        let outcome = commands.put_member(group, ada, ben, role, &context).await.unwrap();
                        (drawn, outcome.position.map_or(0, |_| 1), true)
                    }
                };
                answers.push(seen);
            }
            answers
        });
    }
    let answers = tasks.join_all().await.concat();
    let keys: BTreeSet<u64> = answers.iter().map(|(key, ..)| *key).filter(|key| key % 4 < 2).collect();
    for key in &keys {
        let same: Vec<_> = answers.iter().filter(|(other, ..)| other == key).collect();
        assert!(same.iter().all(|(_, version, _)| *version == same[0].1), "{same:?}");
        assert_eq!(same.iter().filter(|(.., replayed)| !replayed).count(), 1, "{same:?}");
    }
    assert_eq!(house.seqs(group).await, (1..=keys.len() as u64).collect::<Vec<_>>());
    // started, each message, cyd added, ben promoted
    assert_eq!(house.recorded(StreamId::Conversation(group)).await.len(), 1 + keys.len() + 2);
}
