//! Sessions: opened with a password, refreshed with a token that serves once, ended.

use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use tidings_commands::{
    Context, Error, Outcome, Refusal,
    sessions::{Login, OpenSession, SignIn, Whence},
};
use tidings_domain::{
    session::{IDLE_LIFETIME, SessionRefusal},
    user::UserRefusal,
    values::Password,
};

use crate::fixture::{House, PASSWORD, by, key, keyed, later, now, password, registration, with_email};

fn with(login: Login, password: Option<Password>) -> SignIn {
    SignIn { login, password, otp: None, device: None, from: Whence::default() }
}

fn as_ada(shown: &str) -> SignIn {
    with(Login::Username("Ada".to_owned()), Password::parse(shown.to_owned()).ok())
}

async fn sign_in(house: &House) -> OpenSession {
    house.commands.sign_in(as_ada(PASSWORD), &now()).await.unwrap().value
}

async fn alive(house: &House, session: &OpenSession) -> bool {
    house.commands.is_alive(session.session, session.user, session.credential).await.unwrap()
}

fn ended<T>(outcome: &Result<Outcome<T>, Error>) -> bool {
    matches!(outcome, Err(Error::Refused(Refusal::Session(SessionRefusal::Ended))))
}

async fn house_of_ada() -> House {
    let house = House::new().await;
    let ada = tidings_commands::users::Registration {
        password: Some(password(PASSWORD)),
        ..with_email("ada", "ada@example.org")
    };
    house.commands.register(ada, &now()).await.unwrap();
    house
}

#[tokio::test]
async fn who_knows_the_password_signs_in_by_username_or_address() {
    let house = house_of_ada().await;
    for login in [Login::Username("ADA".to_owned()), Login::Email("Ada@Example.org".to_owned())] {
        let session = house.commands.sign_in(with(login, Some(password(PASSWORD))), &now()).await.unwrap().value;
        assert!(alive(&house, &session).await);
        let other = house.person(&format!("other{}", house.length().await)).await;
        assert!(!house.commands.is_alive(session.session, other, session.credential).await.unwrap());
    }
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let house = house_of_ada().await;
    house.person("imported").await;
    let login = |name: &str| Login::Username(name.to_owned());
    let wrong = [
        as_ada("a wrong password"),
        as_ada("short"),
        with(login("nobody"), Some(password(PASSWORD))),
        with(login("not a username"), Some(password(PASSWORD))),
        with(login("imported"), Some(password(PASSWORD))),
        with(Login::Email("nobody@example.org".to_owned()), Some(password(PASSWORD))),
        with(Login::Email("not an address".to_owned()), None),
    ];
    let length = house.length().await;
    for sign_in in wrong {
        let outcome = house.commands.sign_in(sign_in, &now()).await;
        assert!(matches!(outcome, Err(Error::WrongCredentials)), "{outcome:?}");
    }
    assert_eq!(house.length().await, length);
}

/// Not how long, only that hashing is not left out: without it the answer comes a thousand times faster.
#[tokio::test]
async fn an_unknown_name_is_hashed_for_like_a_known_one() {
    let house = house_of_ada().await;
    let time = async |name: &str| {
        let mut times = Vec::new();
        for _ in 0..5 {
            let begin = Instant::now();
            let sign_in = with(Login::Username(name.to_owned()), Some(password("a wrong password")));
            house.commands.sign_in(sign_in, &now()).await.unwrap_err();
            times.push(begin.elapsed());
        }
        times.into_iter().min().unwrap_or(Duration::ZERO)
    };
    let (known, unknown) = (time("ada").await, time("nobody").await);
    assert!(unknown * 10 > known, "{unknown:?} against {known:?}");
}

#[tokio::test]
async fn a_suspended_account_is_told_so_after_its_password_only() {
    let house = house_of_ada().await;
    let session = sign_in(&house).await;
    house.commands.suspend(session.user, &now()).await.unwrap();
    assert!(!alive(&house, &session).await);
    assert!(ended(&house.commands.refresh(&session.refresh_token, &now()).await));
    let wrong = house.commands.sign_in(as_ada("a wrong password"), &now()).await;
    assert!(matches!(wrong, Err(Error::WrongCredentials)));
    let right = house.commands.sign_in(as_ada(PASSWORD), &now()).await;
    assert!(matches!(right, Err(Error::Refused(Refusal::User(UserRefusal::Suspended)))));
}

#[tokio::test]
async fn a_refresh_token_serves_once_and_a_used_one_ends_the_session() {
    let house = house_of_ada().await;
    let first = sign_in(&house).await;
    let second = house.commands.refresh(&first.refresh_token, &now()).await.unwrap().value;
    let third = house.commands.refresh(&second.refresh_token, &now()).await.unwrap().value;
    assert!(alive(&house, &third).await);
    assert!(ended(&house.commands.refresh(&first.refresh_token, &now()).await));
    assert!(!alive(&house, &third).await);
    assert!(ended(&house.commands.refresh(&third.refresh_token, &now()).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_show_one_refresh_token_at_once_at_most_one_gets_the_next() {
    let house = house_of_ada().await;
    let session = sign_in(&house).await;
    let nodes = [house.commands.clone(), house.another_node()];
    let shown = nodes.map(|node| {
        let token = session.refresh_token.clone();
        tokio::spawn(async move { node.refresh(&token, &now()).await })
    });
    let mut outcomes = Vec::new();
    for shown in shown {
        outcomes.push(shown.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(!house.cold().is_alive(session.session, session.user, session.credential).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refresh_sent_twice_at_once_under_one_key_gives_one_token_and_ends_nothing() {
    let house = house_of_ada().await;
    let session = sign_in(&house).await;
    let context = keyed(&now(), key(1, 1));
    let nodes = [house.commands.clone(), house.commands.clone(), house.another_node()];
    let shown = nodes.map(|node| {
        let (token, context) = (session.refresh_token.clone(), context.clone());
        tokio::spawn(async move { node.refresh(&token, &context).await.unwrap() })
    });
    let mut tokens = std::collections::BTreeSet::new();
    let mut first = 0;
    for shown in shown {
        let outcome = shown.await.unwrap();
        first += usize::from(!outcome.replayed);
        tokens.insert(outcome.value.refresh_token.expose_secret().to_owned());
    }
    assert_eq!((tokens.len(), first), (1, 1));
    assert!(alive(&house, &session).await);
    for token in tokens {
        house.commands.refresh(&token.into(), &now()).await.unwrap();
    }
}

/// A token that comes as a cookie is no part of what the key's fingerprint covers.
#[tokio::test]
async fn who_knows_the_key_and_the_session_but_not_the_token_gets_none() {
    let house = house_of_ada().await;
    let session = sign_in(&house).await;
    let context = keyed(&now(), key(1, 1));
    house.commands.refresh(&session.refresh_token, &context).await.unwrap();
    let guessed = format!("{}.{}", session.session, "00".repeat(32));
    let outcome = house.commands.refresh(&guessed.into(), &context).await;
    assert!(matches!(outcome, Err(Error::KeyReused)), "{outcome:?}");
    assert!(house.commands.refresh(&session.refresh_token, &context).await.unwrap().replayed);
    assert!(alive(&house, &session).await);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_told_apart_from_nothing() {
    let house = house_of_ada().await;
    let session = sign_in(&house).await;
    let forged = format!("{}.{}", session.session, "00".repeat(32));
    for wrong in ["", "x", &session.session.to_string(), "00000000-0000-4000-8000-000000000000.00"] {
        let outcome = house.commands.refresh(&wrong.into(), &now()).await;
        assert!(matches!(outcome, Err(Error::WrongCredentials)), "{wrong}");
    }
    let outcome = house.commands.refresh(&forged.into(), &now()).await;
    assert!(matches!(outcome, Err(Error::Refused(Refusal::Session(SessionRefusal::WrongToken)))));
    assert!(alive(&house, &session).await);
}

#[tokio::test]
async fn a_session_not_refreshed_for_a_month_is_over() {
    let house = house_of_ada().await;
    let session = sign_in(&house).await;
    let context = later(&now(), IDLE_LIFETIME + 60_000);
    assert!(ended(&house.commands.refresh(&session.refresh_token, &context).await));
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_but_the_one_it_came_from() {
    let house = house_of_ada().await;
    let (own, other) = (sign_in(&house).await, sign_in(&house).await);
    let context = Context { session: Some(own.session), ..by(own.user) };
    let new = "a new password";
    house.commands.change_password(own.user, Some(&password(PASSWORD)), &password(new), &context).await.unwrap();
    assert!(alive(&house, &own).await && !alive(&house, &other).await);
    assert!(ended(&house.commands.refresh(&other.refresh_token, &now()).await));
    let own = house.commands.refresh(&own.refresh_token, &now()).await.unwrap().value;
    assert!(alive(&house, &own).await);
    let old = house.commands.sign_in(as_ada(PASSWORD), &now()).await;
    assert!(matches!(old, Err(Error::WrongCredentials)));
    let latest = house.commands.sign_in(as_ada(new), &now()).await.unwrap().value;
    assert!(alive(&house, &latest).await);
    let house = house.reopened().await;
    assert!(alive(&house, &own).await && alive(&house, &latest).await && !alive(&house, &other).await);
}

#[tokio::test]
async fn only_its_owner_signs_a_session_out() {
    let house = house_of_ada().await;
    let ben = house.commands.register(registration("ben"), &now()).await.unwrap().value.user;
    let session = sign_in(&house).await;
    assert!(ended(&house.commands.sign_out(ben, session.session, &by(ben)).await));
    assert!(alive(&house, &session).await);
    house.commands.sign_out(session.user, session.session, &by(session.user)).await.unwrap();
    assert!(!alive(&house, &session).await);
    assert!(ended(&house.commands.refresh(&session.refresh_token, &now()).await));
    let again = house.commands.sign_out(session.user, session.session, &by(session.user)).await.unwrap();
    assert_eq!(again.position, None);
}
