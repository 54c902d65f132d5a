//! History brought in: once, at its own times, and no more the second time.

use tidings_commands::history::{Action, Appended, Person, Step, key_of};
use tidings_domain::{
    ConversationId, StreamId, Timestamp,
    conversation::{ConversationEvent, MemberRole},
    values::{Body, ConversationName, Username},
};

use crate::fixture::{House, PASSWORD, by, clock, now, password, registration};

fn at(nth: i64) -> Timestamp {
    Timestamp::from_millis(1_100_521_080_000 + nth * 1_000)
}

fn step(nth: i64, person: Person, action: Action) -> Step {
    Step { person, at: at(nth), key: key_of("line", &[&nth.to_string()]), action }
}

fn says(text: &str) -> Action {
    Action::Say(Body::parse(text).unwrap())
}

async fn person(house: &House, name: &str) -> Person {
    house.commands.history_person(name, at(0)).await.unwrap().0
}

async fn channel(house: &House, founder: Person) -> ConversationId {
    let name = ConversationName::parse("#ubuntu").unwrap();
    house.commands.history_group(name, founder, at(0)).await.unwrap()
}

/// Ada speaks and leaves; ben comes twice; cyd leaves without having come, comes, and speaks.
async fn bring_in(house: &House) -> (ConversationId, Vec<Appended>) {
    let [ada, ben, cyd] = [person(house, "ada").await, person(house, "Ben").await, person(house, "|cyd|").await];
    let group = channel(house, ada).await;
    let batches = [
        vec![step(1, ada, says("hello")), step(2, ben, Action::Join), step(3, ada, Action::Leave)],
        vec![step(4, ben, Action::Join), step(5, cyd, Action::Leave)],
        vec![step(6, ben, Action::Leave), step(7, cyd, Action::Join), step(8, cyd, says("anybody?"))],
        vec![step(9, ben, says("me")), step(10, ben, Action::Leave), step(11, cyd, Action::Join)],
    ];
    let mut appended = Vec::new();
    for batch in batches {
        appended.push(house.commands.append_history(group, &batch).await.unwrap());
    }
    (group, appended)
}

#[tokio::test]
async fn a_history_is_brought_in_with_its_own_times() {
    let house = House::new().await;
    let (group, appended) = bring_in(&house).await;
    let counts: Vec<_> = appended.iter().map(|batch| (batch.events, batch.without_effect)).collect();
    // ada leaves as owner and ben succeeds her; cyd comes into the empty group; ben speaks without having come in
    assert_eq!(counts, [(4, 0), (0, 2), (3, 0), (3, 1)]);
    let events = house.events::<ConversationEvent>(StreamId::Conversation(group)).await;
    let times: Vec<i64> = events
        .iter()
        .filter_map(
            |event| if let ConversationEvent::MessageSent(sent) = event { Some(sent.at.millis()) } else { None },
        )
        .collect();
    assert_eq!(times, [at(1).millis(), at(8).millis(), at(9).millis()]);
    assert_eq!(house.seqs(group).await, [1, 2, 3]);
    let cyd = house.commands.history_person("|cyd|", clock()).await.unwrap();
    assert!(!cyd.1);
    let standing = house.commands.standing(group, cyd.0.user).await.unwrap();
    assert_eq!(standing.member().unwrap().role, MemberRole::Owner);
}

#[tokio::test]
async fn the_same_history_again_adds_nothing() {
    let house = House::new().await;
    let (group, _) = bring_in(&house).await;
    let house = house.reopened().await;
    let length = house.length().await;
    let [ada, ben, cyd] = [person(&house, "ada").await, person(&house, "Ben").await, person(&house, "|cyd|").await];
    assert_eq!(channel(&house, ada).await, group);
    let all = [
        step(1, ada, says("hello")),
        step(2, ben, Action::Join),
        step(3, ada, Action::Leave),
        step(4, ben, Action::Join),
        step(5, cyd, Action::Leave),
        step(6, ben, Action::Leave),
        step(7, cyd, Action::Join),
        step(8, cyd, says("anybody?")),
        step(9, ben, says("me")),
        step(10, ben, Action::Leave),
        step(11, cyd, Action::Join),
    ];
    let keys: Vec<_> = all.iter().map(|step| step.key).collect();
    let known = house.commands.history_known(&keys).await.unwrap();
    assert_eq!(known, [true, true, true, false, false, true, true, true, true, true, false]);
    let again = house.commands.append_history(group, &all).await.unwrap();
    assert_eq!(again, Appended { events: 0, without_effect: 11, position: None });
    assert_eq!(house.length().await, length);
}

#[tokio::test]
async fn a_history_that_stopped_in_the_middle_goes_on() {
    let house = House::new().await;
    let ada = person(&house, "ada").await;
    let group = channel(&house, ada).await;
    let steps: Vec<Step> = (0..100).map(|nth| step(nth, ada, says("hello"))).collect();
    house.commands.append_history(group, &steps[..40]).await.unwrap();
    let house = house.reopened().await;
    let appended = house.commands.append_history(group, &steps).await.unwrap();
    assert_eq!((appended.events, appended.without_effect), (60, 40));
    assert_eq!(house.seqs(group).await, (1..=100).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_line_that_stands_twice_counts_once() {
    let house = House::new().await;
    let ada = person(&house, "ada").await;
    let group = channel(&house, ada).await;
    let twice = [step(1, ada, says("hello")), step(1, ada, says("hello")), step(2, ada, says("bye"))];
    let appended = house.commands.append_history(group, &twice).await.unwrap();
    assert_eq!((appended.events, appended.without_effect), (2, 1));
    assert_eq!(house.seqs(group).await, [1, 2]);
}

#[tokio::test]
async fn names_become_accounts_that_nobody_can_sign_in_to() {
    let house = House::new().await;
    house.commands.register(registration("bob"), &now()).await.unwrap();
    let mut accounts = std::collections::HashSet::new();
    for name in ["bob", "Bob", "b ob", "x", "", "Zoë", "bob"] {
        let (person, made) = house.commands.history_person(name, at(0)).await.unwrap();
        assert_eq!(accounts.insert(person.user), made);
        let account = house.commands.account(person.user).await.unwrap().unwrap();
        let identity = account.identity.unwrap();
        assert_eq!(identity.password_hash, None);
        assert_eq!(identity.first_name.map(tidings_domain::values::PersonName::into_string).unwrap_or_default(), name);
        let found = house.commands.user_named(&identity.username).await.unwrap();
        assert_eq!(found, Some(person.user));
    }
    assert_eq!(accounts.len(), 6);
    assert!(house.commands.user_named(&Username::parse("bob").unwrap()).await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_closed_account_said_is_left_out_and_the_rest_comes_in() {
    let house = House::new().await;
    let ada = person(&house, "ada").await;
    let ben = house.commands.register(registration("ben"), &now()).await.unwrap().value;
    let gone = Person { user: ben.user, key: ben.event.key };
    let group = channel(&house, ada).await;
    house.commands.close_account(ben.user, Some(&password(PASSWORD)), &by(ben.user)).await.unwrap();
    let steps = [step(1, ada, says("one")), step(2, gone, says("two")), step(3, ada, says("three"))];
    let appended = house.commands.append_history(group, &steps).await.unwrap();
    assert_eq!(appended.without_effect, 1);
    assert_eq!(house.seqs(group).await, [1, 2]);
}
