//! What can have happened to an account.

use serde::{Deserialize, Serialize};

use crate::{
    KeyId, Personal, SealKeys, SessionId, Timestamp, UserId,
    event::events,
    message::ErasureReason,
    values::{Email, PersonName, PhoneNumber, Role, Username},
};

events! {
    /// Of the stream `user-{id}`.
    pub enum UserEvent {
        /// The account exists.
        Registered(UserRegistered) = "user_registered" seals identity,
        /// Its owner changed the profile.
        ProfileChanged(UserProfileChanged) = "user_profile_changed" seals change,
        /// It has another password; sessions opened under the older ones have ended, but for the one that did this.
        PasswordChanged(UserPasswordChanged) = "user_password_changed" seals password_hash,
        /// It may do more.
        RoleGranted(UserRoleGranted) = "user_role_granted",
        /// It may do less.
        RoleRevoked(UserRoleRevoked) = "user_role_revoked",
        /// An operator shut it out.
        Suspended(UserSuspended) = "user_suspended",
        /// An operator let it in again.
        Reinstated(UserReinstated) = "user_reinstated",
        /// Its owner closed it for good; the key of its personal data is destroyed, unless something holds it.
        Closed(UserClosed) = "user_closed",
        /// That key is destroyed, and nothing of what it sealed is left anywhere: the receipt of an erasure.
        Erased(UserErased) = "user_erased",
    }
}

/// The personal data an account starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The unique name.
    pub username: Username,
    /// Unique when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Unique when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<PhoneNumber>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<PersonName>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<PersonName>,
    /// Argon2id in PHC string form; none for an imported account, which nobody can sign in to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
}

/// See [`UserEvent::Registered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRegistered {
    /// The key of this person's data, here and in every later event.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// Whether an import made it rather than its owner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
    /// Who.
    #[serde(skip)]
    pub identity: Personal<Identity>,
}

/// What becomes of an optional member of the profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    /// Stays as it is.
    #[default]
    Keep,
    /// Is taken away.
    Clear,
    /// Has this value now.
    Set(T),
}

impl<T: Clone + PartialEq> Change<T> {
    /// Whether it leaves everything as it is.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value after the change.
    #[must_use]
    pub fn applied_to(&self, present: Option<T>) -> Option<T> {
        match self {
            Self::Keep => present,
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }

    /// The same change, or [`Change::Keep`] where it would change nothing.
    pub(crate) fn effective(&self, present: Option<&T>) -> Self {
        match (self, present) {
            (Self::Clear, None) => Self::Keep,
            (Self::Set(value), Some(present)) if value == present => Self::Keep,
            _ => self.clone(),
        }
    }
}

/// What of the profile changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProfileChange {
    /// The email address.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub email: Change<Email>,
    /// The phone number.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub phone_number: Change<PhoneNumber>,
    /// The first name.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub first_name: Change<PersonName>,
    /// The last name.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    pub last_name: Change<PersonName>,
}

/// See [`UserEvent::ProfileChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProfileChanged {
    /// The key of this person's data.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(skip)]
    pub change: Personal<ProfileChange>,
}

/// See [`UserEvent::PasswordChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPasswordChanged {
    /// The key of this person's data.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// Counts the passwords: 1 for the one of the registration. A session knows under which it was opened.
    pub credential: u32,
    /// The session that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<SessionId>,
    /// Argon2id in PHC string form.
    #[serde(skip)]
    pub password_hash: Personal<String>,
}

/// See [`UserEvent::RoleGranted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRoleGranted {
    /// Which.
    pub role: Role,
    /// By whom; none from the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// See [`UserEvent::RoleRevoked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRoleRevoked {
    /// Which.
    pub role: Role,
    /// By whom; none from the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// See [`UserEvent::Suspended`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSuspended {
    /// The operator.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// See [`UserEvent::Reinstated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserReinstated {
    /// The operator.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// See [`UserEvent::Closed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserClosed {
    /// The key to destroy: of this person's data and, as the author's, of every message they sent.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
}

/// See [`UserEvent::Erased`]. Its owner asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserErased {
    /// Why.
    pub reason: ErasureReason,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it was done.
    pub at: Timestamp,
    /// The key that is destroyed.
    pub key: KeyId,
}

const fn person(key: KeyId) -> SealKeys {
    SealKeys { own: key, author: None }
}

impl UserRegistered {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        person(self.key)
    }
}

impl UserProfileChanged {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        person(self.key)
    }
}

impl UserPasswordChanged {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        person(self.key)
    }
}
