//! Unique names: won by one, given back, and never stuck.

use tidings_commands::{Error, Refusal};
use tidings_domain::{
    LoginKind, StreamId, UserId,
    login::{CLAIM_LAPSES_AFTER, LoginDecider, LoginState},
    user::{Change, ProfileChange},
    values::{Email, Username},
};
use tokio::task::JoinSet;

use crate::{
    fixture::{House, PASSWORD, by, key, keyed, later, now, password, registration, with_email},
    store::Appends,
};

fn email_change(email: &str) -> ProfileChange {
    ProfileChange { email: Change::Set(Email::parse(email).unwrap()), ..ProfileChange::default() }
}

fn taken<T: std::fmt::Debug>(outcome: Result<T, Error>) -> LoginKind {
    match outcome {
        Err(Error::Refused(Refusal::LoginTaken(kind))) => kind,
        other => panic!("{other:?}"),
    }
}

/// The states of all claims in the log.
async fn claims(house: &House) -> Vec<LoginState> {
    let mut streams = std::collections::BTreeSet::new();
    for recorded in house.whole_log().await {
        if let Ok(stream @ StreamId::Login(..)) = recorded.stream.id() {
            streams.insert(stream);
        }
    }
    let mut states = Vec::new();
    for stream in streams {
        states.push(house.folded::<LoginDecider>(stream).await);
    }
    states
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_one_username_at_once_one_gets_it_and_the_others_keep_nothing() {
    let house = House::new().await;
    let other = house.another_node();
    let mut tasks = JoinSet::new();
    for nth in 0..10 {
        let commands = if nth % 2 == 0 { house.commands.clone() } else { other.clone() };
        tasks
            .spawn(async move { commands.register(with_email("ada", &format!("ada{nth}@example.org")), &now()).await });
    }
    let outcomes = tasks.join_all().await;
    let winners: Vec<UserId> = outcomes.iter().flatten().map(|won| won.value.user).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    for lost in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(taken(lost), LoginKind::Username);
    }
    for holder in claims(&house).await.into_iter().flatten() {
        assert_eq!(holder.0, winners[0]);
    }
}

#[tokio::test]
async fn who_loses_the_email_address_gives_the_username_back() {
    let house = House::new().await;
    house.commands.register(with_email("ada", "Ada@Example.org"), &now()).await.unwrap();
    let lost = house.commands.register(with_email("ben", "ada@example.ORG"), &now()).await;
    assert_eq!(taken(lost), LoginKind::Email);
    house.commands.register(with_email("ben", "ben@example.org"), &now()).await.unwrap();
    assert_eq!(house.commands.user_named(&Username::parse("nobody").unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn a_claim_that_a_crash_left_holds_for_a_minute_and_for_its_key_longer() {
    let house = House::new().await;
    let begun = keyed(&now(), key(1, 1));
    // the claim goes through, the registration never comes: as if the program had ended between the two
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let (commands, context) = (house.commands.clone(), begun.clone());
    let crashed = tokio::spawn(async move { commands.register(registration("ada"), &context).await });
    house.store.has_got(before + 1).await;
    crashed.abort();
    house.store.let_go();
    assert!(crashed.await.unwrap_err().is_cancelled());
    let house = house.reopened().await;
    assert_eq!(claims(&house).await.len(), 1);

    let soon = house.commands.register(registration("ada"), &now()).await;
    assert_eq!(taken(soon), LoginKind::Username);
    assert_eq!(house.commands.user_named(&Username::parse("ada").unwrap()).await.unwrap(), None);
    // the same request again goes on where it stopped
    let ada = house.commands.register(registration("ada"), &begun).await.unwrap();
    assert!(!ada.replayed);
    let after = later(&now(), 2 * CLAIM_LAPSES_AFTER);
    assert_eq!(taken(house.commands.register(registration("ada"), &after).await), LoginKind::Username);
}

#[tokio::test]
async fn a_claim_without_an_account_lapses_after_a_minute() {
    let house = House::new().await;
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let commands = house.commands.clone();
    let crashed = tokio::spawn(async move { commands.register(registration("ada"), &now()).await });
    house.store.has_got(before + 1).await;
    crashed.abort();
    house.store.let_go();
    assert!(crashed.await.unwrap_err().is_cancelled());
    assert_eq!(taken(house.commands.register(registration("ada"), &now()).await), LoginKind::Username);
    let after = later(&now(), CLAIM_LAPSES_AFTER + 1_000);
    house.commands.register(registration("ada"), &after).await.unwrap();
}

#[tokio::test]
async fn a_claim_made_for_history_is_no_older_than_any_other() {
    let house = House::new().await;
    let long_ago = tidings_commands::Context { now: "2004-11-15T12:18:00Z".parse().unwrap(), ..now() };
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let (commands, context) = (house.commands.clone(), long_ago.clone());
    let under_way = tokio::spawn(async move { commands.register(registration("ada"), &context).await });
    house.store.has_got(before + 1).await;
    house.store.let_go();
    house.store.set(Appends::Wait);
    house.store.has_got(before + 2).await;
    // the claim is there, the account not yet
    let other = house.another_node();
    assert_eq!(taken(other.register(registration("ada"), &now()).await), LoginKind::Username);
    house.store.let_go();
    under_way.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_changed_address_frees_the_old_one_and_a_failed_change_frees_the_new_one() {
    let house = House::new().await;
    let ada = house.commands.register(with_email("ada", "ada@example.org"), &now()).await.unwrap().value.user;
    let ben = house.commands.register(with_email("ben", "ben@example.org"), &now()).await.unwrap().value.user;
    assert_eq!(
        taken(house.commands.change_profile(ben, email_change("ada@example.org"), &by(ben)).await),
        LoginKind::Email
    );
    house.commands.change_profile(ada, email_change("countess@example.org"), &by(ada)).await.unwrap();
    house.commands.change_profile(ben, email_change("ada@example.org"), &by(ben)).await.unwrap();
    // only the case differs: nothing to claim, but it is a change
    house.commands.change_profile(ada, email_change("Countess@Example.org"), &by(ada)).await.unwrap();
    house.commands.suspend(ada, &now()).await.unwrap();
    let refused = house.commands.change_profile(ada, email_change("new@example.org"), &by(ada)).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::User(_)))));
    let cyd = house.commands.register(with_email("cyd", "new@example.org"), &now()).await;
    cyd.unwrap();
}

#[tokio::test]
async fn of_two_numbers_and_addresses_all_are_claimed_or_none() {
    let house = House::new().await;
    house.commands.register(with_email("ada", "ada@example.org"), &now()).await.unwrap();
    let ben = house.commands.register(with_email("ben", "ben@example.org"), &now()).await.unwrap().value.user;
    let phone: tidings_domain::values::PhoneNumber = "+14155552671".parse().unwrap();
    let both = ProfileChange { phone_number: Change::Set(phone.clone()), ..email_change("ada@example.org") };
    assert_eq!(taken(house.commands.change_profile(ben, both, &by(ben)).await), LoginKind::Email);
    let free =
        tidings_commands::users::Registration { phone_number: Some(phone), ..with_email("cyd", "c@example.org") };
    house.commands.register(free, &now()).await.unwrap();
}

#[tokio::test]
async fn an_address_claimed_for_a_change_that_a_crash_prevented_is_free_after_a_minute() {
    let house = House::new().await;
    let ada = house.commands.register(with_email("ada", "ada@example.org"), &now()).await.unwrap().value.user;
    house.store.set(Appends::Wait);
    let before = house.store.submitted();
    let commands = house.commands.clone();
    let crashed =
        tokio::spawn(async move { commands.change_profile(ada, email_change("new@example.org"), &by(ada)).await });
    house.store.has_got(before + 1).await;
    crashed.abort();
    house.store.let_go();
    assert!(crashed.await.unwrap_err().is_cancelled());
    assert_eq!(taken(house.commands.register(with_email("ben", "new@example.org"), &now()).await), LoginKind::Email);
    let after = later(&now(), CLAIM_LAPSES_AFTER + 1_000);
    house.commands.register(with_email("ben", "new@example.org"), &after).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_always_holds_the_address_it_has_however_often_it_changes_at_once() {
    let house = House::new().await;
    let ada = house.commands.register(with_email("ada", "a@example.org"), &now()).await.unwrap().value.user;
    let mut tasks = JoinSet::new();
    for nth in 0..12 {
        let commands = house.commands.clone();
        let email = ["a@example.org", "b@example.org", "c@example.org"][nth % 3];
        tasks.spawn(async move { commands.change_profile(ada, email_change(email), &by(ada)).await.unwrap() });
    }
    tasks.join_all().await;
    let email = house.commands.account(ada).await.unwrap().unwrap().identity.unwrap().email.unwrap();
    let lost = house.commands.register(with_email("ben", email.as_str()), &later(&now(), 1 << 40)).await;
    assert_eq!(taken(lost), LoginKind::Email);
    for (nth, other) in ["a@example.org", "b@example.org", "c@example.org"].into_iter().enumerate() {
        if other != email.as_str() {
            house.commands.register(with_email(&format!("person{nth}"), other), &now()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_closed_account_frees_its_address_and_never_its_username() {
    let house = House::new().await;
    let ada = tidings_commands::users::Registration {
        password: Some(password(PASSWORD)),
        ..with_email("ada", "ada@example.org")
    };
    let user = house.commands.register(ada, &now()).await.unwrap().value.user;
    let wrong = house.commands.close_account(user, Some(&password("a wrong password")), &by(user)).await;
    assert!(matches!(wrong, Err(Error::WrongPassword)));
    assert!(matches!(house.commands.close_account(user, None, &by(user)).await, Err(Error::WrongPassword)));
    house.commands.close_account(user, Some(&password(PASSWORD)), &by(user)).await.unwrap();
    let much_later = later(&now(), 1 << 40);
    let lost = house.commands.register(with_email("ada", "new@example.org"), &much_later).await;
    assert_eq!(taken(lost), LoginKind::Username);
    house.commands.register(with_email("ben", "ada@example.org"), &now()).await.unwrap();
    assert!(!house.commands.exists(user).await.unwrap());
    assert!(matches!(house.commands.resolve_user("ada", user).await, Err(Error::NoSuchUser(_))));
}
