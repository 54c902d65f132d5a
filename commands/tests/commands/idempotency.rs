//! A key gives the first answer for ever, and one effect.

use secrecy::ExposeSecret;
use tidings_commands::{
    Commands, Error,
    messages::Edit,
    sessions::{Login, SignIn, Whence},
};
use tidings_domain::{
    StreamId,
    request::Answer,
    values::{Body, ConversationName},
};

use crate::{
    fixture::{House, PASSWORD, by, draft, key, keyed, now, password, registration, say, with_email},
    store::Appends,
};

#[tokio::test]
async fn two_at_once_with_one_key_are_one_and_the_second_is_a_replay() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let context = keyed(&by(ada), key(1, 1));
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let send = |commands: Commands| {
        let context = context.clone();
        tokio::spawn(async move { commands.send(group, ada, draft("once"), &context).await.unwrap() })
    };
    let first = send(house.commands.clone());
    house.store.has_got(before + 1).await;
    let others: Vec<_> = (0..3).map(|_| send(house.commands.clone())).collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    house.store.let_go();
    let first = first.await.unwrap();
    assert!(!first.replayed);
    for other in others {
        let other = other.await.unwrap();
        assert!(other.replayed);
        assert_eq!((&other.value, other.position), (&first.value, first.position));
    }
    assert_eq!(house.seqs(group).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_registration_sent_twice_at_once_makes_one_account_and_leaves_no_claim_behind() {
    let house = House::new().await;
    let context = keyed(&now(), key(1, 1));
    let twice = [house.commands.clone(), house.commands.clone(), house.another_node()].map(|commands| {
        let context = context.clone();
        tokio::spawn(async move { commands.register(with_email("ada", "ada@example.org"), &context).await.unwrap() })
    });
    let mut outcomes = Vec::new();
    for registered in twice {
        outcomes.push(registered.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.replayed).count(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.value == outcomes[0].value));
    // user registered, username and address claimed
    assert_eq!(house.length().await, 3);
}

#[tokio::test]
async fn two_nodes_at_once_with_one_key_are_one() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let other = house.another_node();
    let context = keyed(&by(ada), key(1, 1));
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let (commands, same) = (house.commands.clone(), context.clone());
    let first = tokio::spawn(async move { commands.send(group, ada, draft("once"), &same).await.unwrap() });
    house.store.has_got(before + 1).await;
    // the other node is faster
    let won = other.send(group, ada, draft("once"), &context).await.unwrap();
    house.store.let_go();
    let lost = first.await.unwrap();
    assert_eq!((won.replayed, lost.replayed), (false, true));
    assert_eq!(won.value, lost.value);
    assert_eq!(house.seqs(group).await, [1]);
}

#[tokio::test]
async fn a_group_is_started_once_for_a_key_on_whichever_node() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let name = ConversationName::parse("reading circle").unwrap();
    let context = keyed(&by(ada), key(1, 1));
    let first = house.commands.start_group(ada, name.clone(), vec![ben], &context).await.unwrap();
    for node in [house.commands.clone(), house.another_node()] {
        let again = node.start_group(ada, name.clone(), vec![ben], &context).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!(again.value, first.value);
    }
}

#[tokio::test]
async fn a_key_used_elsewhere_between_lookup_and_decision_is_found_all_the_same() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let name = ConversationName::parse("reading circle").unwrap();
    let (starts, leaves) = (keyed(&by(ada), key(1, 1)), keyed(&by(ben), key(2, 2)));
    let other = house.another_node();
    let first = other.start_group(ada, name.clone(), vec![ben], &starts).await.unwrap();
    let group = first.value.conversation;
    // there already, and gone already: nothing to do by the state alone
    house.store.be_blind_once();
    let again = house.commands.start_group(ada, name, vec![ben], &starts).await.unwrap();
    assert_eq!((again.replayed, again.value), (true, first.value));
    other.remove_member(group, ben, ben, &leaves).await.unwrap();
    house.store.be_blind_once();
    assert!(house.cold().remove_member(group, ben, ben, &leaves).await.unwrap().replayed);
    // and refused by the state alone
    let sends = keyed(&by(ada), key(3, 3));
    let sent = other.send(group, ada, draft("hello"), &sends).await.unwrap();
    other.remove_member(group, ada, ada, &by(ada)).await.unwrap();
    house.store.be_blind_once();
    let again = house.cold().send(group, ada, draft("hello"), &sends).await.unwrap();
    assert_eq!((again.replayed, again.value), (true, sent.value));
}

#[tokio::test]
async fn a_key_used_for_another_request_is_refused_and_nothing_happens() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let (group, other) = (house.group(ada, &[]).await, house.group(ada, &[]).await);
    let first = house.commands.send(group, ada, draft("one"), &keyed(&by(ada), key(1, 1))).await.unwrap();
    let length = house.length().await;
    let reused = [
        house.commands.send(group, ada, draft("two"), &keyed(&by(ada), key(1, 2))).await.map(drop),
        // the same request would be about the same stream
        house.commands.send(other, ada, draft("one"), &keyed(&by(ada), key(1, 1))).await.map(drop),
        house.commands.read_up_to(first.value.id, ada, &keyed(&by(ada), key(1, 1))).await.map(drop),
        house.commands.put_member(group, ada, ada, None, &keyed(&by(ada), key(1, 3))).await.map(drop),
        house.commands.register(registration("bob"), &keyed(&now(), key(1, 1))).await.map(drop),
    ];
    for outcome in reused {
        assert!(matches!(outcome, Err(Error::KeyReused)), "{outcome:?}");
    }
    assert_eq!(house.length().await, length);
}

#[tokio::test]
async fn one_key_serves_for_one_command_and_a_step_has_its_own() {
    let house = House::new().await;
    let ada = house.commands.register(registration("ada"), &now()).await.unwrap().value.user;
    let context = keyed(&by(ada), key(1, 1));
    let change = tidings_domain::user::ProfileChange {
        first_name: tidings_domain::user::Change::Set("Ada".parse().unwrap()),
        ..Default::default()
    };
    house.commands.change_profile(ada, change, &context).await.unwrap();
    let new = password("another password");
    let same = house.commands.change_password(ada, Some(&password(PASSWORD)), &new, &context).await;
    assert!(matches!(same, Err(Error::KeyReused)));
    let step = context.step("password");
    house.commands.change_password(ada, Some(&password(PASSWORD)), &new, &step).await.unwrap();
    // its first answer, though the present password is another by now
    let again = house.commands.change_password(ada, Some(&password(PASSWORD)), &new, &step).await.unwrap();
    assert!(again.replayed);
}

#[tokio::test]
async fn the_first_answer_stands_whatever_happened_since() {
    let house = House::new().await;
    let [ada, ben] = house.people(["ada", "ben"]).await;
    let group = house.group(ada, &[ben]).await;
    let context = keyed(&by(ben), key(1, 1));
    let sent = house.commands.send(group, ben, draft("one"), &context).await.unwrap();
    let id = sent.value.id;
    let edit = || Edit { body: Body::parse("two").unwrap(), subject: None };
    house.commands.edit(id, ben, edit(), &keyed(&by(ben), key(2, 2))).await.unwrap();
    house.commands.hide(id, ben, &keyed(&by(ben), key(3, 3))).await.unwrap();
    house.commands.remove_member(group, ben, ben, &keyed(&by(ben), key(4, 4))).await.unwrap();
    house.commands.suspend(ben, &by(ada)).await.unwrap();
    let length = house.length().await;
    let again = house.commands.send(group, ben, draft("one"), &context).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.value, sent.value);
    assert!(house.commands.edit(id, ben, edit(), &keyed(&by(ben), key(2, 2))).await.unwrap().replayed);
    assert!(house.commands.hide(id, ben, &keyed(&by(ben), key(3, 3))).await.unwrap().replayed);
    assert!(house.commands.remove_member(group, ben, ben, &keyed(&by(ben), key(4, 4))).await.unwrap().replayed);
    assert_eq!(house.length().await, length);
}

#[tokio::test]
async fn a_restart_changes_no_answer() {
    let house = House::new().await;
    let context = keyed(&now(), key(1, 1));
    let ada = house.commands.register(registration("ada"), &context).await.unwrap();
    let user = ada.value.user;
    let sign_in = || SignIn {
        login: Login::Username("ada".to_owned()),
        password: Some(password(PASSWORD)),
        otp: None,
        device: Some("laptop".parse().unwrap()),
        from: Whence::default(),
    };
    let session = house.commands.sign_in(sign_in(), &keyed(&now(), key(2, 2))).await.unwrap();
    let refresh = keyed(&now(), key(3, 3));
    let refreshed = house.commands.refresh(&session.value.refresh_token, &refresh).await.unwrap();
    let group = house.group(user, &[]).await;
    let sent = house.commands.send(group, user, draft("hello"), &keyed(&by(user), key(4, 4))).await.unwrap();
    let answer = Answer { status: 201, headers: vec![], body: "{}".to_owned() };
    house.commands.remember_answer(key(5, 5), answer.clone(), None, &by(user)).await.unwrap();

    let house = house.reopened().await;
    let length = house.length().await;
    let ada_again = house.commands.register(registration("ada"), &context).await.unwrap();
    assert!(ada_again.replayed);
    assert_eq!(ada_again.value, ada.value);
    let session_again = house.commands.sign_in(sign_in(), &keyed(&now(), key(2, 2))).await.unwrap();
    assert!(session_again.replayed);
    assert_eq!(session_again.value.session, session.value.session);
    let token = |outcome: &tidings_commands::Outcome<tidings_commands::sessions::OpenSession>| {
        outcome.value.refresh_token.expose_secret().to_owned()
    };
    assert_eq!(token(&session_again), token(&session));
    let refreshed_again = house.commands.refresh(&session.value.refresh_token, &refresh).await.unwrap();
    assert!(refreshed_again.replayed);
    assert_eq!(token(&refreshed_again), token(&refreshed));
    let sent_again = house.commands.send(group, user, draft("hello"), &keyed(&by(user), key(4, 4))).await.unwrap();
    assert!(sent_again.replayed);
    assert_eq!((sent_again.value, sent_again.position), (sent.value, sent.position));
    assert_eq!(house.commands.recall_answer(key(5, 5)).await.unwrap(), Some(answer));
    assert!(matches!(house.commands.recall_answer(key(5, 6)).await, Err(Error::KeyReused)));
    assert!(matches!(house.commands.recall_answer(key(4, 5)).await, Err(Error::KeyReused)));
    assert_eq!(house.commands.recall_answer(key(6, 6)).await.unwrap(), None);
    assert_eq!(house.length().await, length);
    // the token of the first refresh still serves, once
    house.commands.refresh(&refreshed.value.refresh_token, &now()).await.unwrap();
}

#[tokio::test]
async fn a_keyed_command_whose_answer_was_lost_is_not_done_twice() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let context = keyed(&by(ada), key(1, 1));
    house.store.set(Appends::GoThroughUnheard);
    assert!(matches!(house.commands.send(group, ada, draft("one"), &context).await, Err(Error::Store(_))));
    house.store.set(Appends::Work);
    let again = house.commands.send(group, ada, draft("one"), &context).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.value.id.seq, house.seqs(group).await), (1, vec![1]));
    let recorded = house.recorded(StreamId::Conversation(group)).await;
    assert_eq!(again.position, recorded.last().map(|event| event.position));
}

#[tokio::test]
async fn a_command_without_a_key_looks_nothing_up() {
    let house = House::new().await;
    let [ada] = house.people(["ada"]).await;
    let group = house.group(ada, &[]).await;
    let (lookups, read) = (house.store.lookups(), house.store.events_read());
    for _ in 0..10 {
        say(&house.commands, group, ada, "hello").await.unwrap();
    }
    assert_eq!((house.store.lookups(), house.store.events_read()), (lookups, read));
    house.commands.send(group, ada, draft("hello"), &keyed(&by(ada), key(1, 1))).await.unwrap();
    assert_eq!(house.store.lookups(), lookups + 1);
}
