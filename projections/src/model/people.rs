//! People and their sessions.

use tidings_domain::{SessionId, Timestamp, UserId, values::Role};

/// Somebody as they are named beside what they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRef {
    /// Who.
    pub id: UserId,
    /// None once the account is closed.
    pub username: Option<String>,
}

/// An account. What of it is public is the API's to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, each a member of the answer")]
pub struct User {
    /// Who.
    pub id: UserId,
    /// None once the account is closed.
    pub username: Option<String>,
    /// As it was written.
    pub email: Option<String>,
    /// In E.164 form.
    pub phone_number: Option<String>,
    /// Free text.
    pub first_name: Option<String>,
    /// Free text.
    pub last_name: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When the profile, the password or the roles last changed.
    pub modified_at: Timestamp,
    /// In a fixed order.
    pub roles: Vec<Role>,
    /// Whether signing in takes a second factor.
    pub mfa_enabled: bool,
    /// Shut out by an operator.
    pub suspended: bool,
    /// Closed for good: all personal members are none.
    pub closed: bool,
    /// Made by an import rather than by its owner.
    pub imported: bool,
}

/// Where a list of users goes on: after this term and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCursor {
    /// The word that matched; empty when all are listed.
    pub term: String,
    /// The last username shown.
    pub username: String,
}

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What its owner calls the device.
    pub device_name: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last refreshed, or opened.
    pub refreshed_at: Timestamp,
}

/// A device and its public keys, as far as they are shown to anybody before they are claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// 1, 2, 3 … within the account.
    pub number: u32,
    /// What its owner's clients call it.
    pub id: String,
    /// In base64.
    pub identity_key: String,
    /// How many key packages nobody has claimed.
    pub key_packages: u64,
    /// Whether one is handed out when there is none of those.
    pub fallback: bool,
    /// When keys of it were last published.
    pub published_at: Timestamp,
}
