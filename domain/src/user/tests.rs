use super::*;
use crate::{
    Decider, KeyId, Personal, SessionId, Timestamp,
    values::{Email, PersonName, Role, Username},
};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_000);

fn ada() -> Identity {
    Identity {
        username: Username::parse("ada").unwrap(),
        email: Some(Email::parse("ada@example.org").unwrap()),
        phone_number: None,
        first_name: None,
        last_name: None,
        password_hash: Some("$argon2id$1".to_owned()),
    }
}

fn registered() -> UserEvent {
    UserRegistered { key: KeyId(1), at: AT, imported: false, identity: Personal::Clear(ada()) }.into()
}

fn when(given: &[UserEvent], command: &UserCommand) -> Result<Vec<UserEvent>, UserRefusal> {
    UserDecider::decide(&UserDecider::fold(given), command)
}

fn register() -> UserCommand {
    UserCommand::Register { key: KeyId(1), identity: Box::new(ada()), imported: false, at: AT }
}

#[test]
fn an_account_is_registered_once() {
    assert_eq!(when(&[], &register()), Ok(vec![registered()]));
    assert_eq!(when(&[registered()], &register()), Ok(vec![]));
}

#[test]
fn nothing_happens_to_an_account_that_was_never_registered() {
    assert_eq!(when(&[], &UserCommand::Close { at: AT }), Err(UserRefusal::NoSuchUser));
}

#[test]
fn a_profile_change_records_only_what_differs() {
    let change = ProfileChange {
        email: Change::Set(Email::parse("ada@example.org").unwrap()),
        phone_number: Change::Clear,
        first_name: Change::Set(PersonName::parse("Ada").unwrap()),
        last_name: Change::Keep,
    };
    let command = UserCommand::ChangeProfile { change: Box::new(change.clone()), at: AT };
    let recorded = ProfileChange { first_name: change.first_name, ..ProfileChange::default() };
    let event: UserEvent = UserProfileChanged { key: KeyId(1), at: AT, change: Personal::Clear(recorded) }.into();
    assert_eq!(when(&[registered()], &command), Ok(vec![event.clone()]));
    assert_eq!(when(&[registered(), event], &command), Ok(vec![]));
}

#[test]
fn a_new_password_ends_every_session_but_the_one_that_set_it() {
    let here = SessionId::new(Uuid::from_u128(1));
    let elsewhere = SessionId::new(Uuid::from_u128(2));
    let command = UserCommand::ChangePassword { password_hash: "$argon2id$2".to_owned(), keep: Some(here), at: AT };
    let events = when(&[registered()], &command).unwrap();
    let user = UserDecider::fold([&registered()].into_iter().chain(&events)).unwrap();
    assert!(user.honours(here, 1));
    assert!(!user.honours(elsewhere, 1));
    assert!(user.honours(elsewhere, 2));
    assert_eq!(user.identity.unwrap().password_hash.as_deref(), Some("$argon2id$2"));
}

#[test]
fn a_role_is_granted_and_revoked_once() {
    let grant = UserCommand::GrantRole { role: Role::Auditor, by: None, at: AT };
    let revoke = UserCommand::RevokeRole { role: Role::Auditor, by: None, at: AT };
    let granted: UserEvent = UserRoleGranted { role: Role::Auditor, by: None, at: AT }.into();
    assert_eq!(when(&[registered()], &grant), Ok(vec![granted.clone()]));
    assert_eq!(when(&[registered(), granted.clone()], &grant), Ok(vec![]));
    assert_eq!(when(&[registered(), granted], &revoke).unwrap().len(), 1);
    assert_eq!(when(&[registered()], &revoke), Ok(vec![]));
}

#[test]
fn a_suspended_account_honours_no_session_until_it_is_reinstated() {
    let session = SessionId::new(Uuid::from_u128(1));
    let suspended = when(&[registered()], &UserCommand::Suspend { by: None, at: AT }).unwrap();
    let history: Vec<_> = [registered()].into_iter().chain(suspended).collect();
    assert!(!UserDecider::fold(&history).unwrap().honours(session, 1));
    let reinstated = when(&history, &UserCommand::Reinstate { by: None, at: AT }).unwrap();
    let history: Vec<_> = history.into_iter().chain(reinstated).collect();
    assert!(UserDecider::fold(&history).unwrap().honours(session, 1));
}

#[test]
fn a_closed_account_keeps_nothing_personal_and_does_nothing_more() {
    let closed = when(&[registered()], &UserCommand::Close { at: AT }).unwrap();
    let history: Vec<_> = [registered()].into_iter().chain(closed).collect();
    assert_eq!(UserDecider::fold(&history).unwrap().identity, None);
    assert_eq!(when(&history, &UserCommand::Close { at: AT }), Ok(vec![]));
    assert_eq!(when(&history, &UserCommand::Suspend { by: None, at: AT }), Err(UserRefusal::NoSuchUser));
    assert_eq!(when(&history, &register()), Err(UserRefusal::AlreadyRegistered));
}

#[test]
fn a_closed_account_s_erasure_has_one_receipt() {
    let closed = UserEvent::from(UserClosed { key: KeyId(1), at: AT });
    let note = UserCommand::NoteErased { at: AT.plus_millis(5) };
    let erased = UserErased {
        reason: crate::message::ErasureReason::AccountClosed,
        asked_at: AT,
        at: AT.plus_millis(5),
        key: KeyId(1),
    };
    let erased = UserEvent::from(erased);
    assert_eq!(when(&[registered(), closed.clone()], &note), Ok(vec![erased.clone()]));
    assert_eq!(when(&[registered(), closed, erased], &note), Ok(vec![]));
    assert_eq!(when(&[registered()], &note), Err(UserRefusal::NotClosed));
    assert_eq!(when(&[], &note), Err(UserRefusal::NoSuchUser));
}
