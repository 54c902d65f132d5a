//! Events of accounts, logins and sessions.

use tidings_domain::{
    Personal,
    login::{LoginClaimed, LoginEvent, LoginReleased},
    message::ErasureReason,
    session::{SessionClosed, SessionClosedBecause, SessionEvent, SessionOpened, SessionRefreshed, TokenHash},
    user::{
        Change, Identity, ProfileChange, UserClosed, UserErased, UserEvent, UserPasswordChanged, UserProfileChanged,
        UserRegistered, UserReinstated, UserRoleGranted, UserRoleRevoked, UserSuspended,
    },
    values::Role,
};

use crate::examples::{AT, KEY, session, user, valid};

pub(crate) fn users() -> Vec<UserEvent> {
    let full = Identity {
        username: valid("ada"),
        email: Some(valid("Ada@example.org")),
        phone_number: Some(valid("+14155552671")),
        first_name: Some(valid("Ada")),
        last_name: Some(valid("Lovelace")),
        password_hash: Some("$argon2id$".to_owned()),
    };
    let bare = Identity {
        username: valid("ada"),
        email: None,
        phone_number: None,
        first_name: None,
        last_name: None,
        password_hash: None,
    };
    let change = ProfileChange {
        email: Change::Set(valid("ada@example.org")),
        phone_number: Change::Set(valid("+14155552671")),
        first_name: Change::Set(valid("Ada")),
        last_name: Change::Clear,
    };
    let hash = || Personal::Clear("$argon2id$".to_owned());
    vec![
        UserRegistered { key: KEY, at: AT, imported: false, identity: Personal::Clear(full) }.into(),
        UserRegistered { key: KEY, at: AT, imported: true, identity: Personal::Clear(bare) }.into(),
        UserProfileChanged { key: KEY, at: AT, change: Personal::Clear(change) }.into(),
        UserProfileChanged { key: KEY, at: AT, change: Personal::Clear(ProfileChange::default()) }.into(),
        UserPasswordChanged { key: KEY, at: AT, credential: 2, kept: Some(session()), password_hash: hash() }.into(),
        UserPasswordChanged { key: KEY, at: AT, credential: 2, kept: None, password_hash: hash() }.into(),
        UserRoleGranted { role: Role::Auditor, by: Some(user(2)), at: AT }.into(),
        UserRoleGranted { role: Role::Operator, by: None, at: AT }.into(),
        UserRoleRevoked { role: Role::Auditor, by: Some(user(2)), at: AT }.into(),
        UserRoleRevoked { role: Role::Operator, by: None, at: AT }.into(),
        UserSuspended { by: Some(user(2)), at: AT }.into(),
        UserSuspended { by: None, at: AT }.into(),
        UserReinstated { by: Some(user(2)), at: AT }.into(),
        UserReinstated { by: None, at: AT }.into(),
        UserClosed { key: KEY, at: AT }.into(),
        UserErased { reason: ErasureReason::AccountClosed, asked_at: AT, at: AT.plus_millis(250), key: KEY }.into(),
    ]
}

pub(crate) fn logins() -> Vec<LoginEvent> {
    vec![LoginClaimed { user: user(1), at: AT }.into(), LoginReleased { user: user(1), at: AT }.into()]
}

pub(crate) fn sessions() -> Vec<SessionEvent> {
    let token = TokenHash([0xa7; 32]);
    let opened = |device| SessionOpened { user: user(1), key: KEY, credential: 1, token, at: AT, device };
    vec![
        opened(Personal::Clear(Some(valid("Ada's phone")))).into(),
        opened(Personal::Clear(None)).into(),
        SessionRefreshed { token, at: AT }.into(),
        SessionClosed { user: user(1), because: SessionClosedBecause::SignedOut, at: AT }.into(),
        SessionClosed { user: user(1), because: SessionClosedBecause::TokenReused, at: AT }.into(),
    ]
}
