//! What may be done with an account.

use super::{
    User, UserClosed, UserErased, UserEvent, UserPasswordChanged, UserProfileChanged, UserReinstated, UserRoleGranted,
    UserRoleRevoked, UserSuspended,
    events::{Identity, ProfileChange, UserRegistered},
};
use crate::{KeyId, Personal, SessionId, Timestamp, UserId, message::ErasureReason, values::Role};

/// What may be asked of an account. That the caller knows the password was checked before.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum UserCommand {
    /// Make the account. The names in it have been claimed for it.
    Register {
        /// A key that seals nothing yet.
        key: KeyId,
        /// Who.
        identity: Box<Identity>,
        /// Whether an import makes it.
        imported: bool,
        /// Now.
        at: Timestamp,
    },
    /// Change the profile. New addresses and numbers have been claimed.
    ChangeProfile {
        /// What.
        change: Box<ProfileChange>,
        /// Now.
        at: Timestamp,
    },
    /// Replace the password and end all sessions but one.
    ChangePassword {
        /// Argon2id in PHC string form.
        password_hash: String,
        /// The session that goes on.
        keep: Option<SessionId>,
        /// Now.
        at: Timestamp,
    },
    /// Allow more.
    GrantRole {
        /// Which.
        role: Role,
        /// By whom; none from the command line.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// Allow less.
    RevokeRole {
        /// Which.
        role: Role,
        /// By whom; none from the command line.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// Shut out.
    Suspend {
        /// The operator.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// Let in again.
    Reinstate {
        /// The operator.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// Close for good.
    Close {
        /// Now.
        at: Timestamp,
    },
    /// Note that the key of a closed account is destroyed, and that nothing of what it sealed is left.
    NoteErased {
        /// Now.
        at: Timestamp,
    },
}

/// Why an account does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    /// It does not exist, or not any more.
    #[error("there is no such account")]
    NoSuchUser,
    /// Somebody else's account already has this id.
    #[error("this account exists already")]
    AlreadyRegistered,
    /// An operator shut it out.
    #[error("this account is suspended")]
    Suspended,
    /// It is still in use.
    #[error("this account is not closed")]
    NotClosed,
}

pub(super) fn decide(user: Option<&User>, command: &UserCommand) -> Result<Vec<UserEvent>, UserRefusal> {
    let user = match (user, command) {
        (None, UserCommand::Register { key, identity, imported, at }) => {
            let identity = Personal::Clear((**identity).clone());
            return Ok(vec![UserRegistered { key: *key, at: *at, imported: *imported, identity }.into()]);
        }
        (Some(user), UserCommand::Register { identity, .. }) => {
            let same = user.identity.as_ref().is_some_and(|present| present.username == identity.username);
            return if same { Ok(vec![]) } else { Err(UserRefusal::AlreadyRegistered) };
        }
        (Some(user), UserCommand::Close { .. }) if user.closed => return Ok(vec![]),
        (Some(user), UserCommand::NoteErased { at }) => return note_erased(user, *at),
        (Some(user), _) if !user.closed => user,
        (None | Some(_), _) => return Err(UserRefusal::NoSuchUser),
    };
    Ok(match command {
        UserCommand::Register { .. } | UserCommand::NoteErased { .. } => vec![],
        UserCommand::ChangeProfile { change, at } => change_profile(user, change, *at)?,
        UserCommand::ChangePassword { password_hash, keep, at } => vec![
            UserPasswordChanged {
                key: user.key,
                at: *at,
                credential: user.credential + 1,
                kept: *keep,
                password_hash: Personal::Clear(password_hash.clone()),
            }
            .into(),
        ],
        UserCommand::GrantRole { role, .. } if user.roles.contains(role) => vec![],
        UserCommand::GrantRole { role, by, at } => vec![UserRoleGranted { role: *role, by: *by, at: *at }.into()],
        UserCommand::RevokeRole { role, .. } if !user.roles.contains(role) => vec![],
        UserCommand::RevokeRole { role, by, at } => vec![UserRoleRevoked { role: *role, by: *by, at: *at }.into()],
        UserCommand::Suspend { .. } if user.suspended => vec![],
        UserCommand::Suspend { by, at } => vec![UserSuspended { by: *by, at: *at }.into()],
        UserCommand::Reinstate { .. } if !user.suspended => vec![],
        UserCommand::Reinstate { by, at } => vec![UserReinstated { by: *by, at: *at }.into()],
        UserCommand::Close { at } => vec![UserClosed { key: user.key, at: *at }.into()],
    })
}

fn note_erased(user: &User, at: Timestamp) -> Result<Vec<UserEvent>, UserRefusal> {
    let Some(asked_at) = user.closed_at else { return Err(UserRefusal::NotClosed) };
    if user.erased {
        return Ok(vec![]);
    }
    Ok(vec![UserErased { reason: ErasureReason::AccountClosed, asked_at, at, key: user.key }.into()])
}

fn change_profile(user: &User, change: &ProfileChange, at: Timestamp) -> Result<Vec<UserEvent>, UserRefusal> {
    if user.suspended {
        return Err(UserRefusal::Suspended);
    }
    let Some(identity) = &user.identity else {
        return Err(UserRefusal::NoSuchUser);
    };
    let effective = ProfileChange {
        email: change.email.effective(identity.email.as_ref()),
        phone_number: change.phone_number.effective(identity.phone_number.as_ref()),
        first_name: change.first_name.effective(identity.first_name.as_ref()),
        last_name: change.last_name.effective(identity.last_name.as_ref()),
    };
    if effective == ProfileChange::default() {
        return Ok(vec![]);
    }
    Ok(vec![UserProfileChanged { key: user.key, at, change: Personal::Clear(effective) }.into()])
}
