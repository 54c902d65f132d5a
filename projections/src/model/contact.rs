//! Whom somebody has as contacts, and whom they block.

use tidings_domain::{Timestamp, values::Invalid};
use tidings_event_store::Position;

use super::User;

/// How far two people are with being contacts, as one of them sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContactState {
    /// They are.
    #[default]
    Accepted,
    /// The other has asked.
    Incoming,
    /// One has asked oneself.
    Outgoing,
}

impl ContactState {
    const ALL: [Self; 3] = [Self::Accepted, Self::Incoming, Self::Outgoing];

    /// As it stands in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
        }
    }

    /// As the databases keep it.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Accepted => 1,
            Self::Incoming => 2,
            Self::Outgoing => 3,
        }
    }

    pub(crate) fn numbered(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

impl std::str::FromStr for ContactState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or(Invalid("must be one of: accepted, incoming, outgoing"))
    }
}

/// Somebody who is, or may become, a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who. Never somebody whose account is closed.
    pub user: User,
    /// How far it is.
    pub state: ContactState,
    /// Since when it is so.
    pub since: Timestamp,
}

/// Somebody who is blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Who. Never somebody whose account is closed.
    pub user: User,
    /// Since when.
    pub since: Timestamp,
}

/// Where a list of contacts or of blocks goes on: before what was decided at this place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactCursor(pub Position);
