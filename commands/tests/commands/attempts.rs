//! Failed sign-ins: who waits, who never does, and what of it is in the log.

use std::net::{IpAddr, Ipv4Addr};

use tidings_commands::{
    Commands, Context, Error,
    sessions::{Login, OpenSession, SignIn, Whence},
};
use tidings_domain::{UserId, attempts::FIRST_WAIT};
use tidings_event_store::RecordedEvent;

use crate::fixture::{House, PASSWORD, by, later, now, password, registration};

const STRANGER: u32 = 0xc633_6401;
const HOME: u32 = 0xcb00_7105;
/// Failures that cost nothing.
const FREE: usize = 10;

fn at(address: u32) -> Whence {
    Whence { address: Some(IpAddr::V4(Ipv4Addr::from_bits(address))), device: None }
}

fn wrong(name: &str, from: Whence) -> SignIn {
    let (login, password) = (Login::Username(name.to_owned()), Some(password("a wrong password")));
    SignIn { login, password, otp: None, device: None, from }
}

fn right(from: Whence) -> SignIn {
    SignIn { password: Some(password(PASSWORD)), ..wrong("ada", from) }
}

async fn house_of_ada() -> (House, UserId) {
    let house = House::new().await;
    let ada = house.commands.register(registration("ada"), &now()).await.unwrap().value.user;
    (house, ada)
}

async fn sign_in(node: &Commands, sign_in: SignIn, context: &Context) -> Result<OpenSession, Option<i64>> {
    match node.sign_in(sign_in, context).await {
        Ok(outcome) => Ok(outcome.value),
        Err(Error::WrongCredentials) => Err(None),
        Err(Error::TooManyAttempts { millis }) => Err(Some(millis)),
        Err(error) => panic!("{error:?}"),
    }
}

/// Fails so often; none of it has to wait.
async fn fail(node: &Commands, name: &str, from: &Whence, times: usize, context: &Context) {
    for _ in 0..times {
        assert_eq!(sign_in(node, wrong(name, from.clone()), context).await.err(), Some(None));
    }
}

fn is_attempt(recorded: &RecordedEvent) -> bool {
    recorded.stream.category() == "attempts"
}

#[tokio::test]
async fn after_some_failures_an_address_waits_longer_and_longer_whoever_is_meant() {
    let (house, _) = house_of_ada().await;
    for name in ["ada", "nobody", "no name at all"] {
        let mut context = now();
        fail(&house.commands, name, &at(STRANGER), FREE, &context).await;
        for doubled in [1, 2, 4, 8, 15, 15] {
            let wait = doubled * FIRST_WAIT;
            let waits = sign_in(&house.commands, wrong(name, at(STRANGER)), &context).await;
            assert_eq!(waits.err(), Some(Some(wait)), "{name}");
            context = later(&context, wait - 1);
            let still = sign_in(&house.commands, wrong(name, at(STRANGER)), &context).await;
            assert_eq!(still.err(), Some(Some(1)), "{name}");
            context = later(&context, 1);
            fail(&house.commands, name, &at(STRANGER), 1, &context).await;
        }
    }
}

#[tokio::test]
async fn a_stranger_keeps_nobody_out_of_their_account() {
    let (house, ada) = house_of_ada().await;
    let context = now();
    let home = sign_in(&house.commands, right(at(HOME)), &context).await.unwrap();
    // ninety failures of strangers, which weigh as nine
    for address in 0..30 {
        fail(&house.commands, "ada", &at(STRANGER + address), [5, 3, 1][address as usize / 10], &context).await;
    }
    fail(&house.commands, "ada", &at(STRANGER + 99), 1, &context).await;
    let hot = sign_in(&house.commands, wrong("ada", at(STRANGER + 99)), &context).await;
    assert_eq!(hot.err(), Some(Some(FIRST_WAIT)), "strangers' failures weigh on strangers");
    sign_in(&house.commands, right(at(HOME)), &context).await.unwrap();
    sign_in(&house.commands, right(at(HOME + 1)), &context).await.expect("a first attempt from a new address");
    // also from the stranger's own address, by the device that has signed in before
    let device = Some(house.commands.device_token(ada, home.session));
    sign_in(&house.commands, right(Whence { device, ..at(STRANGER) }), &context).await.unwrap();
    fail(&house.commands, "ada", &at(HOME), FREE, &context).await;
    let own = sign_in(&house.commands, wrong("ada", at(HOME)), &context).await;
    assert_eq!(own.err(), Some(Some(FIRST_WAIT)), "at home, too, nobody guesses for ever");
}

#[tokio::test]
async fn a_device_token_of_somebody_else_or_made_up_is_none() {
    let (house, _) = house_of_ada().await;
    let ben = house.commands.register(registration("ben"), &now()).await.unwrap().value.user;
    let context = now();
    let session = sign_in(&house.commands, right(at(HOME)), &context).await.unwrap().session;
    fail(&house.commands, "ada", &at(STRANGER), FREE, &context).await;
    let of_ben = house.commands.device_token(ben, session);
    for token in [of_ben, "".into(), "x.y".into(), format!("{session}.{}", "0".repeat(64)).into()] {
        let waits = sign_in(&house.commands, right(Whence { device: Some(token), ..at(STRANGER) }), &context).await;
        assert_eq!(waits.err(), Some(Some(FIRST_WAIT)));
    }
}

#[tokio::test]
async fn an_address_that_tries_many_names_waits_with_all_of_them() {
    let (house, _) = house_of_ada().await;
    let context = now();
    sign_in(&house.commands, right(at(STRANGER)), &context).await.unwrap();
    for name in 0..50 {
        fail(&house.commands, &format!("somebody{name}"), &at(STRANGER), 1, &context).await;
    }
    let waits = sign_in(&house.commands, wrong("one.more", at(STRANGER)), &context).await;
    assert_eq!(waits.err(), Some(Some(FIRST_WAIT)));
    sign_in(&house.commands, right(at(STRANGER)), &context).await.expect("ada has signed in from there before");
    fail(&house.commands, "one.more", &at(HOME), 1, &context).await;
}

#[tokio::test]
async fn what_failed_is_known_after_a_restart_and_at_other_nodes() {
    let (mut house, _) = house_of_ada().await;
    let context = now();
    fail(&house.commands, "ada", &at(STRANGER), FREE, &context).await;
    let elsewhere = sign_in(&house.another_node(), wrong("ada", at(STRANGER)), &context).await;
    assert_eq!(elsewhere.err(), Some(Some(FIRST_WAIT)));
    house = house.reopened().await;
    let after = sign_in(&house.commands, wrong("ada", at(STRANGER)), &context).await;
    assert_eq!(after.err(), Some(Some(FIRST_WAIT)));
}

#[tokio::test]
async fn the_log_grows_with_the_logarithm_of_what_strangers_try() {
    let (house, _) = house_of_ada().await;
    let mut context = now();
    for n in 0..200 {
        fail(&house.commands, "ada", &at(STRANGER + n), 1, &context).await;
        context = later(&context, 10);
    }
    let counted = house.whole_log().await.into_iter().filter(|recorded| is_attempt(recorded)).count();
    assert!(counted <= 20, "{counted} events for 200 attempts");
    let before = house.length().await;
    for n in 0..30 {
        fail(&house.commands, &format!("made.up{n}"), &at(HOME), 1, &context).await;
    }
    let grown = house.length().await - before;
    assert!(grown <= 12, "{grown} events for 30 names that nobody has");
}

#[tokio::test]
async fn who_holds_a_session_guesses_no_faster_and_no_other_session_is_touched() {
    let (house, ada) = house_of_ada().await;
    let session = sign_in(&house.commands, right(at(HOME)), &now()).await.unwrap().session;
    let stolen = Context { session: Some(session), ..by(ada) };
    for _ in 0..FREE {
        let guessed = house.commands.disable_totp(ada, Some(&password("a wrong password")), &stolen).await;
        assert!(matches!(guessed, Err(Error::WrongPassword)));
    }
    let guessed = house.commands.disable_totp(ada, Some(&password(PASSWORD)), &stolen).await;
    assert!(matches!(guessed, Err(Error::TooManyAttempts { .. })), "{guessed:?}");
    let other = sign_in(&house.commands, right(at(HOME)), &now()).await.unwrap().session;
    let own = Context { session: Some(other), ..by(ada) };
    house.commands.disable_totp(ada, Some(&password(PASSWORD)), &own).await.unwrap();
}
