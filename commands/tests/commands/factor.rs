//! Second factors: what they let in, once each, on whatever node and after whatever restart.

use secrecy::ExposeSecret;
use tidings_commands::{
    Commands, Context, Error, Outcome, Refusal,
    sessions::{Login, OpenSession, SignIn, Whence},
};
use tidings_domain::{
    Decider, Personal, StreamId, UserId,
    factor::{FactorDecider, FactorEvent, FactorRefusal},
    values::{Otp, TotpSecret},
};

use crate::fixture::{House, PASSWORD, by, key, keyed, later, now, password, registration};

const STEP: i64 = 30_000;

struct Guarded {
    house: House,
    ada: UserId,
    secret: TotpSecret,
    codes: Vec<String>,
    /// When it was turned on.
    begun: Context,
}

fn with(otp: Option<&str>) -> SignIn {
    let (login, password) = (Login::Username("ada".to_owned()), Some(password(PASSWORD)));
    SignIn { login, password, otp: otp.map(str::to_owned), device: None, from: Whence::default() }
}

async fn house_of_ada() -> Guarded {
    let house = House::new().await;
    let ada = house.commands.register(registration("ada"), &now()).await.unwrap().value.user;
    let begun = by(ada);
    let offer = house.commands.offer_totp(ada, &begun).await.unwrap().value;
    assert!(offer.uri.contains("ada") && offer.uri.contains(offer.secret.as_str()));
    let otp = Otp::parse(&offer.secret.code_at(begun.now).unwrap()).unwrap();
    let codes = house.commands.enable_totp(ada, &otp, &begun).await.unwrap().value;
    let codes = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
    Guarded { house, ada, secret: offer.secret, codes, begun }
}

impl Guarded {
    /// The code of so many steps after it was turned on, and that time.
    fn code(&self, steps: i64) -> (String, Context) {
        let at = later(&self.begun, steps * STEP);
        (self.secret.code_at(at.now).unwrap(), Context { actor: None, ..at })
    }
}

fn wrong(outcome: &Result<Outcome<OpenSession>, Error>) -> bool {
    matches!(outcome, Err(Error::WrongCredentials))
}

#[tokio::test]
async fn signing_in_takes_a_code_and_says_so_to_who_knows_the_password_only() {
    let guarded = house_of_ada().await;
    let commands = &guarded.house.commands;
    assert!(matches!(commands.sign_in(with(None), &now()).await, Err(Error::OtpRequired)));
    let stranger = SignIn { password: Some(password("a wrong password")), ..with(None) };
    assert!(wrong(&commands.sign_in(stranger, &now()).await));
    let (code, at) = guarded.code(2);
    for wrong_code in ["000000", "", "nonsense", &"1".repeat(1000)] {
        assert!(wrong(&commands.sign_in(with(Some(wrong_code)), &at).await), "{wrong_code}");
    }
    commands.sign_in(with(Some(&code)), &at).await.unwrap();
    assert!(matches!(commands.check_login(&with(None), &now()).await, Err(Error::OtpRequired)));
}

#[tokio::test]
async fn a_code_serves_once_also_after_a_restart_and_at_another_node() {
    let mut guarded = house_of_ada().await;
    let (code, at) = guarded.code(5);
    guarded.house.commands.sign_in(with(Some(&code)), &at).await.unwrap();
    for node in [guarded.house.commands.clone(), guarded.house.another_node()] {
        assert!(wrong(&node.sign_in(with(Some(&code)), &at).await));
    }
    guarded.house = guarded.house.reopened().await;
    assert!(wrong(&guarded.house.commands.sign_in(with(Some(&code)), &at).await));
    let (earlier, _) = guarded.code(4);
    assert!(wrong(&guarded.house.commands.sign_in(with(Some(&earlier)), &at).await));
    let (next, _) = guarded.code(6);
    guarded.house.commands.sign_in(with(Some(&next)), &at).await.unwrap();
}

#[tokio::test]
async fn a_code_that_is_too_old_or_too_new_is_wrong() {
    let guarded = house_of_ada().await;
    let (_, at) = guarded.code(10);
    for steps in [8, 12] {
        assert!(wrong(&guarded.house.commands.sign_in(with(Some(&guarded.code(steps).0)), &at).await), "{steps}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_who_show_one_code_at_once_on_several_nodes_one_gets_in() {
    let guarded = house_of_ada().await;
    let (code, at) = guarded.code(3);
    let nodes: Vec<Commands> =
        [guarded.house.commands.clone(), guarded.house.another_node()].into_iter().cycle().take(8).collect();
    let shown = nodes.into_iter().map(|node| {
        let (sign_in, at) = (with(Some(&code)), at.clone());
        tokio::spawn(async move { node.sign_in(sign_in, &at).await.is_ok() })
    });
    let mut let_in = 0;
    for shown in shown.collect::<Vec<_>>() {
        let_in += usize::from(shown.await.unwrap());
    }
    assert_eq!(let_in, 1);
}

#[tokio::test]
async fn a_sign_in_repeated_under_its_key_is_answered_again_and_uses_no_code_twice() {
    let guarded = house_of_ada().await;
    let (code, at) = guarded.code(3);
    let context = keyed(&at, key(1, 1));
    let first = guarded.house.commands.sign_in(with(Some(&code)), &context).await.unwrap();
    let again = guarded.house.commands.sign_in(with(Some(&code)), &context).await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.value.session, again.value.session);
    assert!(wrong(&guarded.house.commands.sign_in(with(Some(&code)), &keyed(&at, key(2, 2))).await));
}

#[tokio::test]
async fn each_recovery_code_serves_once_and_is_kept_as_a_hash() {
    let mut guarded = house_of_ada().await;
    assert_eq!(guarded.codes.len(), 10);
    let log = format!("{:?}", guarded.house.events::<FactorEvent>(StreamId::Factor(guarded.ada)).await);
    for code in &guarded.codes {
        assert!(!log.contains(code) && !log.contains(&code.replace('-', "")));
        let shown = code.to_uppercase().replace('-', " ");
        guarded.house.commands.sign_in(with(Some(&shown)), &now()).await.unwrap();
    }
    guarded.house = guarded.house.reopened().await;
    for code in &guarded.codes {
        assert!(wrong(&guarded.house.commands.sign_in(with(Some(code)), &now()).await));
    }
}

#[tokio::test]
async fn recovery_codes_are_given_again_under_their_key_and_only_there() {
    let house = House::new().await;
    let ada = house.commands.register(registration("ada"), &now()).await.unwrap().value.user;
    let context = by(ada);
    let offer = house.commands.offer_totp(ada, &keyed(&context, key(1, 1))).await.unwrap();
    let same = house.commands.offer_totp(ada, &keyed(&context, key(1, 1))).await.unwrap();
    assert_eq!((offer.value.secret.as_str(), same.replayed), (same.value.secret.as_str(), true));
    let otp = Otp::parse(&offer.value.secret.code_at(context.now).unwrap()).unwrap();
    let plain = |codes: Vec<secrecy::SecretString>| {
        codes.iter().map(|code| code.expose_secret().to_owned()).collect::<Vec<_>>()
    };
    let first = house.commands.enable_totp(ada, &otp, &keyed(&context, key(2, 2))).await.unwrap();
    let again = house.commands.enable_totp(ada, &otp, &keyed(&context, key(2, 2))).await.unwrap();
    assert_eq!((plain(first.value), again.replayed), (plain(again.value), true));
    let other = house.commands.enable_totp(ada, &otp, &context).await;
    assert!(matches!(other, Err(Error::Refused(Refusal::Factor(FactorRefusal::AlreadyOn)))));
}

#[tokio::test]
async fn turning_it_off_takes_the_password() {
    let guarded = house_of_ada().await;
    let commands = &guarded.house.commands;
    for wrong in [None, Some(password("a wrong password"))] {
        let outcome = commands.disable_totp(guarded.ada, wrong.as_ref(), &by(guarded.ada)).await;
        assert!(matches!(outcome, Err(Error::WrongPassword)));
    }
    commands.disable_totp(guarded.ada, Some(&password(PASSWORD)), &by(guarded.ada)).await.unwrap();
    commands.sign_in(with(None), &now()).await.unwrap();
    let again = commands.disable_totp(guarded.ada, Some(&password(PASSWORD)), &by(guarded.ada)).await.unwrap();
    assert_eq!(again.position, None);
}

#[tokio::test]
async fn closing_the_account_erases_secret_and_recovery_codes() {
    let guarded = house_of_ada().await;
    guarded.house.commands.close_account(guarded.ada, Some(&password(PASSWORD)), &by(guarded.ada)).await.unwrap();
    let house = guarded.house.reopened().await;
    let events = house.events::<FactorEvent>(StreamId::Factor(guarded.ada)).await;
    let sealed: Vec<_> = events.iter().filter(|event| !matches!(event, FactorEvent::Disabled(_))).collect();
    let [FactorEvent::Offered(offered), FactorEvent::Enabled(enabled)] = sealed.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((&offered.secret, &enabled.recovery_codes), (&Personal::Withheld, &Personal::Withheld));
    assert!(!FactorDecider::fold(&events).is_on());
}
